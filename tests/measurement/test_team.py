"""Threads work side by side on what is their own, and only CPU time counts."""

from __future__ import annotations

import time

import numpy as np
import pytest

from inferspeed_magic.measurement.bandwidth import read_bandwidth
from inferspeed_magic.measurement.team import Team

MS = 1_000_000


def test_each_thread_makes_something_of_its_own():
    with Team(3) as team:
        made = team.each(object)
    assert len(set(map(id, made))) == 3


def test_a_duration_is_that_of_the_sum_of_the_rates(monkeypatch):
    """One thread takes 1 ms, the other 3: together they do 1 + 1/3 pieces of work in a ms, so both in 1.5 ms."""
    with Team(2) as team:
        monkeypatch.setattr(team, "_once", lambda _: ([1 * MS, 3 * MS], 2 * MS))
        apart = []
        assert team.durations_ns([], apart, 0) == [pytest.approx(1.5 * MS)]
        assert apart == []


def test_threads_that_did_not_run_side_by_side_do_not_count(monkeypatch):
    with Team(2) as team:
        monkeypatch.setattr(team, "_once", lambda _: ([1 * MS, 1 * MS], 2 * MS))
        apart = []
        assert team.durations_ns([], apart, 0) == []
        assert apart == [pytest.approx(1 * MS)]
        contestant = team.contestant(5 * MS, [])
        contestant.durations_ns.extend(contestant.run(0))
        assert contestant.rate() == pytest.approx(5.0)  # there are no others
        contestant.durations_ns.append(5 * MS)
        assert contestant.rate() == pytest.approx(1.0)


def test_waiting_is_no_work():
    with Team(1) as team:
        apart = []
        assert team.durations_ns([lambda: time.sleep(0.02)], apart, 0) == []
        assert apart[0] < 10 * MS


def test_a_job_that_fails_is_no_duration():
    def fail():
        raise MemoryError

    with Team(2) as team, pytest.raises(MemoryError):
        team.durations_ns([fail, fail], [], 0)


@pytest.mark.parametrize("threads", [1, 2])
def test_bandwidth_has_a_number_for_each_size_and_never_rises(threads):
    sizes = [2**14, 2**17, 2**22]
    rates = read_bandwidth({}, threads=threads, sizes=sizes, budget_s=0.01)
    assert rates == sorted(rates, reverse=True)
    assert all(np.isfinite(rates))
    assert min(rates) > 0
