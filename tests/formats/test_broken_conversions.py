"""Conversions that fail, or lie: the next route is tried, the report says so, and what lies is never timed."""

from __future__ import annotations

import pytest
import small_models

import inferspeed_magic as im
from inferspeed_magic.formats import routes as table
from inferspeed_magic.formats.routes import Step, words

GOOD = table._STATIC["keras"]["onnx"][0]


def broken(name):
    return Step(f"broken_steps:{name}", "onnx", static=True, words=name)


@pytest.fixture
def onnx_routes(monkeypatch):
    """Put other routes in the table, for live Keras models and ONNX."""

    def put(*found):
        monkeypatch.setitem(table._STATIC_FROM_KERAS, "onnx", found)

    return put


def profiled():
    report = im.profile(
        {"m": small_models.mlp()}, runtimes="onnxruntime", duration_s=0.02, progress=False, batch_in_file="static"
    )
    (result,) = report.results
    return result


def test_what_fails_leads_to_the_next_route_and_is_named(onnx_routes):
    onnx_routes(
        (GOOD[0], broken("refuse")),
        (GOOD[0], broken("write_nothing")),
        (GOOD[0], broken("die")),
        (*GOOD, broken("perturb")),
        GOOD,
    )
    result = profiled()
    assert result.status == "measured"
    assert result.route == words(GOOD)
    assert result.relative_error < 1e-4
    (note,) = result.notes
    assert note.startswith("tried before: ")
    for name, reason in {
        "refuse": "ValueError: no handler for Erfc",
        "write_nothing": "the converter wrote nothing",
        "die": "SIGABRT",
        "perturb": "its outputs differ from the model's by",
    }.items():
        (part,) = [part for part in note.removeprefix("tried before: ").split("; ") if f"> {name}: " in part]
        assert reason in part


@pytest.mark.parametrize(
    ("lie", "reason"), [("perturb", "its outputs differ from the model's by"), ("poison", "NaN or infinite")]
)
def test_an_altered_artifact_disagrees_and_is_never_timed(onnx_routes, lie, reason):
    onnx_routes((*GOOD, broken(lie)))
    result = profiled()
    assert result.status == "disagrees"
    assert reason in result.reason
    assert result.relative_error > 1e-3
    assert result.measurement is None
    assert result.summary is None


def test_the_status_tells_the_worst_of_what_went_wrong(onnx_routes):
    onnx_routes((GOOD[0], broken("refuse")), (GOOD[0], broken("die")))
    result = profiled()
    assert result.status == "crashed"
    assert "no handler for Erfc" in result.reason
    assert "SIGABRT" in result.reason
    assert result.measurement is None
