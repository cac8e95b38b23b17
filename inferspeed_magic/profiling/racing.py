"""Measure candidates against each other as long as it matters: losers leave early, survivors are measured longer."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from inferspeed_magic.diagnosis import compare
from inferspeed_magic.profiling.rounds import Plan, take_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.profiling.opening import Opener
    from inferspeed_magic.workers.crew import Crew

_TURN_MS = 25.0
#: Rounds of a duel: enough for an interval.
DUEL_ROUNDS = 6
#: Rounds of the final, and those after which losers leave it.
FINAL_ROUNDS = 40
_SLOW_EVERY = 5
_CHECKPOINTS = (10, 20, 30)
#: A candidate with this latency takes turns of one inference.
_SLOW_NS = 100e6


class Race:
    """Rounds in which candidates take turns; its rounds are numbered through, so that any two can be compared.

    Args:
        crew: silences everybody but the one whose turn it is.
        opener: is told of candidates that fail.
        limits: time for a turn.
        seed: of the order of turns.
    """

    def __init__(self, crew: Crew, opener: Opener, limits: Limits, seed: int) -> None:
        self._crew = crew
        self._opener = opener
        self._limits = limits
        self._shuffle = random.Random(seed)  # noqa: S311  (an order of turns, not a secret)
        self._origin = time.perf_counter()
        self._round = 0

    def rounds(self, candidates: Sequence[Candidate], count: int) -> None:
        """Let everybody take a turn in each of some rounds, in random order."""
        with self._crew.turns():
            for _ in range(count):
                order = [each for each in candidates if each.well]
                self._shuffle.shuffle(order)
                for candidate in order:
                    turn = Plan(frozenset(), max(_TURN_MS, candidate.expected_ns / 1e6))
                    take_turn(
                        candidate,
                        self._round,
                        turn,
                        self._origin,
                        crew=self._crew,
                        opener=self._opener,
                        limits=self._limits,
                    )
                self._round += 1

    def duel(self, candidate: Candidate, leader: Candidate | None) -> bool:
        """Measure a newcomer beside whoever leads; tell whether it is seen to be slower."""
        self.rounds([candidate, leader] if leader else [candidate], DUEL_ROUNDS)
        return leader is not None and is_slower(candidate, leader)

    def final(self, candidates: Sequence[Candidate], keep: Sequence[Candidate], tell: Callable[[float], None]) -> None:
        """Measure to the end; whoever is seen to be slower than the fastest leaves, unless it is to be kept.

        Args:
            candidates: that take part.
            keep: those that stay to the end in any case.
            tell: called with the share that is done.
        """
        racing = [each for each in candidates if each.well]
        for done in range(FINAL_ROUNDS):
            tell(done / FINAL_ROUNDS)
            # Slow ones take a turn now and then: each costs as much as a hundred of a fast one.
            self.rounds([each for each in racing if each.expected_ns < _SLOW_NS or done % _SLOW_EVERY == 0], 1)
            racing = [each for each in racing if each.well]
            if done in _CHECKPOINTS:
                fastest = min((each for each in racing if each not in keep), key=latency_ns, default=None)
                racing = [each for each in racing if each in keep or not fastest or not is_slower(each, fastest)]


def latency_ns(candidate: Candidate) -> float:
    """Give the median latency so far; that of the warm-up where no turn was taken yet."""
    medians = sorted(sorted(block.latencies_ns)[len(block.latencies_ns) // 2] for block in candidate.blocks)
    return float(medians[len(medians) // 2]) if medians else candidate.expected_ns


def slower_by(candidate: Candidate, other: Candidate) -> str:
    """Say by how much it was, turn by turn: medians of all turns do not, as others took theirs at other times."""
    way = other.name.partition("/")[2]
    mine, theirs = candidate.measurement(), other.measurement()
    if mine is None or theirs is None:
        return f"slower than {way}"
    seen = compare(mine, theirs, candidate_name=candidate.name, reference_name=other.name)
    return f"slower than {way} when the two took turns: {seen.ratio:.2f}x ({seen.low:.2f}-{seen.high:.2f}) as long"


def is_slower(candidate: Candidate, other: Candidate) -> bool:
    """Whether the data shows it."""
    mine, theirs = candidate.measurement(), other.measurement()
    if candidate is other or mine is None or theirs is None:
        return False
    return compare(mine, theirs, candidate_name=candidate.name, reference_name=other.name).low > 1.0
