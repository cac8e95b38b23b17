"""How amounts, gains and certainty read in an explanation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from inferspeed_magic.panel.numbers import MISSING, interval_range, number, ratio
from inferspeed_magic.panel.parts import Cell
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from inferspeed_magic.panel.numbers import TimeUnit

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
#: What is rounded to the next thousand is written with its prefix.
_ROUNDS_UP = 0.9995
_SURE = ((0.85, "very sure"), (0.65, "fairly sure"), (0.4, "not sure"))


def amount(value: float | None, unit: str = "") -> str:
    """Format a count with three significant digits and a decimal prefix: ``4.05 M``, ``12.3 MFLOP``, ``512 B``."""
    if value is None or not math.isfinite(value):
        return number(value)
    for size, prefix in _PREFIXES:
        if abs(value) >= _ROUNDS_UP * size:
            return f"{number(value / size)} {prefix}{unit}"
    text = f"{value:,.0f}" if float(value).is_integer() else number(value)
    return f"{text} {unit}".rstrip()


def amount_cell(value: float | None, unit: str = "") -> Cell:
    """Show a count."""
    return Cell(amount(value, unit), value)


def percent(share: float | None) -> str:
    """Format a share as people say it: ``85%``, ``3.2%``, ``<0.1%``."""
    if share is None or not math.isfinite(share):
        return MISSING
    of_hundred = 100 * share
    if 0 < of_hundred < 0.1:  # noqa: PLR2004 - it would read as none
        return "<0.1%"
    return f"{of_hundred:.0f}%" if of_hundred >= 10 or of_hundred == 0 else f"{of_hundred:.1f}%"  # noqa: PLR2004


def percent_cell(share: float | None) -> Cell:
    """Show a share."""
    return Cell(percent(share), share)


def in_unit(interval: Interval, factor: float) -> Interval:
    """Give an interval in another unit."""
    return Interval(interval.value * factor, interval.low * factor, interval.high * factor)


def latency_cell(latency_ms: Interval | None, unit: TimeUnit) -> Cell:
    """Show a latency and how well it is known."""
    if latency_ms is None:
        return Cell(MISSING)
    shown = in_unit(latency_ms, unit.per_ms)
    return Cell(number(shown.value), latency_ms.value, latency_ms.low, latency_ms.high, interval_range(shown))


def gain_words(gain: Interval | None) -> str:
    """Say how many times faster something gets; empty where nothing is known."""
    if gain is None or not math.isfinite(gain.value):
        return ""
    text, detail = ratio(gain)
    remark = ", perhaps none" if gain.low <= 1 <= gain.high else ", slower" if gain.value < 1 else ""
    return f"{text} {detail}".rstrip() + remark


def compared_words(expected: Interval | None, measured: Interval) -> str:
    """Say whether a gain that was measured is the one that was expected; empty where nothing was."""
    if expected is None or not all(map(math.isfinite, (expected.low, expected.high, measured.low, measured.high))):
        return ""
    if measured.low > expected.high:
        return "more than expected"
    return "less than expected" if measured.high < expected.low else "as expected"


def confidence_words(confidence: float) -> str:
    """Say how sure a finding is."""
    if not math.isfinite(confidence):
        return "not known how sure"
    words = next((words for least, words in _SURE if confidence >= least), "a guess")
    return f"{words} ({percent(confidence)})"
