"""The picture of ``explain``, for notebooks that run no script: what calls are made of, and layers under the roofs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from inferspeed_magic.panel.axis import Axis
from inferspeed_magic.panel.explain_bars import parts_in
from inferspeed_magic.panel.explain_numbers import percent
from inferspeed_magic.panel.explain_parts import LOOKS
from inferspeed_magic.panel.numbers import whole_or_short
from inferspeed_magic.panel.parts import one_line
from inferspeed_magic.panel.pen import Pen, length

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from inferspeed_magic.panel.explain_charts import ExplainCharts, LayerDot
    from inferspeed_magic.panel.explain_view import ExplainView
    from inferspeed_magic.panel.identity import Identity
    from inferspeed_magic.panel.parts import Cell

# Pixels of the finished picture.
_LEFT, _NAMES, _BARS, _NUMBERS, _MIDDLE, _PLOT, _RIGHT = 2, 190, 200, 478, 486, 566, 988
_HEADING, _TOP, _ROW, _HEIGHT, _BELOW = 16, 48, 21, 300, 66
_SMALL, _LARGE = 11.5, 14.5
_FAINT, _AXIS, _GRID, _REST = "#59636e", "#8c959f", "#e4e8ec", "#8c959f"
_MOST_ROWS, _MOST_NAMED, _MOST_DOTS = 18, 5, 300
_LARGEST_DOT, _SMALLEST_DOT = 12.0, 3.0
_SUPPORTED = 1e-30
_MOST_LAYERS = 14
_SHARES = {"roofline": "time", "work": "operations"}


def explain_picture(view: ExplainView, charts: ExplainCharts) -> bytes:
    """Draw both as a PNG; empty where there is neither."""
    calls = view.paths.sheet.rows
    dots = [dot for dot in charts.dots if _drawable(dot)]
    if not calls and not dots:
        return b""
    looks = {row.model: row.identity for row in view.rows}
    count = min(_MOST_ROWS, len(calls)) + 1
    pen = Pen(max(_TOP + _ROW * (count + 1) + 20 if calls else 0, _TOP + _HEIGHT + _BELOW if dots else 0))
    if calls:
        _draw_calls(pen, view)
    else:
        _draw_largest(pen, charts, dots, looks)
    if dots:
        _draw_layers(pen, charts, dots, looks)
    return pen.png([look.light for look in (*LOOKS.values(), *looks.values())])


def explain_picture_words(view: ExplainView, charts: ExplainCharts) -> str:
    """Say what the picture shows to those who do not see it; empty where there is none."""
    dots = [dot for dot in charts.dots if _drawable(dot)]
    said = []
    if view.paths.sheet.rows:
        said.append(f"What a call is made of. {' '.join(view.summary)}")
    if dots:
        named = ", ".join(f"{dot.model}: {dot.layer} ({dot.told})" for dot in dots[:_MOST_NAMED])
        more = f", and {len(dots) - _MOST_NAMED} more layers" if len(dots) > _MOST_NAMED else ""
        said.append(f"{_title(charts)}: {named}{more}.")
    return one_line(" ".join(said))


def _title(charts: ExplainCharts) -> str:
    if charts.kind == "work":
        return "Operations against bytes moved"
    return "Layers under the machine's roofs" if charts.roofs else "What layers reach"


def _drawable(dot: LayerDot) -> bool:
    return all(math.isfinite(each) and each > _SUPPORTED for each in (dot.x, dot.y))


def _draw_calls(pen: Pen, view: ExplainView) -> None:
    """Draw a bar of pieces for each way and model; each way has a scale of its own, as in the table."""
    places = {column.key: place for place, column in enumerate(view.paths.sheet.columns)}
    header = view.paths.sheet.columns[places["latency_ms"]].header
    pen.text((_LEFT, _HEADING), "What a call is made of", _LARGE, bold=True)
    pen.text((_NUMBERS, _TOP - 12), header, _SMALL, _FAINT, align="r")
    rows = list(zip(view.paths.sheet.rows, view.paths.bars, strict=True))
    shown = rows[:_MOST_ROWS]
    for place, (cells, bar) in enumerate(shown):
        y = _TOP + _ROW * (place + 0.5)
        name = _name(cells, places)
        pen.text((_NAMES, y), name, align="r", room=_NAMES - _LEFT)
        room = _NUMBERS - 62 - _BARS
        for segment in bar:
            ends = (_BARS + room * segment.begin, _BARS + room * segment.end)
            pen.bar(ends, (y - 6, y + 6), LOOKS[segment.part].light if segment.part in LOOKS else _REST)
        pen.text((_NUMBERS, y), cells[places["latency_ms"]].text, align="r")
    y = _TOP + _ROW * (len(shown) + 0.6)
    if len(rows) > len(shown):
        pen.text((_BARS, y), f"and {len(rows) - len(shown)} more", _SMALL, _FAINT)
        y += _ROW * 0.8
    x = float(_LEFT)
    for part in parts_in([bar for _, bar in shown]):
        pen.bar((x, x + 10), (y - 5, y + 5), LOOKS[part].light if part in LOOKS else _REST)
        pen.text((x + 15, y), part, _SMALL, _FAINT, room=90)
        x += 15 + min(90, length(part, _SMALL)) + 16
        if x > _MIDDLE - 100:
            break
    if len(rows) > 1 and x < _MIDDLE - 160:
        pen.text((_NUMBERS, y), "each way on its own scale", _SMALL, _FAINT, align="r", room=_NUMBERS - x)


def _draw_largest(pen: Pen, charts: ExplainCharts, dots: Sequence[LayerDot], looks: dict[str, Identity]) -> None:
    """Draw a bar for each of the layers with the largest shares, where no call was measured."""
    pen.text((_LEFT, _HEADING), f"Share of its model's {_SHARES[charts.kind]}", _LARGE, bold=True)
    largest = max(dots[0].share, _SUPPORTED)
    for place, dot in enumerate(dots[:_MOST_LAYERS]):
        y = _TOP + _ROW * (place + 0.5)
        pen.text((_NAMES, y), f"{dot.model}: {dot.layer}" if len(looks) > 1 else dot.layer, align="r", room=_NAMES - 4)
        room = _NUMBERS - 62 - _BARS
        pen.bar((_BARS, _BARS + room * dot.share / largest), (y - 6, y + 6), looks[dot.model].light)
        pen.text((_NUMBERS, y), percent(dot.share), align="r")


def _name(cells: Sequence[Cell], places: dict[str, int]) -> str:
    model = f"{cells[places['model']].text}/" if "model" in places else ""
    return f"{model}{cells[places['way']].text}"


def _draw_layers(pen: Pen, charts: ExplainCharts, dots: Sequence[LayerDot], looks: dict[str, Identity]) -> None:
    x = _axis([dot.x for dot in dots], _roof_ends(charts, 0), _PLOT, _RIGHT)
    y = _axis([dot.y for dot in dots], _roof_ends(charts, 1), 0, _HEIGHT)
    bottom = _TOP + _HEIGHT
    pen.text((_PLOT - 46, _HEADING), _title(charts), _LARGE, bold=True, room=_RIGHT - _PLOT + 46)
    up = "GFLOP/s reached" if charts.kind == "roofline" else "MFLOP in one inference"
    pen.text((_PLOT - 46, _TOP - 12), up, _SMALL, _FAINT)
    for tick in y.ticks():
        pen.text((_PLOT - 7, bottom - y.at(tick)), whole_or_short(tick), _SMALL, _FAINT, align="r", room=_PLOT - 500)
        pen.line([(_PLOT, bottom - y.at(tick)), (_RIGHT, bottom - y.at(tick))], _GRID)
    for tick in x.ticks():
        pen.line([(x.at(tick), bottom), (x.at(tick), bottom + 4)], _AXIS)
        pen.text((x.at(tick), bottom + 14), whole_or_short(tick), _SMALL, _FAINT, align="m")
    pen.line([(_PLOT, bottom), (_RIGHT, bottom)], _AXIS)
    across = "FLOP per byte moved" if charts.kind == "roofline" else "kB moved"
    pen.text(((_PLOT + _RIGHT) / 2, bottom + 32), f"{across}, log scale", _SMALL, _FAINT, align="m")
    for roof in charts.roofs:
        if all(_SUPPORTED < each < math.inf for place in roof.places for each in place):
            ends = [(x.at(across), bottom - y.at(up)) for across, up in roof.places]
            pen.line(ends, _AXIS, 1.4, () if roof.main else (5, 4))
            level = ends[0][1] == ends[1][1]
            at = (ends[1][0] - 2, ends[1][1] - 8) if level else (ends[0][0] + 7, ends[0][1] + 7)
            pen.text(at, roof.tag, _SMALL, _FAINT, align="r" if level else "l", room=110)
    # The short ones last, so that they are seen.
    for dot in dots[:_MOST_DOTS]:
        size = _SMALLEST_DOT + (_LARGEST_DOT - _SMALLEST_DOT) * math.sqrt(min(1.0, dot.share))
        pen.marker((x.at(dot.x), bottom - y.at(dot.y)), looks[dot.model], size=size)
    _draw_names(pen, dots, looks, bottom + 52)


def _draw_names(pen: Pen, dots: Sequence[LayerDot], looks: dict[str, Identity], y: float) -> None:
    x = float(_PLOT)
    there = {dot.model for dot in dots}
    for model in (each for each in looks if each in there):
        pen.marker((x + 5, y), looks[model])
        pen.text((x + 15, y), model, _SMALL, room=120)
        x += 15 + min(120, length(model, _SMALL)) + 18
        if x > _RIGHT - 130:
            break


def _roof_ends(charts: ExplainCharts, which: int) -> Iterator[float]:
    for roof in charts.roofs:
        for place in roof.places:
            yield place[which]


def _axis(values: Sequence[float], roofs: Iterator[float], begin: float, end: float) -> Axis:
    """Make room for the layers, and for as much of the roofs as does not press them together."""
    low, high = min(values), max(values)
    ends = [each for each in roofs if _SUPPORTED < each < math.inf]
    low, high = max(low / 10, min([low, *ends])), min(high * 30, max([high, *ends]))
    return Axis(low / 1.5, high * 1.5, log=True, begin=begin, end=end)
