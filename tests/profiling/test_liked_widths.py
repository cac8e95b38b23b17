"""Widths that a runtime's kernels like are measured once, in a process that is gone afterwards."""

from __future__ import annotations

import pytest

from inferspeed_magic.discovery import runtimes
from inferspeed_magic.measurement.machine import describe
from inferspeed_magic.profiling.artifact_cache import VARIABLE
from inferspeed_magic.profiling.liked_widths import liked_widths
from inferspeed_magic.profiling.limits import LIMITS
from inferspeed_magic.workers.crew import Crew


class Idle:
    """A crew that must not be asked for a worker."""

    def start(self, *_, **__):
        raise AssertionError("a worker was started")


@pytest.mark.parametrize("name", ["litert", "onnxruntime", "openvino"])
def test_they_are_measured_once(name, monkeypatch, tmp_path):
    runtime = runtimes()[name]
    if not runtime.availability().available:
        pytest.skip(runtime.availability().reason)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    machine = describe()
    with Crew() as crew:
        found = liked_widths(crew, LIMITS, machine, runtime)
        assert not crew.pids()
    assert found.multiple_of in (1, 4, 8, 16)
    assert found.latencies_ns["8"] < found.latencies_ns["48"]
    assert liked_widths(Idle(), LIMITS, machine, runtime) == found


def test_keras_runs_in_no_file_and_is_not_measured():
    assert liked_widths(Idle(), LIMITS, describe(), runtimes()["keras.call"]) is None


def test_a_runtime_that_fails_says_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setattr("inferspeed_magic.profiling.liked_widths._MEASUREMENT", "nowhere")
    with Crew() as crew:
        assert liked_widths(crew, LIMITS, describe(), runtimes()["litert"]) is None
        assert not crew.pids()
    assert not list(tmp_path.rglob("*.json"))
