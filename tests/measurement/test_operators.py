"""Two sessions in turns, with a profiler and without, on a fake clock; and profilers that fail, in a real worker."""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import scripted_profilers
from fake_clock import FakeTime

from inferspeed_magic.errors import WorkerError
from inferspeed_magic.measurement import clock, operators
from inferspeed_magic.measurement.operators import profile_operators
from inferspeed_magic.records.operators import OperatorProfile, OperatorTime
from inferspeed_magic.runtimes.base import UnsupportedError
from inferspeed_magic.workers.worker import Worker

MS = 1_000_000


def asked(folder, name="Profiles", **more):
    batch = str(folder / "in.npy")
    np.save(batch, np.zeros((1, 2), np.float32))
    return {
        "runtime": f"scripted_profilers:{name}",
        "artifact": "nothing",
        "lowering": {"device": "cpu", "threads": 1},
        "inputs": [[batch]],
        "folder": str(folder),
        "duration_ms": 400.0,
        "most": 200,
    } | more


@pytest.fixture
def time(monkeypatch):
    fake = FakeTime()

    def wait_ns(self, duration_ns):
        fake.ns += duration_ns

    monkeypatch.setattr(scripted_profilers.Profiles, "wait_ns", wait_ns)
    monkeypatch.setattr(scripted_profilers.Profiles, "opened", ())
    monkeypatch.setitem(clock.time_block.__kwdefaults__, "clock", fake.clock)
    monkeypatch.setattr(operators, "CLOCK", fake.clock)
    return fake


def takes(monkeypatch, run_ns, profiler_ns):
    monkeypatch.setattr(scripted_profilers.Profiles, "run_ns", run_ns)
    monkeypatch.setattr(scripted_profilers.Profiles, "profiler_ns", profiler_ns)


def test_the_answer_is_a_profile(time, tmp_path):
    said = json.loads(json.dumps(profile_operators({}, **asked(tmp_path))))
    assert set(said) == set(OperatorProfile.__dataclass_fields__)
    assert set(said["operators"][0]) == set(OperatorTime.__dataclass_fields__)
    assert said["runtime"] == "profiles"
    assert said["operators"][0]["origins"] == ["dense/MatMul"]
    assert ["asked", "yes"] in said["facts"], "facts are read after the profile"


def test_latencies_with_and_without_the_profiler_are_apart(time, tmp_path):
    said = profile_operators({}, **asked(tmp_path))
    assert np.median(said["plain_latencies_ns"]) == pytest.approx(50_000, rel=0.05)
    assert np.median(said["latencies_ns"]) == pytest.approx(70_000, rel=0.05)


def test_every_counted_inference_has_its_times_and_no_other(time, tmp_path):
    said = profile_operators({}, **asked(tmp_path))
    (watched,) = (each for each in scripted_profilers.Profiles.opened if hasattr(each, "operators"))
    places = said["operators"][0]["latencies_ns"]
    assert len(places) == len(said["latencies_ns"]) < watched.runs
    assert min(places) > 10, "the warm-up is left out"
    assert np.any(np.diff(places) > 1), "and so are the first ones of each turn"


def test_both_take_turns_in_random_order(time, monkeypatch, tmp_path):
    turns = []
    original = clock.time_block

    def noted(run, *arguments, **options):
        turns.append(run.__self__)
        return original(run, *arguments, **options)

    monkeypatch.setattr(operators, "time_block", noted)
    takes(monkeypatch, 5 * MS, 1 * MS)  # slow enough for turns without a second warm-up
    profile_operators({}, **asked(tmp_path))
    rounds = [tuple(turns[place : place + 2]) for place in range(2, len(turns), 2)]
    assert len(rounds) >= 5
    assert all(first is not second for first, second in rounds)
    assert len(set(rounds)) == 2, "in both orders"


@pytest.mark.parametrize(("busy_ms", "looks"), [(0, 1), (30, 7), (10_000, 40)])
def test_turns_begin_when_the_threads_of_the_other_have_stopped_spinning(time, monkeypatch, busy_ms, looks):
    begin = time.ns

    def process_time():  # one thread spins for a while
        return min(time.ns - begin, busy_ms * MS) / 1e9

    monkeypatch.setattr(operators.time, "process_time", process_time)
    operators._let_threads_rest()
    assert len(time.slept_s) == looks


def test_each_turn_of_the_other_waits_for_that(time, monkeypatch, tmp_path):
    ran = []
    monkeypatch.setattr(operators, "_let_threads_rest", lambda: ran.append(None))
    original = clock.time_block

    def noted(run, *arguments, **options):
        ran.append(run.__self__)
        return original(run, *arguments, **options)

    monkeypatch.setattr(operators, "time_block", noted)
    profile_operators({}, **asked(tmp_path))
    pairs = [(before, after) for before, after in pairwise(ran) if before is not None and after is not None]
    assert all(before is after for before, after in pairs)
    assert ran.count(None) >= 5


def test_it_takes_as_long_as_it_was_given(time, tmp_path):
    start = time.ns
    profile_operators({}, **asked(tmp_path, duration_ms=800.0, most=100_000))
    assert 550.0 <= (time.ns - start) / MS <= 850.0


@pytest.mark.parametrize("run_ms", [30, 2000])
def test_a_slow_model_is_run_five_times(time, monkeypatch, tmp_path, run_ms):
    takes(monkeypatch, run_ms * MS, run_ms * MS // 2)
    said = profile_operators({}, **asked(tmp_path))
    assert 5 <= len(said["latencies_ns"]) <= 8
    assert 5 <= len(said["plain_latencies_ns"]) <= 8
    (watched,) = (each for each in scripted_profilers.Profiles.opened if hasattr(each, "operators"))
    assert watched.runs <= 5 + 8


def test_the_number_of_profiled_inferences_is_bounded(time, monkeypatch, tmp_path):
    takes(monkeypatch, 1000, 100)
    assert 40 <= len(profile_operators({}, **asked(tmp_path, most=50))["latencies_ns"]) <= 50


def test_another_device_than_asked_for_is_unsupported(time, tmp_path):
    with pytest.raises(UnsupportedError, match="runs on the cpu, not on the gpu"):
        profile_operators({}, **asked(tmp_path, lowering={"device": "gpu"}))


@pytest.fixture
def worker(tmp_path):
    folder = tmp_path / "worker"
    folder.mkdir()
    made = Worker("profiler", folder, search_path=[*sys.path, str(Path(__file__).parent)])
    yield made
    made.kill()


UNSUPPORTED, FAILED, CRASHED, HANGS = "unsupported", "failed", "crashed", "timed_out"


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("HasNone", UNSUPPORTED, "has none does not say what its operators take"),
        ("SaysSoTooLate", UNSUPPORTED, "says so too late does not say what its operators take"),
        ("LosesCount", FAILED, "the profiler saw"),
        ("FailsToOpen", FAILED, "no space left for the profile"),
        ("Breaks", FAILED, "the trace is cut off"),
        ("Crashes", CRASHED, "SIGABRT"),
        ("Hangs", HANGS, "no answer within"),
    ],
)
def test_a_profiler_that_fails_is_a_worker_that_says_so(worker, tmp_path, name, status, reason):
    arguments = asked(tmp_path, name, duration_ms=50.0)
    with pytest.raises(WorkerError) as caught:
        worker.request(
            "inferspeed_magic.measurement.operators:profile_operators", arguments, 5.0 if status == HANGS else 60.0
        )
    assert caught.value.status == status
    assert reason in caught.value.reason
    assert worker.alive is (status in {UNSUPPORTED, FAILED})
