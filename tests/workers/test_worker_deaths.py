"""Crashes, hangs and hunger: each is a result with a reason, and the process is gone."""

from __future__ import annotations

import os
import time

import psutil
import pytest
from process_watch import gone, wait_until

from inferspeed_magic.errors import WorkerError

JOBS = "worker_jobs"
PATIENCE_S = 30


def failure(worker, call, limit_s=PATIENCE_S, **arguments):
    with pytest.raises(WorkerError) as caught:
        worker.request(f"{JOBS}:{call}", arguments, limit_s)
    return caught.value


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("segmentation fault", ("SIGSEGV", "segmentation fault")),
        ("abort", ("SIGABRT",)),
        ("exit", ("exit code 3", "the library gave up")),
        ("kill", ("SIGKILL", "memory")),
    ],
)
def test_a_crash_names_its_signal_or_exit_code(worker, how, words):
    error = failure(worker, "die", how=how)
    assert error.status == "crashed"
    assert all(word in error.reason for word in words), error.reason
    assert "something is old" not in error.reason  # it was said before, and is no reason
    assert not worker.alive
    assert gone(worker.pid)


def test_a_dead_worker_answers_further_jobs_with_its_crash(worker):
    failure(worker, "die", how="abort")
    again = failure(worker, "count")
    assert again.status == "crashed"


def test_a_worker_that_died_between_jobs_is_a_crash(worker):
    worker.request(f"{JOBS}:count", {}, PATIENCE_S)
    psutil.Process(worker.pid).kill()
    assert failure(worker, "count").status == "crashed"


def test_a_worker_that_cannot_even_start_is_a_crash(start):
    assert failure(start(interpreter="/bin/false"), "count").status == "crashed"


@pytest.mark.parametrize("how", ["sleep", "holding the GIL", "catastrophic regex", "deaf to SIGTERM"])
def test_a_hang_times_out_and_the_process_is_gone(worker, how):
    worker.request(f"{JOBS}:count", {}, PATIENCE_S)
    begin = time.monotonic()
    error = failure(worker, "hang", limit_s=1.0, how=how)
    elapsed = time.monotonic() - begin
    assert (error.status, error.reason) == ("timed_out", "no answer within 1 s")
    assert gone(worker.pid)
    assert 1.0 <= elapsed < 5.0


def test_a_hang_takes_its_children_with_it(worker):
    grandchild = worker.request(f"{JOBS}:start_grandchild", {}, PATIENCE_S)
    failure(worker, "hang", limit_s=0.5, how="holding the GIL")
    assert wait_until(lambda: gone(grandchild), 2)


def test_a_crash_takes_its_children_with_it(worker):
    grandchild = worker.request(f"{JOBS}:start_grandchild", {}, PATIENCE_S)
    failure(worker, "die", how="abort")
    assert wait_until(lambda: gone(grandchild), 2)


def test_too_much_memory_ends_the_process_with_a_reason(start):
    worker = start(memory_limit_mb=400)
    assert worker.request(f"{JOBS}:count", {}, PATIENCE_S) == 1
    error = failure(worker, "devour", megabytes=1000)
    assert error.status == "failed"
    assert "out of memory" in error.reason
    assert "the limit is 400 MB" in error.reason
    assert gone(worker.pid)


def test_memory_is_watched_while_the_child_does_nothing_else(start):
    worker = start(memory_limit_mb=1)
    error = failure(worker, "sleep", seconds=10)
    assert "out of memory" in error.reason


def test_a_paused_worker_is_killed_all_the_same(worker):
    worker.request(f"{JOBS}:count", {}, PATIENCE_S)
    worker.pause()
    assert wait_until(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED, 2)
    worker.kill()
    assert gone(worker.pid)


def test_killing_twice_is_no_mistake(worker):
    worker.kill()
    worker.kill()
    assert not worker.alive


def test_nobody_is_left_as_a_zombie(worker):
    failure(worker, "die", how="abort")
    assert not psutil.pid_exists(worker.pid)
    assert worker.pid not in {child.pid for child in psutil.Process(os.getpid()).children()}
