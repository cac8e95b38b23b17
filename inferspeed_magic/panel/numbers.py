"""How numbers read: three significant digits, thousands separators, one unit for all latencies of a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inferspeed_magic.records import Interval

MISSING = "-"
_DIGITS = 3


@dataclass(frozen=True)
class TimeUnit:
    """A unit for latencies, which records hold in milliseconds."""

    name: str
    per_ms: float


MICROSECONDS = TimeUnit("µs", 1000.0)
MILLISECONDS = TimeUnit("ms", 1.0)
SECONDS = TimeUnit("s", 0.001)


def time_unit(latencies_ms: Iterable[float]) -> TimeUnit:
    """Choose one unit for all of them: milliseconds, unless every one would read badly so."""
    values = [value for value in latencies_ms if math.isfinite(value)]
    if values and max(values) < 0.1:  # noqa: PLR2004 - from here on all would begin with "0.0"
        return MICROSECONDS
    if values and min(values) >= 1000:  # noqa: PLR2004
        return SECONDS
    return MILLISECONDS


def number(value: float | None, like: float | None = None) -> str:
    """Format with three significant digits, or to the place that ``like`` is shown to."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    place = _last_place(value)
    if like is not None and math.isfinite(like):
        shared = _last_place(like)
        # A bound that would round away to zero keeps its own digits.
        place = shared if round(value, -shared) or not value else place
    return f"{round(value, -place):,.{max(0, -place)}f}"


def interval_range(interval: Interval) -> str:
    """Format the bounds to the same place as the value: ``(1.85-1.99)``; nothing where there are none."""
    if math.isnan(interval.low) or math.isnan(interval.high):
        return ""
    return f"({number(interval.low, interval.value)}-{number(interval.high, interval.value)})"


def with_interval(interval: Interval, suffix: str = "") -> str:
    """Format as ``0.0931 ms (0.0910-0.0950)``, where ``suffix`` is the `` ms``."""
    return f"{number(interval.value)}{suffix} {interval_range(interval)}".rstrip()


def ratio(interval: Interval) -> tuple[str, str]:
    """Format a ratio and its bounds: ``1.92x`` and ``(1.85-1.99)``; a bound that is not 1 is not shown as 1.00."""
    bounds = (interval.low, interval.high)
    rounded_to_one = [bound for bound in bounds if bound != 1 and number(bound, interval.value) == "1.00"]
    if not rounded_to_one or interval.low <= 1 <= interval.high:
        return f"{number(interval.value)}x", interval_range(interval)
    return f"{interval.value:.4f}x", f"({interval.low:.4f}-{interval.high:.4f})"


def error(value: float | None) -> str:
    """Format a relative error, where the order of magnitude is what counts: ``2.1e-07``."""
    if value is None or math.isnan(value):
        return MISSING
    return "0" if value == 0 else f"{value:.1e}"


def whole_or_short(value: float) -> str:
    """Format a number that a person typed: as it was typed (``1``, ``0.5``, ``12.5``)."""
    return f"{value:,g}"


def seconds(value: float) -> str:
    """Format a waiting time for people: ``12 s``, ``2 min 05 s``."""
    whole = max(0, round(value))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"  # noqa: PLR2004


def _last_place(value: float) -> int:
    """Give the power of ten of the third significant digit, after rounding (9.996 is 10.0, not 10.00)."""
    if value == 0:
        return 0
    return int(f"{value:.{_DIGITS - 1}e}".partition("e")[2]) - _DIGITS + 1
