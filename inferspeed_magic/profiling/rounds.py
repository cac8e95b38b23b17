"""Measure: candidates take short turns in random order while everybody else stands still.

Clocks and neighbours drift; in turns, drift hits all alike, and comparing turns of the same round cancels it.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inferspeed_magic.errors import WorkerError
from inferspeed_magic.records import Block

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.profiling.opening import Opener
    from inferspeed_magic.workers.crew import Crew

_BENCH = "inferspeed_magic.measurement.bench"
ROUNDS = 40
#: Longer runs have more rounds, not only longer turns: more values for the interval.
_MOST_ROUNDS = 100
_ROUNDS_PER_S = 10
#: A turn keeps at most so many latencies; more would only cost memory.
_MOST_IN_A_TURN = 20_000
#: A slow candidate takes longer turns in fewer rounds, so that starting a turn does not cost more than the turn.
_LEAST_ROUNDS = 6
_INFERENCES_A_TURN = 3
_REWARM_BELOW_NS = 300e6
#: Inferences that give a usable interval.
_ENOUGH = 16
_CUT_SHORT = f"so fast that some of its turns ended after {_MOST_IN_A_TURN:,} inferences, before their time was over"


@dataclass(frozen=True)
class Plan:
    """How often and how long one candidate is measured.

    Attributes:
        rounds: the rounds in which it takes a turn.
        turn_ms: the length of a turn.
    """

    rounds: frozenset[int]
    turn_ms: float


def rounds_for(duration_s: float) -> int:
    """Choose the number of rounds of a run from the timed seconds per candidate."""
    return int(min(_MOST_ROUNDS, max(ROUNDS, duration_s * _ROUNDS_PER_S)))


def plan(expected_ns: float, duration_s: float, rounds: int = ROUNDS) -> Plan:
    """Spread a candidate's time over the rounds.

    Args:
        expected_ns: its latency, roughly.
        duration_s: timed seconds in all. A candidate so slow that this does not hold the least number of turns gets
            more time.
        rounds: of the run.
    """
    inferences = duration_s * 1e9 / max(expected_ns, 1.0)
    turns = int(min(rounds, max(_LEAST_ROUNDS, inferences // _INFERENCES_A_TURN)))
    chosen = frozenset(round(number * (rounds - 1) / max(1, turns - 1)) for number in range(turns))
    return Plan(chosen, duration_s * 1e3 / len(chosen))


def measure(
    candidates: Sequence[Candidate],
    *,
    crew: Crew,
    opener: Opener,
    limits: Limits,
    duration_s: float,
    seed: int,
    tell: Callable[[int, int, str, float], None],
    first_round: int = 0,
    slow_s: float = 0.0,
    rounds: int | None = None,
) -> int:
    """Take turns until everybody has had their time; blocks are added to the candidates as they come.

    Args:
        candidates: those that are open.
        crew: silences everybody but the one whose turn it is.
        opener: is told of candidates that fail.
        limits: time for a turn.
        duration_s: timed seconds per candidate.
        seed: of the order of turns.
        tell: called before each turn with turns done, turns in all, what is done now, and seconds left.
        first_round: number of the first round, where there were others before.
        slow_s: timed seconds that a slow candidate may take beyond ``duration_s`` to reach 16 inferences.
        rounds: fewer take less time beside that which is timed; None for as many as suit ``duration_s``.

    Returns:
        The number of the next round.
    """
    shuffle = random.Random(seed)  # noqa: S311  (an order of turns, not a secret)
    rounds = rounds or rounds_for(duration_s)
    plans = {
        candidate.key: plan(candidate.expected_ns, _longer(candidate.expected_ns, duration_s, slow_s), rounds)
        for candidate in candidates
    }
    for candidate in candidates:
        candidate.turns += len(plans[candidate.key].rounds)
    total = sum(len(each.rounds) for each in plans.values())
    done = 0
    origin = time.perf_counter()
    with crew.turns():
        for number in range(rounds):
            order = [each for each in candidates if each.well and number in plans[each.key].rounds]
            shuffle.shuffle(order)
            for candidate in order:
                elapsed = time.perf_counter() - origin
                left = elapsed / done * (total - done) if done else duration_s * len(candidates) * 1.2
                tell(done, total, f"measuring {candidate.name}", left)
                turn = plans[candidate.key]
                take_turn(candidate, first_round + number, turn, origin, crew=crew, opener=opener, limits=limits)
                done += 1
    return first_round + rounds


def _longer(expected_ns: float, duration_s: float, slow_s: float) -> float:
    return max(duration_s, min(duration_s + slow_s, _ENOUGH * expected_ns / 1e9))


def take_turn(
    candidate: Candidate, number: int, turn: Plan, origin: float, *, crew: Crew, opener: Opener, limits: Limits
) -> None:
    """Time one block of a candidate, within ``crew.turns()``; a failure ends the candidate.

    Args:
        candidate: whose turn it is.
        number: of the round.
        turn: how long it lasts.
        origin: ``time.perf_counter()`` at the start of the run.
        crew: wakes its process and stops it again.
        opener: is told if it fails.
        limits: time for a turn.
    """
    if not candidate.well:  # its process died in a neighbour's turn
        return
    process = len(candidate.blocks) % len(candidate.processes)
    worker = candidate.processes[process]
    arguments = {
        "candidate": candidate.key,
        "duration_ms": turn.turn_ms,
        "least": 1,
        "most": _MOST_IN_A_TURN,
        "rewarm": candidate.expected_ns < _REWARM_BELOW_NS,
    }
    start_s = time.perf_counter() - origin
    expected_s = max(turn.turn_ms / 1e3, candidate.expected_ns / 1e9)
    try:
        with crew.turn(worker):
            reply = worker.request(f"{_BENCH}:take_turn", arguments, limits.turn_s + 20 * expected_s)
    except WorkerError as error:
        opener.lost(worker, candidate, error)
        return
    if len(reply["latencies_ns"]) == _MOST_IN_A_TURN and _CUT_SHORT not in candidate.notes:
        candidate.notes.append(_CUT_SHORT)
    candidate.blocks.append(Block(number, process, start_s, reply["wall_ns"], tuple(reply["latencies_ns"])))
    peak = reply["peak_memory_mb"]
    if peak is not None:
        candidate.peak_memory_mb = max(candidate.peak_memory_mb or 0.0, peak)
