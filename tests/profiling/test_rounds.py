"""Turns: how many, how long, and in which order. With a fake crew and workers whose time is only counted."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferspeed_magic.errors import WorkerError
from inferspeed_magic.profiling import rounds
from inferspeed_magic.profiling.candidate import Candidate
from inferspeed_magic.profiling.limits import Limits
from inferspeed_magic.profiling.rounds import ROUNDS, measure, plan

MS = 1e6

latencies_ns = st.floats(1e2, 1e11)
durations_s = st.floats(0.01, 100)


@given(expected_ns=latencies_ns, duration_s=durations_s, count=st.integers(1, 100))
def test_plan_properties(expected_ns, duration_s, count):
    made = plan(expected_ns, duration_s, count)
    assert made.rounds <= set(range(count))
    assert min(6, count) <= len(made.rounds) <= count
    assert 0 in made.rounds
    assert count - 1 in made.rounds
    assert len(made.rounds) * made.turn_ms == pytest.approx(duration_s * 1e3)


@given(fast=latencies_ns, slower_by=st.floats(1, 1e4), duration_s=durations_s)
def test_the_slower_the_fewer_and_the_longer_the_turns(fast, slower_by, duration_s):
    quick, slow = plan(fast, duration_s), plan(fast * slower_by, duration_s)
    assert len(slow.rounds) <= len(quick.rounds)
    assert slow.turn_ms >= quick.turn_ms


def test_known_plans():
    assert plan(1 * MS, 1.0).rounds == frozenset(range(ROUNDS))
    assert plan(1 * MS, 1.0).turn_ms == pytest.approx(25)
    # 33 ms: thirty inferences, three a turn.
    assert len(plan(33 * MS, 1.0).rounds) == 10
    assert sorted(plan(1000 * MS, 1.0).rounds) == [0, 8, 16, 23, 31, 39]


@given(expected_ns=latencies_ns, duration_s=durations_s)
def test_turns_are_spread_over_the_run(expected_ns, duration_s):
    chosen = sorted(plan(expected_ns, duration_s).rounds)
    gaps = [later - earlier for earlier, later in itertools.pairwise(chosen)]
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize(("duration_s", "count"), [(0.01, ROUNDS), (1.0, ROUNDS), (6.0, 60), (60.0, 100)])
def test_longer_runs_have_more_rounds(duration_s, count):
    assert rounds.rounds_for(duration_s) == count


class FakeWorker:
    """Answers a turn at once; dies when told to."""

    def __init__(self, name, crew, *, dies_in_turn=None):
        self.name, self.crew, self.dies_in_turn = name, crew, dies_in_turn
        self.turns = []

    def request(self, call, arguments, timeout_s):
        assert call == "inferspeed_magic.measurement.bench:take_turn"
        assert self.crew.awake == self, "somebody else is awake"
        self.turns.append(arguments | {"timeout_s": timeout_s})
        if self.dies_in_turn == len(self.turns):
            raise WorkerError("crashed", "the process died of SIGSEGV")
        self.crew.order.append(arguments["candidate"])
        return {"latencies_ns": [5, 6, 7], "wall_ns": 20, "peak_memory_mb": 10.0 * len(self.turns)}


class FakeCrew:
    """Notes who is awake and who had a turn."""

    def __init__(self):
        self.awake, self.order, self.inside = None, [], False

    @contextlib.contextmanager
    def turns(self):
        self.inside = True
        yield
        self.inside = False

    @contextlib.contextmanager
    def turn(self, worker):
        assert self.inside
        self.awake = worker
        try:
            yield
        finally:
            self.awake = None


class FakeOpener:
    def __init__(self):
        self.losses = []

    def lost(self, worker, culprit, error):
        self.losses.append((worker.name, culprit.key))
        culprit.fail(error)


@pytest.fixture
def crew():
    return FakeCrew()


@pytest.fixture
def candidate(crew):
    def make(name, expected_ms=1.0, processes=2, **options):
        lowering = SimpleNamespace(batch_size=1)
        made = Candidate(SimpleNamespace(name="model"), SimpleNamespace(name=name), lowering)
        made.processes = [FakeWorker(f"{name}_{number}", crew, **options) for number in range(processes)]
        made.expected_ns = expected_ms * MS
        return made

    return make


def run(crew, candidates, *, seed=0, duration_s=1.0, opener=None):
    told = []
    measure(
        candidates,
        crew=crew,
        opener=opener or FakeOpener(),
        limits=Limits(turn_s=7),
        duration_s=duration_s,
        seed=seed,
        tell=lambda *what: told.append(what),
    )
    return told


def by_round(crew, size):
    return [tuple(crew.order[start : start + size]) for start in range(0, len(crew.order), size)]


def test_every_candidate_takes_all_its_turns(crew, candidate):
    run(crew, [candidate("fast"), candidate("middle", 33), candidate("slow", 500)])
    assert Counter(crew.order) == {"model/fast@1": ROUNDS, "model/middle@1": 10, "model/slow@1": 6}


def test_the_order_differs_from_round_to_round(crew, candidate):
    everybody = [candidate(name) for name in "abcd"]
    run(crew, everybody)
    orders = by_round(crew, 4)
    assert len(orders) == ROUNDS
    assert all(set(order) == {each.key for each in everybody} for order in orders)
    assert len(set(orders)) > 5
    # Each is first now and then: whoever always comes after the same neighbour finds its caches.
    assert {order[0] for order in orders} == {each.key for each in everybody}


@pytest.mark.parametrize(("seed", "same"), [(0, True), (1, False)])
def test_the_order_is_seeded(candidate, crew, seed, same):
    run(crew, [candidate(name) for name in "abcd"], seed=0)
    first = list(crew.order)
    crew.order.clear()
    run(crew, [candidate(name) for name in "abcd"], seed=seed)
    assert (crew.order == first) is same


def test_processes_of_a_candidate_alternate(crew, candidate):
    one = candidate("one")
    run(crew, [one])
    assert [block.process for block in one.blocks] == [0, 1] * (ROUNDS // 2)
    assert [len(worker.turns) for worker in one.processes] == [ROUNDS // 2, ROUNDS // 2]


def test_a_long_run_takes_as_many_turns_as_it_has_rounds(crew, candidate):
    one = candidate("one")
    run(crew, [one], duration_s=5.0)
    assert one.turns == 50
    assert [block.round for block in one.blocks] == list(range(50))


def test_blocks_keep_everything_raw(crew, candidate):
    one = candidate("one", processes=1)
    run(crew, [one])
    assert [block.round for block in one.blocks] == list(range(ROUNDS))
    assert {block.latencies_ns for block in one.blocks} == {(5, 6, 7)}
    assert {block.wall_ns for block in one.blocks} == {20}
    starts = [block.start_s for block in one.blocks]
    assert starts == sorted(starts)
    assert one.peak_memory_mb == 10.0 * ROUNDS


def test_turns_are_as_long_as_planned_and_limited(crew, candidate):
    fast, slow = candidate("fast", processes=1), candidate("slow", 2000, processes=1)
    run(crew, [fast, slow], duration_s=2.0)
    assert {turn["duration_ms"] for turn in fast.processes[0].turns} == {2000.0 / ROUNDS}
    assert fast.processes[0].turns[0]["timeout_s"] == pytest.approx(7 + 20 * 2 / ROUNDS)
    # Six turns of a third of a second, but one inference alone takes two.
    assert slow.processes[0].turns[0]["timeout_s"] == pytest.approx(7 + 20 * 2)
    assert [each.processes[0].turns[0]["rewarm"] for each in (fast, slow)] == [True, False]


def test_a_candidate_that_dies_is_lost_and_the_others_go_on(crew, candidate):
    opener = FakeOpener()
    well, ill = candidate("well"), candidate("ill", dies_in_turn=3)
    run(crew, [well, ill], opener=opener)
    assert opener.losses == [("ill_0", "model/ill@1")]
    assert (ill.status, ill.reason) == ("crashed", "the process died of SIGSEGV")
    assert Counter(crew.order) == {"model/well@1": ROUNDS, "model/ill@1": 4}
    assert well.status is None
    assert ill.measurement() is None


def test_a_candidate_that_dies_in_a_neighbours_turn_takes_none(crew, candidate):
    victim, ill = candidate("victim"), candidate("ill", dies_in_turn=1)

    class Unlucky(FakeOpener):
        def lost(self, worker, culprit, error):
            super().lost(worker, culprit, error)
            victim.end("crashed", "could not be opened again")

    run(crew, [victim, ill], opener=Unlucky())
    assert crew.order.count("model/victim@1") <= 1


def test_progress_counts_up_to_the_end(crew, candidate):
    told = run(crew, [candidate("one"), candidate("two")])
    assert [done for done, *_ in told] == list(range(2 * ROUNDS))
    assert {total for _, total, *_ in told} == {2 * ROUNDS}
    assert {message for _, _, message, _ in told} == {"measuring model/one", "measuring model/two"}
    assert all(left >= 0 for *_, left in told)


def test_nobody_to_measure_is_no_mistake(crew):
    assert run(crew, []) == []
    assert rounds.ROUNDS == ROUNDS
