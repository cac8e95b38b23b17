"""A paused worker uses no CPU, whatever its threads are doing."""

from __future__ import annotations

import time

import pytest
from process_watch import cpu_s

JOBS = "worker_jobs"
PATIENCE_S = 30


@pytest.fixture
def spinner(worker):
    worker.request(f"{JOBS}:start_spinning", {}, PATIENCE_S)
    return worker


def spent_in(pid, seconds):
    before = cpu_s(pid)
    time.sleep(seconds)
    return cpu_s(pid) - before


def test_a_paused_worker_does_not_spin(spinner):
    assert spent_in(spinner.pid, 0.6) > 0.1
    spinner.pause()
    assert spinner.stopped
    time.sleep(0.05)
    assert spent_in(spinner.pid, 0.6) <= 0.02
    spinner.resume()
    assert not spinner.stopped
    assert spent_in(spinner.pid, 0.6) > 0.1


def test_it_goes_on_where_it_stood(spinner):
    spinner.pause()
    spinner.resume()
    assert spinner.request(f"{JOBS}:count", {}, PATIENCE_S) == 1


def test_pausing_twice_needs_one_resume(worker):
    worker.pause()
    worker.pause()
    worker.resume()
    assert worker.request(f"{JOBS}:count", {}, PATIENCE_S) == 1


def test_the_dead_are_not_paused(worker):
    worker.kill()
    worker.pause()
    assert not worker.stopped
