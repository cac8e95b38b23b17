"""How fast something can be: repeated in turns with others, and the fastest of it taken. Runs in worker processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from inferspeed_magic.measurement.clock import CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FASTEST_SHARE = 0.1


@dataclass
class Contestant:
    """Something that is repeated.

    Attributes:
        work: FLOP or bytes of one run.
        run: for about so many nanoseconds; returns the durations of its runs in nanoseconds.
        durations_ns: of all runs.
        apart_ns: of runs that count only where there are no others.
    """

    work: float
    run: Callable[[int], Sequence[float]]
    durations_ns: list[float] = field(default_factory=list)
    apart_ns: list[float] = field(default_factory=list)

    def rate(self) -> float:
        """Return FLOP or bytes per nanosecond (so 10^9 per second) of the fastest runs; 0 without runs."""
        durations_ns = self.durations_ns or self.apart_ns
        return self.work / fastest_ns(durations_ns) if durations_ns else 0.0


def fastest_ns(durations_ns: Sequence[float]) -> float:
    """Take the median of the fastest tenth: whatever else the machine does only ever adds to a duration.

    Not the fastest of all, which a clock that jumps could make, nor the mean, which says how busy the machine was.
    """
    ordered = np.sort(np.asarray(durations_ns, dtype=np.float64))
    return float(np.median(ordered[: max(1, int(len(ordered) * _FASTEST_SHARE))]))


def take_turns(contestants: Sequence[Contestant], budget_s: float, *, turn_s: float, until: int | None = None) -> None:
    """Let each run for a turn, again and again, so that a neighbour's burst hits all alike; at least two turns each.

    Args:
        contestants: who takes part.
        budget_s: seconds for all of them together.
        turn_s: seconds of one turn.
        until: after two turns only so many go on, the fastest ones; None for all.
    """
    end = CLOCK.now_ns() + budget_s * 1e9
    going = list(contestants)
    turns = 0
    while going and (turns < 2 or CLOCK.now_ns() < end):  # noqa: PLR2004 - the first turn warms up
        for each in going:
            each.durations_ns.extend(each.run(int(turn_s * 1e9)))
        turns += 1
        if turns == 2 and until is not None:  # noqa: PLR2004
            going = sorted(going, key=Contestant.rate, reverse=True)[:until]
