"""From one measured candidate to the cells of its row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.panel import numbers
from inferspeed_magic.panel.parts import Cell, one_line
from inferspeed_magic.panel.ranking import server_trial
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.panel.ranking import Measured


def words(text: str) -> Cell:
    """Show a name."""
    return Cell(one_line(text))


def whole(value: int) -> Cell:
    """Show a count."""
    return Cell(f"{value:,}", value)


def plain(value: float | None) -> Cell:
    """Show a number in the unit it is recorded in."""
    return Cell(numbers.number(value), value)


def latency(value_ms: float | None, unit: TimeUnit) -> Cell:
    """Show a latency in the table's unit."""
    return Cell(numbers.number(None if value_ms is None else value_ms * unit.per_ms), value_ms)


def p50(one: Measured, unit: TimeUnit, *, best: bool) -> Cell:
    """Show the median and how well it is known."""
    ms = one.summary.p50_ms
    shown = Interval(ms.value * unit.per_ms, ms.low * unit.per_ms, ms.high * unit.per_ms)
    return Cell(
        text=numbers.number(shown.value),
        number=ms.value,
        low=ms.low,
        high=ms.high,
        detail=numbers.interval_range(shown),
        best=best,
    )


def speedup(one: Measured, *, baseline: bool) -> Cell:
    """Show the speed-up; in words too where 1 is inside the interval, because then there may be none."""
    interval = one.summary.speedup
    if interval is None:
        return Cell(numbers.MISSING)
    if baseline:
        return Cell("1.00x", 1.0)
    text, detail = numbers.ratio(interval)
    remark = "no difference seen" if interval.low <= 1 <= interval.high else ""
    if not detail:
        remark = "too few samples"
    return Cell(text, interval.value, interval.low, interval.high, detail, remark)


def throughput(one: Measured) -> Cell:
    """Show samples per second; the interval is drawn, not written."""
    value, interval = one.summary.throughput_samples_per_s, one.summary.throughput
    if interval is None:
        return plain(value)
    return Cell(numbers.number(value), value, interval.low, interval.high)


def start_up(one: Measured, attribute: str) -> Cell:
    """Show what the measurement recorded beside the latencies."""
    return plain(getattr(one.result.measurement, attribute, None))


def rate(one: Measured, attribute: str) -> Cell:
    """Show a rate of the server scenario."""
    return plain(getattr(server_trial(one.result), attribute, None))


def relative_error(one: Measured) -> Cell:
    """Show how far the outputs are from the source model's."""
    return Cell(numbers.error(one.result.relative_error), one.result.relative_error)
