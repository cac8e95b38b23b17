"""The fastest runs are found however often the machine is busy, and everybody gets turns."""

from __future__ import annotations

import pytest
from fake_clock import FakeTime

from inferspeed_magic.measurement import fastest
from inferspeed_magic.measurement.fastest import Contestant, fastest_ns, take_turns

MS = 1_000_000


@pytest.fixture
def time(monkeypatch):
    fake = FakeTime()
    monkeypatch.setattr(fastest, "CLOCK", fake.clock)
    return fake


def lasting(time, duration_ns, log, work=1.0):
    """Somebody whose every run takes so long, and who notes that it ran."""

    def run(turn_ns):
        count = max(1, turn_ns // duration_ns)
        time.ns += count * duration_ns
        log.append(duration_ns)
        return [duration_ns] * count

    return Contestant(work, run)


def test_what_the_machine_does_meanwhile_does_not_count():
    assert fastest_ns([100] * 20 + [150] * 80 + [10_000] * 20) == 100


def test_one_impossible_duration_does_not_count():
    assert fastest_ns([1] + [100] * 99) == 100


def test_few_runs_have_a_fastest_one():
    assert fastest_ns([300, 200, 500]) == 200


def test_a_rate_is_work_over_the_fastest_time():
    contestant = Contestant(1e9, lambda _: [], [10 * MS, 5 * MS, 5 * MS])
    assert contestant.rate() == pytest.approx(200.0)  # 10^9 in 5 ms
    assert Contestant(1.0, lambda _: []).rate() == 0.0


def test_the_budget_is_shared_in_turns(time):
    log = []
    take_turns([lasting(time, 2 * MS, log), lasting(time, 1 * MS, log)], 0.1, turn_s=0.01)
    assert log[:4] == [2 * MS, 1 * MS, 2 * MS, 1 * MS]
    assert len(log) == 10


def test_everybody_has_two_turns_whatever_the_budget(time):
    log = []
    take_turns([lasting(time, 50 * MS, log), lasting(time, 60 * MS, log)], 0.001, turn_s=0.01)
    assert log == [50 * MS, 60 * MS] * 2


def test_the_slow_ones_stop_early(time):
    """The one with the highest rate goes on, not the one with the shortest runs."""
    log = []
    take_turns(
        [lasting(time, 1 * MS, log), lasting(time, 5 * MS, log, work=50.0), lasting(time, 2 * MS, log)],
        0.2,
        turn_s=0.01,
        until=1,
    )
    assert sorted(log[:6]) == sorted([1 * MS, 5 * MS, 2 * MS] * 2)
    assert set(log[6:]) == {5 * MS}
    assert len(log) > 10
