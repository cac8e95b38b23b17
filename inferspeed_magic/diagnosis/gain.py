"""A factor by which something gets faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from inferspeed_magic.records.interval import Interval


class Gain(float):
    """Latency before over latency after; a number that knows its 95% interval.

    Attributes:
        low, high: ends of the interval.
    """

    low: float
    high: float

    def __new__(cls, gain: Interval) -> Self:
        """Take a ratio with its interval."""
        made = super().__new__(cls, gain.value)
        made.low, made.high = gain.low, gain.high
        return made

    def __repr__(self) -> str:
        return f"{float(self):.2f}x ({self.low:.2f}-{self.high:.2f})"
