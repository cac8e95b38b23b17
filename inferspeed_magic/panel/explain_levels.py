"""Levels of memory: many working sets were measured, and what a reader looks for is one number for each level."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inferspeed_magic.records import Ceilings


@dataclass(frozen=True)
class Level:
    """A level of memory.

    Attributes:
        level: its name.
        gb_per_s: bandwidth: the median over the working sets that were measured in it.
        between: the lowest and the highest of these.
        most_bytes: the largest of these working sets.
    """

    level: str
    gb_per_s: float
    between: tuple[float, float]
    most_bytes: int


def levels_of(ceilings: Ceilings) -> tuple[Level, ...]:
    """Give the levels in the order that they were measured in; numbers that are none are left out."""
    rates: dict[str, list[float]] = {}
    sizes: dict[str, int] = {}
    for each in ceilings.bandwidths:
        if each.gb_per_s > 0 and math.isfinite(each.gb_per_s):
            rates.setdefault(each.level, []).append(each.gb_per_s)
            sizes[each.level] = max(each.working_set_bytes, sizes.get(each.level, 0))
    return tuple(Level(name, median(found), (min(found), max(found)), sizes[name]) for name, found in rates.items())
