"""The cost of an operator is a slope; chains that are measured for it are run as they are written."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest
from fake_clock import FakeTime

from inferspeed_magic.measurement import clock, dispatch_cost, fastest
from inferspeed_magic.measurement.chain_models import KINDS, write_litert_chains, write_onnx_chains
from inferspeed_magic.measurement.dispatch_cost import through
from inferspeed_magic.runtimes.base import Capabilities, Lowering, Runtime, Session, UnsupportedError
from inferspeed_magic.runtimes.litert import LiteRT
from inferspeed_magic.runtimes.onnxruntime import OnnxRuntime
from inferspeed_magic.runtimes.openvino import OpenVino

LENGTHS = (8, 64, 128)


def test_a_line_gives_its_slope_and_intercept():
    assert through({8: 5 + 8 * 0.5, 64: 5 + 64 * 0.5, 128: 5 + 128 * 0.5}) == pytest.approx((0.5, 5.0))


@pytest.mark.parametrize(
    "latencies",
    [{8: 10.0, 64: 10.0, 128: 9.0}, {8: 10.0, 64: 40.0, 128: 41.0}, {8: 10.0, 64: 40.0, 128: 200.0}],
    ids=["no slope", "fused", "disturbed"],
)
def test_what_is_no_line_is_no_cost(latencies):
    assert through(latencies) is None


def test_an_intercept_is_not_negative():
    assert through({8: 3.0, 64: 32.0, 128: 64.0}) == pytest.approx((0.5, 0.0), abs=0.05)


class Scripted(Runtime):
    """So many microseconds for each call and each operator, by kind."""

    name = "scripted"
    distribution = module = "numpy"
    install_command = ""
    time = FakeTime()
    operator_us = {"convolution": 0.7, "pooling": 0.4}  # noqa: RUF012

    def capabilities(self):
        return Capabilities(devices=("cpu",), formats=("onnx",), batch_in_artifact=True)

    def load(self, artifact, lowering):
        return artifact

    def compile(self, loaded, lowering):
        kind, length = loaded.split()
        return ScriptedSession(self, round(3000 + int(length) * self.operator_us[kind] * 1000))


class ScriptedSession(Session):
    def __init__(self, runtime, duration_ns):
        self.runtime, self.duration_ns, self.facts = runtime, duration_ns, {}

    def run(self, inputs):
        self.runtime.time.ns += self.duration_ns
        return inputs


@pytest.fixture
def scripted(monkeypatch):
    fake = FakeTime()
    monkeypatch.setattr(Scripted, "time", fake)
    monkeypatch.setattr(clock.time_block, "__kwdefaults__", clock.time_block.__kwdefaults__ | {"clock": fake.clock})
    monkeypatch.setattr(fastest, "CLOCK", fake.clock)
    return {
        "runtime": f"{__name__}:Scripted",
        "threads": 1,
        "chains": [
            {"path": f"{kind} {length}", "shape": [1], "kind": kind, "length": length}
            for kind in KINDS
            for length in LENGTHS
        ],
        "budget_s": 0.05,
    }


def test_the_kind_that_costs_least_counts(scripted):
    found = dispatch_cost.dispatch_cost({}, **scripted)
    assert found["per_operator_us"] == pytest.approx(0.4, rel=0.01)
    assert found["per_call_us"] == pytest.approx(3.0 + 1.0, rel=0.01)  # and a look at the clock


def test_a_runtime_that_fuses_one_kind_is_measured_by_the_other(scripted, monkeypatch):
    monkeypatch.setattr(Scripted, "operator_us", {"convolution": 0.7, "pooling": 0.0})
    assert dispatch_cost.dispatch_cost({}, **scripted)["per_operator_us"] == pytest.approx(0.7, rel=0.01)
    monkeypatch.setattr(Scripted, "operator_us", dict.fromkeys(KINDS, 0.0))
    with pytest.raises(UnsupportedError, match="does not grow"):
        dispatch_cost.dispatch_cost({}, **scripted)


@pytest.fixture(scope="module")
def chains(tmp_path_factory):
    return write_onnx_chains({}, folder=str(tmp_path_factory.mktemp("chains")), lengths=LENGTHS)


def expected(kind, length, values):
    """What the chain makes of its input: channels moved on, or the largest of each 2x2, again and again."""
    values = values.reshape(16) if kind == "convolution" else values.reshape(4, 4)
    for _ in range(length):
        if kind == "convolution":
            values = np.roll(values, 1)
        else:
            padded = np.pad(values, ((0, 1), (0, 1)), constant_values=-np.inf)
            values = np.maximum.reduce([padded[:-1, :-1], padded[1:, :-1], padded[:-1, 1:], padded[1:, 1:]])
    return values


def runs_as_written(runtime, chain):
    values = np.random.default_rng(3).standard_normal(chain["shape"]).astype(np.float32)
    lowering = Lowering()
    session = runtime.compile(runtime.load(chain["path"], lowering), lowering)
    (found,) = session.run([values])
    np.testing.assert_allclose(found.reshape(-1), expected(chain["kind"], chain["length"], values).reshape(-1), 1e-5)
    return session


def test_onnxruntime_runs_every_operator(chains, tmp_path):
    import onnxruntime

    for chain in chains:
        runs_as_written(OnnxRuntime(), chain)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
        onnxruntime.InferenceSession(chain["path"], options)
        kinds = Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)
        assert max(kinds.values()) == chain["length"], kinds


@pytest.mark.parametrize("threads", [1, 2])
def test_openvino_runs_every_operator(chains, threads):
    openvino = pytest.importorskip("openvino")
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    for chain in chains:
        runs_as_written(OpenVino(), chain)
        compiled = openvino.Core().compile_model(chain["path"], "CPU", settings)
        kinds = Counter(node.get_rt_info()["layerType"].astype(str) for node in compiled.get_runtime_model().get_ops())
        assert kinds["Convolution"] + kinds["Pooling"] == chain["length"], kinds


def test_litert_runs_every_operator(tmp_path):
    for chain in write_litert_chains({}, folder=str(tmp_path), lengths=LENGTHS):
        runs_as_written(LiteRT(), chain)
