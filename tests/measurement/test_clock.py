"""The one clock, exactly: with a fake time every number is known beforehand."""

from __future__ import annotations

import gc
import itertools

import pytest
from fake_clock import LOOK_NS, FakeModel, FakeTime
from hypothesis import given
from hypothesis import strategies as st

from inferspeed_magic.measurement.clock import CLOCK, no_garbage_collection, time_block, time_poisson

MS = 1_000_000
BATCHES = ["a", "b", "c"]


@pytest.fixture
def time():
    return FakeTime()


def block(time, model, duration_ns, **options):
    return time_block(model, BATCHES, duration_ns, clock=time.clock, **options)


def test_latencies_are_what_the_model_took_and_one_look_at_the_clock(time):
    model = FakeModel(time, 2 * MS, 5 * MS)
    latencies, wall_ns = block(time, model, 14 * MS)
    # 2 + 5 + 2 + 5 ms and the looks in between reach 14 ms with the fourth.
    assert latencies == [2 * MS + LOOK_NS, 5 * MS + LOOK_NS] * 2
    # Per inference one look before and one after; the start itself is the origin.
    assert wall_ns == 14 * MS + 8 * LOOK_NS


def test_it_stops_at_the_first_inference_that_ends_after_the_duration(time):
    model = FakeModel(time, 4 * MS)
    latencies, wall_ns = block(time, model, 10 * MS)
    assert len(latencies) == 3
    assert wall_ns >= 10 * MS
    assert wall_ns - latencies[-1] < 10 * MS


def test_an_inference_longer_than_the_duration_is_timed_once(time):
    assert block(time, FakeModel(time, 60 * MS), 10 * MS)[0] == [60 * MS + LOOK_NS]


def test_at_least_as_many_as_asked_however_long_it_takes(time):
    model = FakeModel(time, 60 * MS)
    latencies, wall_ns = block(time, model, 10 * MS, least=4)
    assert len(latencies) == 4
    assert wall_ns == 4 * (60 * MS + 2 * LOOK_NS)


def test_at_most_as_many_as_asked_however_short_they_are(time):
    latencies, _ = block(time, FakeModel(time, 1), 1000 * MS, most=7)
    assert len(latencies) == 7


def test_the_bound_on_the_number_wins(time):
    assert len(block(time, FakeModel(time, 1), 0, least=9, most=3)[0]) == 3


def test_no_time_and_no_least_is_no_run(time):
    model = FakeModel(time, MS)
    assert block(time, model, 0, least=0) == ([], 0)
    assert model.seen == []


def test_inputs_take_turns_from_the_offset_on(time):
    model = FakeModel(time, MS)
    block(time, model, 0, least=5, offset=7)
    assert "".join(model.seen) == "bcabc"


@given(
    durations=st.lists(st.integers(0, 20 * MS), min_size=1, max_size=10),
    duration_ns=st.integers(0, 50 * MS),
    least=st.integers(0, 10),
    most=st.integers(1, 200),
)
def test_block_properties(durations, duration_ns, least, most):
    time = FakeTime()
    model = FakeModel(time, *durations)
    latencies, wall_ns = block(time, model, duration_ns, least=least, most=most)
    assert latencies == [durations[index % len(durations)] + LOOK_NS for index in range(len(model.seen))]
    assert min(least, most) <= len(latencies) <= most
    assert wall_ns == sum(latencies) + LOOK_NS * len(latencies)
    if len(latencies) < most:
        assert wall_ns >= duration_ns
    if len(latencies) > max(least, 1):
        assert wall_ns - latencies[-1] - LOOK_NS < duration_ns


def poisson(time, model, *gaps_ns):
    return time_poisson(model, BATCHES, gaps_ns, clock=time.clock)


def test_a_request_that_finds_the_model_idle_waits_for_nothing(time):
    latencies, _ = poisson(time, FakeModel(time, 2 * MS), 10 * MS, 10 * MS, 10 * MS)
    assert latencies == [2 * MS + LOOK_NS] * 3


def test_a_slow_request_delays_those_that_follow(time):
    """Coordinated omission: timed from when the model got round to them, all but one would look fast."""
    model = FakeModel(time, 35 * MS, 2 * MS, 2 * MS, 2 * MS, 2 * MS)
    latencies, _ = poisson(time, model, *[10 * MS] * 5)
    in_ms = [round(latency / MS) for latency in latencies]
    # They arrive at 10, 20, 30, 40, 50 ms and are done at 45, 47, 49, 51, 53.
    assert in_ms == [35, 27, 19, 11, 3]


def test_waiting_counts_from_the_scheduled_arrival_to_the_nanosecond(time):
    model = FakeModel(time, 5 * MS)
    latencies, wall_ns = poisson(time, model, MS, 0)
    # Looks: one when the first is done, two that find the second overdue, one when it is done.
    assert latencies == [5 * MS + LOOK_NS, 10 * MS + 4 * LOOK_NS]
    assert wall_ns == 11 * MS + 4 * LOOK_NS


def test_wall_time_includes_the_first_gap(time):
    # n requests in n gaps: their rate is what was asked for.
    _, wall_ns = poisson(time, FakeModel(time, MS), *[10 * MS] * 10)
    assert wall_ns == 101 * MS + LOOK_NS


def test_an_overloaded_model_finishes_at_its_own_pace(time):
    latencies, wall_ns = poisson(time, FakeModel(time, 10 * MS), *[5 * MS] * 20)
    assert wall_ns == pytest.approx(5 * MS + 20 * 10 * MS, rel=0.01)
    assert all(later > earlier for earlier, later in itertools.pairwise(latencies))


def test_long_waits_are_slept_and_short_ones_spun(time):
    poisson(time, FakeModel(time, MS), 100_000, 20 * MS)
    # Waiting on a core would heat it; sleeping to the end would wake up too late.
    assert time.slept_s == [pytest.approx(0.0188, abs=1e-4)]


def test_serving_takes_inputs_in_turn(time):
    model = FakeModel(time, MS)
    poisson(time, model, *[MS] * 5)
    assert "".join(model.seen) == "abcab"


@given(
    gaps=st.lists(st.integers(0, 30).map(lambda each: each * MS), max_size=30),
    durations=st.lists(st.integers(0, 20).map(lambda each: each * MS), min_size=1, max_size=10),
)
def test_serving_is_a_queue(gaps, durations):
    """Lindley's recursion says when each request is done; looks at the clock add microseconds."""
    time = FakeTime()
    latencies, _ = poisson(time, FakeModel(time, *durations), *gaps)
    arrival = free = 0
    for index, gap in enumerate(gaps):
        arrival += gap
        free = max(arrival, free) + durations[index % len(durations)]
        assert latencies[index] == pytest.approx(free - arrival, abs=4 * LOOK_NS * (index + 1))


@pytest.mark.parametrize(
    "timed", [lambda run: time_block(run, BATCHES, 0), lambda run: time_poisson(run, BATCHES, [0])]
)
def test_the_garbage_collector_is_off_inside_and_back_on_after(timed):
    inside = []
    assert gc.isenabled()
    timed(lambda _: inside.append(gc.isenabled()))
    assert inside == [False]
    assert gc.isenabled()


def test_the_garbage_collector_is_back_on_after_a_failure():
    def fail(_):
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        time_block(fail, BATCHES, 0)
    assert gc.isenabled()


def test_a_garbage_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with no_garbage_collection():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_real_clock_is_monotonic_and_counts_nanoseconds():
    before = CLOCK.now_ns()
    CLOCK.sleep_s(0.01)
    assert CLOCK.now_ns() - before >= 10 * MS


def test_in_real_time_latencies_are_about_what_a_run_takes():
    latencies, wall_ns = time_block(lambda _: CLOCK.sleep_s(0.002), BATCHES, 20 * MS)
    assert min(latencies) >= 2 * MS
    assert sum(latencies) <= wall_ns
    assert len(latencies) <= 10
