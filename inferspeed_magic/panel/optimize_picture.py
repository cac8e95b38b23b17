"""The Pareto chart as a picture, for notebooks that run no script: GitHub, untrusted ones, pages made by nbconvert."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from inferspeed_magic.panel.axis import Axis, known
from inferspeed_magic.panel.numbers import number, whole_or_short
from inferspeed_magic.panel.parts import one_line
from inferspeed_magic.panel.pen import INK, Pen, length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.panel.optimize_charts import OptimizeCharts
    from inferspeed_magic.panel.optimize_view import OptimizeView
    from inferspeed_magic.panel.pareto import Point
    from inferspeed_magic.panel.parts import Row
    from inferspeed_magic.records.interval import Interval

# Pixels of the finished picture.
_LEFT, _RIGHT, _TOP, _BELOW = 66, 610, 44, 50
_LEGEND, _NAMES, _END, _WIDEST_NAME, _ROW = 650, 668, 996, 210, 24
_HEADING, _PLOT_HEIGHT = 16, 320
_SMALL, _LARGE = 11.5, 14.5
_FAINT, _AXIS, _GRID = "#59636e", "#8c959f", "#e4e8ec"
_MOST_ROWS, _MOST_NAMED = 16, 8
_LOG_LATENCIES = 3
_TAGGED = ("winner", "original")
_HOLLOW = ("rejected", "unknown")
_ORDER = ("winner", "original", "front", "fits", "rejected", "unknown")


class _Dot(NamedTuple):
    """A candidate that has a place in the picture; latency in the unit of the chart."""

    row: Row
    point: Point
    label: str
    x: Interval
    y: Interval


def optimize_picture(view: OptimizeView, charts: OptimizeCharts) -> bytes:
    """Draw latency against score as a PNG; empty where no candidate has a score."""
    dots = _dots(view, charts)
    if not dots:
        return b""
    pen = Pen(_TOP + _PLOT_HEIGHT + _BELOW)
    x, y = _x_axis(dots), _y_axis(dots, charts.allowed)
    _draw_frame(pen, x, y, charts)
    _draw_front(pen, x, y, dots, charts)
    for dot in sorted(dots, key=lambda dot: -_ORDER.index(dot.point.standing)):
        _draw_dot(pen, x, y, dot)
    for dot in dots:
        _draw_tag(pen, x, y, dot, 15 if charts.higher_is_better else -15)
    _draw_legend(pen, sorted(dots, key=lambda dot: _ORDER.index(dot.point.standing)), charts.unit)
    return pen.png(dot.row.identity.light for dot in dots[: 2 * _MOST_ROWS])


def optimize_picture_words(view: OptimizeView, charts: OptimizeCharts) -> str:
    """Say what the picture shows to those who do not see it; empty where there is none."""
    dots = sorted(_dots(view, charts), key=lambda dot: _ORDER.index(dot.point.standing))
    if not dots:
        return ""
    said = [
        f"{dot.label} ({dot.point.standing}) {number(dot.x.value)} {charts.unit.name}, {_value(dot)}"
        for dot in dots[:_MOST_NAMED]
    ]
    if len(dots) > len(said):
        said.append(f"and {len(dots) - len(said)} more")
    return one_line(f"{charts.score_title} against p50 latency. {'; '.join(said)}.")


def _dots(view: OptimizeView, charts: OptimizeCharts) -> list[_Dot]:
    return [
        _Dot(row, point, label, _scaled(point.latency, charts.unit), point.score)
        for row, point, label in zip(view.rows, charts.points, charts.labels, strict=True)
        if point.score is not None
        and known(point.score.value)
        and known(point.latency.value)
        and point.latency.value > 0
    ]


def _scaled(latency: Interval, unit: TimeUnit) -> Interval:
    return type(latency)(latency.value * unit.per_ms, latency.low * unit.per_ms, latency.high * unit.per_ms)


def _x_axis(dots: Sequence[_Dot]) -> Axis:
    values = [dot.x.value for dot in dots]
    low, high = min(values), max(values)
    if high >= _LOG_LATENCIES * low:
        margin = (high / low) ** 0.06
        return Axis(low / margin, high * margin, log=True, begin=_LEFT, end=_RIGHT)
    margin = 0.08 * (high - low) or 0.1 * low
    return Axis(low - margin, high + margin, log=False, begin=_LEFT, end=_RIGHT)


def _y_axis(dots: Sequence[_Dot], allowed: float | None) -> Axis:
    """Count from the bottom, where the axis begins; uncertain candidates may not press the others together."""
    values = [dot.y.value for dot in dots] + ([allowed] if known(allowed) else [])
    low, high = min(values), max(values)
    room = high - low
    ends = [end for dot in dots for end in (dot.y.low, dot.y.high) if known(end)]
    low, high = max(low - room, min([low, *ends])), min(high + room, max([high, *ends]))
    margin = 0.06 * (high - low) or 0.01 * abs(high) or 1.0
    return Axis(low - margin, high + margin, log=False, begin=0, end=_PLOT_HEIGHT)


def _draw_frame(pen: Pen, x: Axis, y: Axis, charts: OptimizeCharts) -> None:
    bottom = _TOP + _PLOT_HEIGHT
    pen.text((2, _HEADING), f"{charts.score_title} against p50 latency", _LARGE, bold=True, room=_END)
    ticks = y.ticks()
    for tick in ticks:
        pen.text((_LEFT - 8, bottom - y.at(tick)), whole_or_short(tick), _SMALL, _FAINT, align="r", room=_LEFT - 10)
        pen.line([(_LEFT, bottom - y.at(tick)), (_RIGHT, bottom - y.at(tick))], _GRID)
    for tick in x.ticks():
        pen.line([(x.at(tick), bottom), (x.at(tick), bottom + 4)], _AXIS)
        pen.text((x.at(tick), bottom + 15), whole_or_short(tick), _SMALL, _FAINT, align="m")
    pen.line([(_LEFT, bottom), (_RIGHT, bottom)], _AXIS)
    caption = f"p50 latency in {charts.unit.name}{', log scale' * x.log}, lower is faster"
    pen.text(((_LEFT + _RIGHT) / 2, bottom + 36), caption, _SMALL, _FAINT, align="m")
    if known(charts.allowed):
        height = bottom - y.at(charts.allowed)
        pen.line([(_LEFT, height), (_RIGHT, height)], _AXIS, 1.4, (5, 4))
        pen.text((_RIGHT, height + 9), "allowed", _SMALL, _FAINT, align="r")


def _draw_front(pen: Pen, x: Axis, y: Axis, dots: Sequence[_Dot], charts: OptimizeCharts) -> None:
    by_name = {dot.point.name: dot for dot in dots}
    there = [by_name[name] for name in charts.fronts["latency"] if name in by_name]
    places = [(x.at(dot.x.value), _TOP + _PLOT_HEIGHT - y.at(dot.y.value)) for dot in there]
    for (begin, height), (end, next_height) in pairwise(places):
        pen.line([(begin, height), (end, height), (end, next_height)], INK, 1.2)


def _draw_dot(pen: Pen, x: Axis, y: Axis, dot: _Dot) -> None:
    at = (x.at(dot.x.value), _TOP + _PLOT_HEIGHT - y.at(dot.y.value))
    colour = dot.row.identity.light
    if known(dot.x.low) and known(dot.x.high) and dot.x.low > 0:
        pen.line([(x.at(dot.x.low), at[1]), (x.at(dot.x.high), at[1])], colour, 1.2)
    if known(dot.y.low) and known(dot.y.high):
        ends = [(at[0], _TOP + _PLOT_HEIGHT - y.at(end)) for end in (dot.y.low, dot.y.high)]
        pen.line(ends, colour, 1.2)
    size = 8.0 if dot.point.standing in _TAGGED else 5.5
    pen.marker(at, dot.row.identity, size=size, hollow=dot.point.standing in _HOLLOW)


def _draw_tag(pen: Pen, x: Axis, y: Axis, dot: _Dot, below: float) -> None:
    """Name the winner and the original, away from the front, which goes on to better scores."""
    if dot.point.standing not in _TAGGED:
        return
    words, at = dot.point.standing, (x.at(dot.x.value), _TOP + _PLOT_HEIGHT - y.at(dot.y.value) + below)
    left = at[0] + 12 + length(words) > _RIGHT
    pen.text((at[0] + (-12 if left else 12), at[1]), words, align="r" if left else "l", bold=True)


def _draw_legend(pen: Pen, dots: Sequence[_Dot], unit: TimeUnit) -> None:
    shown = dots[: _MOST_ROWS if len(dots) <= _MOST_ROWS else _MOST_ROWS - 1]
    row = min(_ROW, (_PLOT_HEIGHT + _BELOW) / (len(shown) + 1))
    pen.text((_END, _TOP - 6), f"p50 {unit.name}", _SMALL, _FAINT, align="r")
    for place, dot in enumerate(shown):
        at = _TOP + row * (place + 0.6)
        pen.marker((_LEGEND, at), dot.row.identity, hollow=dot.point.standing in _HOLLOW)
        strong = dot.point.standing == "winner"
        p50 = number(dot.x.value)
        pen.text((_END, at), p50, align="r", bold=strong)
        pen.text((_NAMES, at), dot.label, bold=strong, room=min(_WIDEST_NAME, _END - _NAMES - 12 - length(p50)))
    if len(dots) > len(shown):
        pen.text((_NAMES, _TOP + row * (len(shown) + 0.6)), f"and {len(dots) - len(shown)} more", _SMALL, _FAINT)


def _value(dot: _Dot) -> str:
    beyond = " or worse" if dot.point.at_edge else ""
    return f"score {number(dot.y.value)}{beyond}"
