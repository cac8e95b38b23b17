"""The profile as a picture, for notebooks that run no script: GitHub, untrusted ones, pages made by nbconvert."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from inferspeed_magic.panel.axis import Axis as _Axis
from inferspeed_magic.panel.axis import known
from inferspeed_magic.panel.numbers import MISSING, whole_or_short
from inferspeed_magic.panel.parts import Cell, one_line
from inferspeed_magic.panel.pen import INK, Pen, length

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from inferspeed_magic.panel.charts import Drawn, ProfileCharts
    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.panel.parts import Row
    from inferspeed_magic.panel.pen import Point
    from inferspeed_magic.panel.view import ProfileView

_MOST_ROWS, _MOST_NAMED = 40, 8
# Pixels of the finished picture.
_LEFT, _NAMES, _WIDEST_NAME, _WIDEST_P50, _MIDDLE, _PLOT, _RIGHT = 2, 28, 230, 130, 606, 668, 988
_HEADING, _HEADER, _TOP, _BELOW = 16, 44, 60, 46
_SMALL, _LARGE, _GAP = 11.5, 14.5, 7
_FAINT, _AXIS, _GRID = "#59636e", "#8c959f", "#e4e8ec"
_SMALLEST = 1e-12
# Beyond this ratio of the largest to the smallest, the small ones would not be seen on a linear axis.
_LOG_BARS, _LOG_LATENCIES = 10, 3


@dataclass(frozen=True)
class _Line:
    """A candidate; ``bar`` is its speed-up or, where there is no baseline, its p50 in the unit of the charts."""

    row: Row
    drawn: Drawn
    p50: str
    best: bool
    bar: Cell

    @property
    def notes(self) -> str:
        """What the number alone would hide."""
        marks = [mark.text for mark in self.row.marks if mark.kind != "smallest"]
        return ", ".join(words for words in (*marks, self.bar.remark) if words)


def profile_picture(view: ProfileView, charts: ProfileCharts) -> bytes:
    """Draw speed-ups and the latencies of the first batch size as a PNG; empty where nothing was measured."""
    lines = _lines(view, charts)
    if not lines:
        return b""
    shown = lines[:_MOST_ROWS]
    entries = list(_entries(shown))
    if len(lines) > len(shown):
        entries.append(f"and {len(lines) - len(shown)} more")
    plot_height = min(234, max(180, 23 * len(entries)))
    row_height = min(32, max(23, plot_height / len(entries)))
    pen = Pen(_TOP + max(row_height * len(entries) + _GAP, plot_height + _BELOW))
    _draw_bars(pen, entries, charts.unit, row_height)
    first = [line for line in shown if line.row.batch_size == shown[0].row.batch_size]
    _draw_latencies(pen, first, charts.unit, plot_height)
    return pen.png(line.row.identity.light for line in shown)


def profile_picture_words(view: ProfileView, charts: ProfileCharts) -> str:
    """Say what the picture shows to those who do not see it; empty where nothing was measured."""
    lines = _lines(view, charts)
    if not lines:
        return ""
    first = lines[0].row.batch_size
    said = []
    for line in lines[:_MOST_NAMED]:
        batch = "" if line.row.batch_size == first else f" at batch {line.row.batch_size}"
        ratio = f" ({line.bar.text})" if line.bar.text not in ("", MISSING) else ""
        said.append(f"{line.row.name}{batch} p50 {line.p50}{ratio}")
    if len(lines) > len(said):
        said.append(f"and {len(lines) - len(said)} more")
    return one_line(f"{_subject(lines, charts.unit)}, and latency distributions at batch {first}. {', '.join(said)}.")


def _lines(view: ProfileView, charts: ProfileCharts) -> list[_Line]:
    """Join what view and charts say of each candidate; batch sizes are in the order of the table."""
    places = {column.key: place for place, column in enumerate(view.columns)}
    lines = []
    for row, drawn in zip(view.rows, charts.drawn, strict=True):
        cell, p50, per_ms = row.cells[places["p50_ms"]], drawn.p50_ms, charts.unit.per_ms
        timed = Cell("", p50.value * per_ms, p50.low * per_ms, p50.high * per_ms)
        bar = row.cells[places["speedup"]] if "speedup" in places else timed
        lines.append(_Line(row, drawn, f"{cell.text} {charts.unit.name}", cell.best, bar))
    sizes = list(dict.fromkeys(row.batch_size for row in view.rows))
    return sorted(lines, key=lambda line: sizes.index(line.row.batch_size))


def _entries(lines: Sequence[_Line]) -> Iterator[str | _Line]:
    """Put a heading before each batch size, where there are several."""
    sizes = dict.fromkeys(line.row.batch_size for line in lines)
    for size in sizes:
        if len(sizes) > 1:
            yield f"batch {size}"
        yield from (line for line in lines if line.row.batch_size == size)


def _subject(lines: Sequence[_Line], unit: TimeUnit) -> str:
    if not any(line.bar.text for line in lines):
        return f"p50 in {unit.name}, lower is faster"
    rows = [line.row for line in lines if line.drawn.baseline]
    # A baseline is named by candidate, by runtime (of every model) or by model.
    for names in ({row.name for row in rows}, {row.runtime for row in rows}, {row.model for row in rows}):
        if len(names) == 1:
            return f"Speed-up over {names.pop()}"
    return "Speed-up over the baseline"


def _draw_bars(pen: Pen, entries: Sequence[str | _Line], unit: TimeUnit, row_height: float) -> None:
    """Draw the left half: a table with a bar behind each candidate."""
    lines = [entry for entry in entries if isinstance(entry, _Line)]
    speedups = any(line.bar.text for line in lines)
    p50_end = _NAMES + min(_WIDEST_NAME, max(length(line.row.name) for line in lines))
    p50_end += 18 + min(_WIDEST_P50, max(length(line.p50) for line in lines))
    axis = _bar_axis(lines, p50_end + 24, speedups=speedups)
    bottom = _TOP + row_height * len(entries)
    pen.text((_LEFT, _HEADING), _subject(lines, unit) + " (log scale)" * axis.log, _LARGE, bold=True, room=_MIDDLE)
    pen.text((p50_end, _HEADER), "p50", _SMALL, _FAINT, align="r")
    for tick in axis.ticks():
        pen.text((axis.at(tick), _HEADER), whole_or_short(tick) + "x" * speedups, _SMALL, _FAINT, align="m")
        pen.line([(axis.at(tick), _TOP), (axis.at(tick), bottom)], _GRID)
    for place, entry in enumerate(entries):
        y = _TOP + row_height * (place + 0.5)
        if isinstance(entry, str):
            pen.text((_LEFT, y), entry, _SMALL, _FAINT, bold=True)
            continue
        pen.marker((_LEFT + 12, y), entry.row.identity)
        pen.text((_NAMES, y), entry.row.name, room=_WIDEST_NAME)
        pen.text((p50_end, y), entry.p50, align="r", bold=entry.best, room=_WIDEST_P50)
        _draw_bar(pen, entry, axis, y, 0.2 * row_height)
    if speedups:
        pen.line([(axis.at(1.0), _TOP), (axis.at(1.0), bottom)], _AXIS, 1.4)


def _draw_bar(pen: Pen, line: _Line, axis: _Axis, y: float, half: float) -> None:
    bar = line.bar
    if known(bar.number):
        origin = axis.at(1.0) if bar.text and axis.log else axis.begin
        pen.bar(sorted((origin, axis.at(bar.number))), (y - half, y + half), line.row.identity.light)
    if known(bar.low) and known(bar.high):
        low, high = axis.at(bar.low), axis.at(bar.high)
        pen.line([(low, y), (high, y)], INK, 1.2)
        # An interval that the axis cuts off has no end there.
        for end in (end for end in (bar.low, bar.high) if axis.low <= end <= axis.high):
            pen.line([(axis.at(end), y - 3), (axis.at(end), y + 3)], INK, 1.2)
    words = _reach(bar, axis) + _GAP
    # No line of the grid runs through the words.
    pen.bar((words - 3, min(_MIDDLE, words + _words_width(line)) + 3), (y - 8, y + 8), "white")
    pen.text((words, y), bar.text, bold=line.best, room=_MIDDLE - words)
    notes = words + (length(bar.text) + _GAP if bar.text else 0)
    pen.text((notes, y), line.notes, _SMALL, _FAINT, room=_MIDDLE - notes)


def _bar_axis(lines: Sequence[_Line], begin: float, *, speedups: bool) -> _Axis:
    """Choose the scale, and make it as long as the words behind the bars allow."""
    values = [line.bar.number for line in lines if known(line.bar.number) and line.bar.number > _SMALLEST]
    values += [1.0] * (speedups or not values)
    low, high = min(values), max(values)
    log = high > _LOG_BARS * low
    # One very uncertain candidate must not press all others together.
    most = min(2 * high, max([high, *(line.bar.high for line in lines if known(line.bar.high))]))
    least = max(low / 2, min([low, *(line.bar.low for line in lines if known(line.bar.low))]))
    # Where nothing is 1x, the shortest bar needs a length too.
    whole = _Axis((least if speedups else low / 2) if log else 0.0, most, log)
    space = _MIDDLE - begin
    widths = [min(0.65 * space, _GAP + _words_width(line)) for line in lines]
    fits = [(space - width) / max(0.01, _reach(line.bar, whole)) for line, width in zip(lines, widths, strict=True)]
    return replace(whole, begin=begin, end=begin + min(space, *fits))


def _words_width(line: _Line) -> float:
    return length(line.bar.text) + length(line.notes, _SMALL) + _GAP + 2


def _reach(bar: Cell, axis: _Axis) -> float:
    """Tell where bar, whisker and the line at 1x have ended."""
    return max(axis.at(end) for end in (axis.low, bar.number, bar.high, 1.0 if bar.text else None) if known(end))


def _draw_latencies(pen: Pen, lines: Sequence[_Line], unit: TimeUnit, height: float) -> None:
    """Draw the right half: which share of the inferences took no longer than that."""
    curves = [(line, curve) for line in lines if (curve := _curve(line.drawn, unit))]
    axis = _latency_axis([x for _, curve in curves for x, _ in curve])
    bottom = _TOP + height
    small = (_SMALL, _FAINT)
    pen.text((_PLOT - 34, _HEADING), f"Latency distribution, batch {lines[0].row.batch_size}", _LARGE, bold=True)
    pen.text((_PLOT - 34, _HEADER), "share of inferences", *small)
    for percent in (0, 25, 50, 75, 100):
        y = bottom - height * percent / 100
        pen.text((_PLOT - 7, y), f"{percent}%", *small, align="r")
        pen.line([(_PLOT, y), (_RIGHT, y)], _GRID if percent else _AXIS)
    for tick in axis.ticks():
        pen.line([(axis.at(tick), bottom), (axis.at(tick), bottom + 4)], _AXIS)
        pen.text((axis.at(tick), bottom + 14), whole_or_short(tick), *small, align="m")
    caption = f"latency in {unit.name}{', log scale' * axis.log}, lower is faster"
    pen.text(((_PLOT + _RIGHT) / 2, bottom + 34), caption, *small, align="m")
    for line, curve in curves:
        points = [(axis.at(latency), bottom - height * share) for latency, share in curve]
        pen.line(points, line.row.identity.light, 2.0, line.row.identity.dash)
    for line, _ in curves:
        pen.marker((axis.at(line.drawn.p50_ms.value * unit.per_ms), bottom - height / 2), line.row.identity)


def _curve(drawn: Drawn, unit: TimeUnit) -> list[Point]:
    """Make the steps of a distribution."""
    steps = [
        (latency * unit.per_ms, share)
        for latency, share in zip(drawn.trace.latency_ms, drawn.trace.share, strict=True)
        if known(latency) and latency > _SMALLEST
    ]
    return [point for (_, before), (x, share) in pairwise([(0.0, 0.0), *steps]) for point in ((x, before), (x, share))]


def _latency_axis(latencies: Sequence[float]) -> _Axis:
    low, high = min(latencies, default=1.0), max(latencies, default=10.0)
    if high >= _LOG_LATENCIES * low:
        return _Axis(low / (high / low) ** 0.03, high * (high / low) ** 0.03, log=True, begin=_PLOT, end=_RIGHT)
    margin = 0.03 * (high - low) or 0.1 * low
    return _Axis(low - margin, high + margin, log=False, begin=_PLOT, end=_RIGHT)
