"""The Keras call paths share a process: when one of them kills it, the others are opened again and go on."""

from __future__ import annotations

import pytest

import inferspeed_magic as im
from inferspeed_magic.panel.progress import NoProgress
from inferspeed_magic.profiling.rounds import ROUNDS

CALL_PATHS = ["keras.predict", "keras.call", "keras.compiled", "keras.xla"]
OTHERS = ["litert", "onnxruntime"]


@pytest.fixture(scope="module")
def touchy():
    # Here, so that collecting tests does not import TensorFlow.
    import touchy_layer

    return touchy_layer.model


def profile(touchy, folder, patch, lit_by, runtimes):
    """Profile with a fuse that is lit when progress shows what ``lit_by`` waits for."""
    fuse = folder / "fuse"

    def update(self, done, total, message, **more):
        if lit_by(done, total, message):
            fuse.touch()

    patch.setattr(NoProgress, "update", update)
    report = im.profile(touchy(fuse), runtimes=runtimes, duration_s=0.4, progress=False)
    assert fuse.exists(), "the fuse was never lit: this test tests nothing"
    return {result.runtime: result for result in report.results}


@pytest.fixture(scope="module")
def crashed_while_opened(touchy, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return profile(
            touchy,
            tmp_path_factory.mktemp("opening"),
            patch,
            lambda done, total, message: message.startswith("opening touchy/keras.call"),
            CALL_PATHS[:3],
        )


@pytest.fixture(scope="module")
def crashed_while_measured(touchy, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return profile(
            touchy,
            tmp_path_factory.mktemp("measuring"),
            patch,
            lambda done, total, message: message.startswith("measuring") and done > 0.75 * total,
            CALL_PATHS + OTHERS,
        )


def check_turns(result):
    """All rounds for fast ones, at least six from the first to the last for slow ones."""
    rounds = [block.round for block in result.measurement.blocks]
    if result.summary.p50_ms.value < 2:
        assert rounds == list(range(ROUNDS)), result.name
    else:
        assert len(rounds) >= 6, result.name
        assert (rounds[0], rounds[-1]) == (0, ROUNDS - 1), result.name


def test_a_crash_while_opened_costs_that_call_path_only(crashed_while_opened):
    statuses = {name: result.status for name, result in crashed_while_opened.items()}
    assert statuses == {"keras.predict": "measured", "keras.call": "crashed", "keras.compiled": "measured"}
    assert "SIGABRT" in crashed_while_opened["keras.call"].reason


def test_neighbours_are_measured_in_full_after_a_crash_while_opened(crashed_while_opened):
    for name in ("keras.predict", "keras.compiled"):
        check_turns(crashed_while_opened[name])


def test_a_crash_while_measured_costs_that_call_path_only(crashed_while_measured):
    statuses = {name: result.status for name, result in crashed_while_measured.items()}
    assert statuses == dict.fromkeys(CALL_PATHS + OTHERS, "measured") | {"keras.call": "crashed"}
    assert "SIGABRT" in crashed_while_measured["keras.call"].reason


def test_neighbours_lose_no_turn_to_a_crash_while_measured(crashed_while_measured):
    for name in [*CALL_PATHS, *OTHERS]:
        if name != "keras.call":
            check_turns(crashed_while_measured[name])


def test_the_crashed_call_path_has_no_numbers(crashed_while_measured):
    result = crashed_while_measured["keras.call"]
    assert result.measurement is None
    assert result.summary is None


def test_a_layer_that_no_other_process_survives_is_measured_in_the_kernel(touchy, tmp_path):
    fuse = tmp_path / "fuse"
    fuse.touch()
    report = im.profile(
        touchy(fuse), runtimes=["keras.predict", "keras.call", "litert"], duration_s=0.1, progress=False
    )
    assert [result.status for result in report.results] == ["measured"] * 3
    for result in report.results[:2]:
        assert any("measured inside the kernel" in note and "SIGABRT" in note for note in result.notes)
