"""What a worker does for a candidate, done here in this process with a runtime of numpy and a fake clock."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from fake_clock import FakeTime

from inferspeed_magic.measurement import bench, clock
from inferspeed_magic.runtimes.base import Capabilities, Runtime, Session, UnsupportedError

MS = 1_000_000
LOWERING = {"device": "cpu", "threads": 1, "batch_size": 2, "precision": "float32"}


class Scripted(Runtime):
    """Its times and outputs are class attributes, so that a test can set them."""

    name = "scripted"
    distribution = module = "numpy"
    install_command = "pip install numpy"
    time = FakeTime()
    prepare_ns, load_ns, compile_ns = 7 * MS, 20 * MS, 30 * MS
    run_ns = (4 * MS, 2 * MS)
    facts = {"device": "cpu"}  # noqa: RUF012
    prepared = 0

    def capabilities(self):
        return Capabilities(devices=("cpu", "gpu"), formats=("onnx",), batch_in_artifact=False)

    def prepare(self, lowering):
        type(self).prepared += 1
        self.time.ns += self.prepare_ns

    def load(self, artifact, lowering):
        self.time.ns += self.load_ns
        return artifact

    def compile(self, loaded, lowering):
        self.time.ns += self.compile_ns
        return ScriptedSession(self)


class ScriptedSession(Session):
    def __init__(self, runtime):
        self.runtime = runtime
        self.facts = runtime.facts
        self.runs = []

    def run(self, inputs):
        durations = self.runtime.run_ns
        self.runtime.time.ns += durations[min(len(self.runs), len(durations) - 1)]
        self.runs.append(inputs[0][0, 0])
        return [inputs[0] + 1, inputs[0].sum(axis=1)]


@pytest.fixture
def time(monkeypatch):
    fake = FakeTime()
    monkeypatch.setattr(Scripted, "time", fake)
    monkeypatch.setattr(bench, "CLOCK", fake.clock)
    # The default of an argument was bound when the module was imported.
    for function in (clock.time_block, clock.time_poisson):
        monkeypatch.setitem(function.__kwdefaults__, "clock", fake.clock)
    return fake


@pytest.fixture
def state():
    return {}


@pytest.fixture
def open_one(state, time, tmp_path):
    def begin(count=3, checked=2, **lowering):
        files = []
        for number in range(count):
            files.append([str(tmp_path / f"in_{number}.npy")])
            np.save(files[-1][0], np.full((2, 3), number, np.float32))
        return bench.open_candidate(
            state,
            candidate="one",
            runtime=f"{__name__}:Scripted",
            artifact="nothing",
            lowering=LOWERING | lowering,
            inputs=files,
            outputs=str(tmp_path / "out"),
            checked=checked,
        )

    return begin


def session(state):
    return state["candidates"]["one"].session


def test_importing_is_timed_apart(state, time):
    said = bench.prepare(state, runtime=f"{__name__}:Scripted", lowering=LOWERING)
    assert said["import_ms"] == pytest.approx(7, abs=0.01)


def test_load_compile_and_first_inference_are_apart(open_one):
    said = open_one()
    assert said["load_ms"] == pytest.approx(20, abs=0.01)
    assert said["compile_ms"] == pytest.approx(30, abs=0.01)
    assert said["first_inference_ms"] == pytest.approx(4, abs=0.01)
    assert said["facts"] == {"device": "cpu"}


def test_outputs_of_the_checked_batches_are_written_in_order(open_one, tmp_path):
    assert open_one()["outputs"] == 2
    for number in range(2):
        assert np.load(tmp_path / f"out_{number}_0.npy").tolist() == [[number + 1.0] * 3] * 2
        assert np.load(tmp_path / f"out_{number}_1.npy").tolist() == [3.0 * number] * 2
    assert not (tmp_path / "out_2_0.npy").exists()


def test_bfloat16_comes_in_as_it_is_and_goes_out_as_what_files_can_hold(state, time, tmp_path):
    file = str(tmp_path / "in.npy")
    np.save(file, np.full((2, 3), 1.5, ml_dtypes.bfloat16))
    bench.open_candidate(
        state,
        candidate="one",
        runtime=f"{__name__}:Scripted",
        artifact="nothing",
        lowering=LOWERING,
        inputs=[[file]],
        outputs=str(tmp_path / "out"),
        checked=1,
    )
    assert session(state).runs[0].dtype == ml_dtypes.bfloat16
    bench.answer(state, candidate="one", inputs=[file], outputs=str(tmp_path / "answer"), batch_size=2)
    for name in ("out_0_0.npy", "answer_0.npy"):
        written = np.load(tmp_path / name)
        assert written.dtype == np.float32
        assert written.tolist() == [[2.5] * 3] * 2


def test_peak_memory_is_that_of_the_process(open_one):
    assert 10 < open_one()["peak_memory_mb"] < 100_000


@pytest.mark.parametrize(("asked", "used"), [("gpu", "cpu"), ("cpu", "gpu"), ("gpu:1", "cpu")])
def test_another_device_than_asked_for_is_unsupported(open_one, state, monkeypatch, asked, used):
    monkeypatch.setattr(Scripted, "facts", {"device": used})
    with pytest.raises(UnsupportedError, match=f"it runs on the {used}, not on the {asked.partition(':')[0]}"):
        open_one(device=asked)
    assert "one" not in state.get("candidates", {})


def test_the_same_kind_of_device_is_fine(open_one, monkeypatch):
    monkeypatch.setattr(Scripted, "facts", {"device": "gpu"})
    assert open_one(device="gpu:1")["outputs"] == 2


def warm(state, least=5, most=1000, limit_s=1.0):
    return bench.warm_up(state, candidate="one", least=least, most=most, limit_s=limit_s)


def test_the_warm_up_goes_on_while_latencies_fall(open_one, state, monkeypatch):
    decay = [round((2 + 40 * 0.9**number) * MS) for number in range(60)]
    monkeypatch.setattr(Scripted, "run_ns", tuple(decay))
    open_one()
    said = warm(state, limit_s=10.0)
    assert said["settled"]
    assert len(said["latencies_ns"]) > 30
    assert 10 < said["detected"] < len(said["latencies_ns"])


def test_a_steady_model_is_warm_at_once(open_one, state, monkeypatch):
    monkeypatch.setattr(Scripted, "run_ns", (2 * MS,))
    open_one()
    said = warm(state)
    assert said["settled"]
    assert len(said["latencies_ns"]) <= 20
    assert said["detected"] == 0


def test_a_warm_up_that_never_ends_is_cut_and_said(open_one, state, monkeypatch):
    monkeypatch.setattr(Scripted, "run_ns", tuple(range(500 * MS, 100 * MS, -MS)))
    open_one()
    said = warm(state, limit_s=1.0)
    assert not said["settled"]
    assert said["wall_ns"] >= 1e9


def test_a_very_slow_model_is_warmed_up_at_least_once(open_one, state, monkeypatch):
    monkeypatch.setattr(Scripted, "run_ns", (5_000 * MS,))
    open_one()
    said = warm(state)
    assert len(said["latencies_ns"]) == 1
    assert not said["settled"]


def turn(state, *, duration_ms=20.0, least=1, most=1000, rewarm=True):
    return bench.take_turn(state, candidate="one", duration_ms=duration_ms, least=least, most=most, rewarm=rewarm)


def test_a_turn_lasts_as_long_as_it_should(open_one, state):
    open_one()
    said = turn(state)
    assert len(said["latencies_ns"]) == 10
    assert said["wall_ns"] == pytest.approx(20 * MS, rel=0.01)


def test_a_turn_is_rewarmed_without_being_timed(open_one, state):
    open_one()
    before = len(session(state).runs)
    timed = len(turn(state)["latencies_ns"])
    warming = len(session(state).runs) - before - timed
    assert warming == 2  # 3 ms of inferences that take 2 ms
    before = len(session(state).runs)
    timed = len(turn(state, rewarm=False)["latencies_ns"])
    assert len(session(state).runs) - before == timed


def test_inputs_go_on_where_the_last_turn_stopped(open_one, state):
    open_one(count=3)
    seen = []
    for _ in range(3):
        before = len(session(state).runs)
        turn(state, duration_ms=1.0, least=2, rewarm=False)
        seen += session(state).runs[before:]
    assert seen == [0, 1, 2, 0, 1, 2]


def test_a_turn_has_its_bounds(open_one, state):
    open_one()
    assert len(turn(state, duration_ms=0.001)["latencies_ns"]) == 1
    assert len(turn(state, duration_ms=1e6, most=5)["latencies_ns"]) == 5


def test_serving_is_the_same_for_the_same_seed(open_one, state):
    open_one()

    def served(seed):
        return bench.serve(state, candidate="one", qps=300, queries=50, seed=seed)["latencies_ns"]

    first = served(1)
    assert served(1) == pytest.approx(first, abs=0.05 * MS)
    assert served(2) != pytest.approx(first, abs=0.05 * MS)


def test_arrivals_have_the_mean_rate_asked_for(open_one, state, monkeypatch):
    monkeypatch.setattr(Scripted, "run_ns", (MS // 10,))
    open_one()
    said = bench.serve(state, candidate="one", qps=200, queries=4000, seed=0)
    assert 4000 / (said["wall_ns"] / 1e9) == pytest.approx(200, rel=0.05)
    # Poisson: now and then one arrives while another is served, and so takes longer.
    assert max(said["latencies_ns"]) > 1.5 * min(said["latencies_ns"])


def test_all_samples_of_a_file_are_answered(open_one, state, tmp_path):
    """The last batch is filled up; what fills it is left out of the answer."""
    open_one()
    samples = np.arange(15, dtype=np.float32).reshape(5, 3)
    np.save(tmp_path / "more.npy", samples)
    said = bench.answer(
        state,
        candidate="one",
        inputs=[str(tmp_path / "more.npy")],
        outputs=str(tmp_path / "answer"),
        batch_size=2,
    )
    assert said == {"outputs": 2}
    assert session(state).runs[-3:] == [0.0, 6.0, 12.0]  # the first number of each batch of two
    whole, other = np.load(tmp_path / "answer_0.npy"), np.load(tmp_path / "answer_1.npy")
    assert len(whole) == len(other) == 5
    assert whole[:, 0].tolist() == (samples[:, 0] + 1).tolist()


def test_a_closed_candidate_is_forgotten(open_one, state):
    open_one()
    bench.close(state, candidate="one")
    with pytest.raises(KeyError):
        turn(state)
    bench.close(state, candidate="one")


@pytest.mark.parametrize(
    ("files", "asked", "expected"),
    [
        ({"model.onnx": 1000, "model.onnx.data": 5000}, "model.onnx", 0.006),
        ({"model.onnx": 1000, "other.onnx.data": 5000}, "model.onnx", 0.001),
        ({"model.xml": 1000, "model.bin": 3000}, "model.xml", 0.004),
        ({"model.tflite": 2000, "model.bin": 5000}, "model.tflite", 0.002),
        ({"saved/saved_model.pb": 1000, "saved/variables/variables.data": 4000}, "saved", 0.005),
    ],
)
def test_the_size_of_an_artifact_counts_its_companions(tmp_path, files, asked, expected):
    for name, size in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)
    assert bench.artifact_mb(str(tmp_path / asked)) == pytest.approx(expected)
