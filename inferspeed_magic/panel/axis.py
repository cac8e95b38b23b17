"""Axes of pictures: where a value lies, and which round numbers to write beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterable

_LARGEST = 1e12


@dataclass(frozen=True)
class Axis:
    """Where values lie between two places."""

    low: float
    high: float
    log: bool
    begin: float = 0.0
    end: float = 1.0

    def at(self, value: float) -> float:
        """Give the place of a value; beyond the ends there is nothing."""
        inside = min(self.high, max(self.low, value))
        low, high, here = (math.log(each) if self.log else each for each in (self.low, self.high, inside))
        return self.begin + (self.end - self.begin) * (here - low) / (high - low)

    def ticks(self) -> list[float]:
        """Choose round numbers, as many as there is room for."""
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            decade = (self.end - self.begin) / math.log10(self.high / self.low)
            if decade < 110:  # noqa: PLR2004 - 1, 2 and 5 of a decade would touch each other
                return self._inside(10.0**power for power in powers if power % math.ceil(40 / decade) == 0)
            if len(ticks := self._inside(digit * 10.0**power for power in powers for digit in (1, 2, 5))) > 2:  # noqa: PLR2004
                return ticks
        finest = (self.high - self.low) * 56 / (self.end - self.begin)
        magnitude = 10.0 ** math.floor(math.log10(finest))
        step = next(digit * magnitude for digit in (1, 2, 5, 10) if digit * magnitude >= finest)
        return self._inside(place * step for place in range(int(self.low / step), int(self.high / step) + 1))

    def _inside(self, ticks: Iterable[float]) -> list[float]:
        return [tick for tick in ticks if self.low <= tick <= self.high]


def known(number: float | None) -> TypeGuard[float]:
    """Tell what can be drawn: neither missing, infinite nor beyond all measure."""
    return number is not None and abs(number) < _LARGEST
