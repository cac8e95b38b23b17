"""Static or dynamic batch in the file? Speed differs several-fold, in both directions, so both are tried."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from inferspeed_magic.errors import WorkerError
from inferspeed_magic.profiling.reasons import short

if TYPE_CHECKING:
    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.profiling.opening import Opener
    from inferspeed_magic.workers.crew import Crew

_BENCH = "inferspeed_magic.measurement.bench"
_PAIRS = 8
_PAIRS_IF_SLOW = 3
_SLOW_NS = 200e6
_TURN_MS = 10.0
_MOST = 2000
#: The usual file, made for its batch size, is kept unless the other is faster by more than noise could pretend.
_CLEARLY_FASTER = 0.9
#: The usual choice needs no words, unless the other one would have cost this many times as much.
_WORTH_A_NOTE = 2.0
_WORDS = {"static": "made for its batch size", "dynamic": "that takes any batch size"}


def choose(static: Candidate, dynamic: Candidate, *, crew: Crew, opener: Opener, limits: Limits) -> Candidate:
    """Return the one to measure, and note on it what was seen of the other.

    Where both work they take turns for a moment. Only a hint is taken from these turns; what is reported is measured
    afterwards, from new ones.
    """
    if static.well and dynamic.well:
        try:
            return _faster(static, dynamic, crew, opener, limits)
        except WorkerError:
            pass  # the opener knows which one failed
    if static.well or not dynamic.well:
        if dynamic.reason and dynamic.reason != static.reason:
            static.notes.append(f"the file {_WORDS['dynamic']}: {dynamic.status}: {short(dynamic.reason)}")
        return static
    dynamic.notes.append(f"the file {_WORDS['static']}: {static.status}: {short(static.reason)}")
    return dynamic


def _faster(static: Candidate, dynamic: Candidate, crew: Crew, opener: Opener, limits: Limits) -> Candidate:
    slow = max(static.expected_ns, dynamic.expected_ns) > _SLOW_NS
    ratios: list[float] = []
    for _ in range(_PAIRS_IF_SLOW if slow else _PAIRS):
        # In this order one time, in the other the next: whoever comes second may find warmer caches.
        pair = [static, dynamic] if len(ratios) % 2 else [dynamic, static]
        median_ns = {each.key: _turn(each, crew, opener, limits) for each in pair}
        ratios.append(median_ns[dynamic.key] / median_ns[static.key])
    ratio = statistics.median(ratios)
    chosen, other = (dynamic, static) if ratio < _CLEARLY_FASTER and max(ratios) < 1 else (static, dynamic)
    slower = ratio if chosen is static else 1 / ratio
    if chosen is dynamic or slower > _WORTH_A_NOTE:
        chosen.notes.append(
            f"the file {_WORDS[str(other.batch_in_file)]} was {slower:.1f}x slower in {len(ratios)} short turns"
        )
    opener.dismiss(other)
    return chosen


def _turn(candidate: Candidate, crew: Crew, opener: Opener, limits: Limits) -> float:
    worker = candidate.processes[0]
    arguments = {"candidate": candidate.key, "duration_ms": _TURN_MS, "least": 1, "most": _MOST, "rewarm": True}
    expected_s = max(_TURN_MS / 1e3, candidate.expected_ns / 1e9)
    try:
        with crew.alone(worker):
            reply = worker.request(f"{_BENCH}:take_turn", arguments, limits.turn_s + 20 * expected_s)
    except WorkerError as error:
        opener.lost(worker, candidate, error)
        raise
    return float(statistics.median(reply["latencies_ns"]))
