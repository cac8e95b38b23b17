"""When predictions are made, and that they never cost a search anything."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from inferspeed_magic.measurement.machine import describe
from inferspeed_magic.profiling.limits import LIMITS
from inferspeed_magic.records import Bandwidth, Ceilings
from inferspeed_magic.search import foresight
from inferspeed_magic.search.foresight import Foresight
from inferspeed_magic.search.ideas import Idea

COUNT = {
    "model": "?",
    "batch_size": 1,
    "layers": [
        {
            "layer": "dense",
            "kind": "Dense",
            "params": 10**6,
            "macs": 10**6,
            "flops": 2 * 10**6,
            "weight_bytes": 4 * 10**6,
            "bytes_read": 4 * 10**6,
            "bytes_written": 4000,
            "kernels": 1,
            "steps": 1,
            "output_shape": [1000],
        }
    ],
    "depth": 1,
    "activation_bytes": 4000,
    "uncounted": [],
}
MACHINE = Ceilings(1, {"float32": 100.0, "int8": 300.0}, (Bandwidth(2**30, 20.0, "memory"),))


def trial(technique="post_training_static", runtime="litert", variant="", status=None, blocks=(1,)):
    candidate = SimpleNamespace(
        name=f"m/{runtime}+{technique}",
        status=status,
        blocks=list(blocks),
        lowering=SimpleNamespace(device="cpu"),
        measurement=lambda: None,
    )
    return SimpleNamespace(idea=Idea(runtime, technique, variant), candidate=candidate, remembered=None, expected=None)


@pytest.fixture
def asked(monkeypatch):
    """Calls for the ceilings, which are at hand."""
    calls = []

    def ceilings(*_, measure):
        calls.append(measure)
        return MACHINE

    monkeypatch.setattr(foresight, "ceilings", ceilings)
    monkeypatch.setattr(foresight, "latency_ns", lambda _: 250_000.0)
    return calls


def made(count=COUNT, left_s=200.0, model="a model"):
    future = Future()
    if isinstance(count, Exception):
        future.set_exception(count)
    else:
        future.set_result(count)
    contest = SimpleNamespace(converter=SimpleNamespace(look=lambda *_, **__: future))
    seer = Foresight(None, LIMITS, describe(), threads=1, left_s=lambda: left_s, tell=print)
    seer.begin(contest, SimpleNamespace(model=model), 1)
    return seer


def test_it_foretells_what_int8_brings(asked):
    seer = made()
    found = seer.of(trial(), [trial("none")])
    assert found.name == "m/litert+post_training_static"
    assert 2 < found.expected.value < 4.5
    assert "weights" in found.reason
    assert seer.of(trial("weight_only_int8", "onnxruntime"), [trial("none", "onnxruntime")]) is not None
    assert asked == [True]  # once


@pytest.mark.parametrize(
    ("one", "others"),
    [
        (trial("none"), [trial("none")]),
        (trial(), []),
        (trial(), [trial("none", "openvino")]),
        (trial(), [trial("none", blocks=())]),
        (trial(variant="entropy"), [trial("none")]),
        (trial(status="unsupported"), [trial("none")]),
        (trial("low_rank"), [trial("none")]),
    ],
)
def test_where_nothing_can_be_known_nothing_is_asked(asked, one, others):
    assert made().of(one, others) is None
    assert asked == []


def test_without_counts_the_machine_is_not_measured(asked):
    assert made(count=RuntimeError("no layers")).of(trial(), [trial("none")]) is None
    assert made(model=None).of(trial(), [trial("none")]) is None
    assert asked == []


def test_little_time_is_not_spent_on_the_machine(asked):
    made(left_s=20.0).of(trial(), [trial("none")])
    assert asked == [False]


def test_nothing_that_fails_here_costs_the_search(monkeypatch):
    def ceilings(*_, **__):
        raise OSError("no space")

    monkeypatch.setattr(foresight, "ceilings", ceilings)
    monkeypatch.setattr(foresight, "latency_ns", lambda _: 250_000.0)
    assert made().of(trial(), [trial("none")]) is None
