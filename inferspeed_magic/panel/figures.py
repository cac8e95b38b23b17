"""The charts as Bokeh documents without data: axes, glyphs and hover; the panel's script fills their sources.

Data, colours and what is hidden change in the browser, so they live there once and not in every figure. Documents are
the same for every report, and are made once in a process.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from bokeh.models import ColumnDataSource, DataRange1d
    from bokeh.plotting import figure

_HEIGHT = 300
_GREY = "#808080"
#: The script puts the report's unit of latencies, and what else a figure can show, in the place of these words.
UNIT, QUANTITY = "UNIT", "QUANTITY"
#: Models of this name are swapped for their linear kind where the reader wants a linear scale.
SCALED = "scaled"


@cache
def figures() -> dict[str, Any]:
    """Make every figure as the JSON that ``Document.from_json`` of BokehJS reads, by name; latencies on log axes."""
    return {name: _document(draw()) for name, draw in _DRAW.items()}


def _document(plot: figure) -> Any:
    from bokeh.document import Document

    document = Document()
    document.add_root(plot)
    return json.loads(json.dumps(document.to_json(deferred=False)))


def _ecdf() -> figure:
    plot = _figure(x=f"latency ({UNIT}), lower is faster", y="share of inferences", x_axis_type="log")
    _mark_scaled(plot.x_scale, plot.xaxis)
    lines, marks = _sources("lines", "marks")
    drawn = plot.multi_line("xs", "ys", source=lines, line_color="colour", line_dash="dash", line_width=2)
    plot.segment("low", "y", "high", "y", source=marks, line_color="colour", line_width=2)
    dots = plot.scatter("x", "y", source=marks, marker="marker", size=10, color="colour")
    _percent(plot)
    _hover(plot, [drawn, dots])
    return plot


def _box() -> figure:
    plot = _figure(x=f"latency ({UNIT})", x_axis_type="log", y_range=[])
    _mark_scaled(plot.x_scale, plot.xaxis)
    (boxes,) = _sources("boxes")
    plot.segment("p5", "label", "p95", "label", source=boxes, line_color="colour", line_width=1.5)
    bars = plot.hbar(
        y="label", left="p25", right="p75", height=0.5, source=boxes, line_color="colour", fill_color="colour"
    )
    bars.glyph.fill_alpha = 0.25
    dots = plot.scatter("p50", "label", source=boxes, marker="marker", size=9, color="colour")
    _hover(plot, [bars, dots])
    return plot


def _series() -> figure:
    plot = _figure(
        x="seconds since the first timed inference (hollow: warm-up)", y=f"latency ({UNIT})", y_axis_type="log"
    )
    _mark_scaled(plot.y_scale, plot.yaxis)
    (points,) = _sources("points")
    dots = plot.scatter(
        "x", "y", source=points, marker="marker", size=4, line_color="colour", fill_color="colour", fill_alpha="alpha"
    )
    dots.glyph.line_alpha = 0.6
    _hover(plot, [dots])
    return plot


def _curve() -> figure:
    from bokeh.models import BasicTickFormatter, FixedTicker

    plot = _figure(x="batch size", y=QUANTITY, x_axis_type="log", y_axis_type="log")
    _mark_scaled(plot.y_scale, plot.yaxis)
    lines, marks = _sources("lines", "marks")
    plot.multi_line("xs", "ys", source=lines, line_color="colour", line_dash="dash", line_width=2)
    plot.segment("x", "low", "x", "high", source=marks, line_color="colour", line_width=2)
    dots = plot.scatter("x", "y", source=marks, marker="marker", size=9, color="colour")
    # The batch sizes that were measured; the script fills them in.
    plot.xaxis.ticker = FixedTicker(ticks=[], minor_ticks=[], name="batch_ticks")
    plot.xaxis.formatter = BasicTickFormatter(use_scientific=False)
    _hover(plot, [dots])
    return plot


def _start_up() -> figure:
    """Stack phases; patterns tell them apart, so that colour stays the candidates'. The legend is HTML."""
    plot = _figure(x="ms", y_range=[], x_range=_from_zero())
    (bars,) = _sources("bars")
    begin = ["zero", "load_end", "compile_end"]
    end = ["load_end", "compile_end", "first_end"]
    drawn = []
    for left, right, pattern, alpha in zip(begin, end, (" ", "/", "."), (0.85, 0.3, 0.08), strict=True):
        drawn.append(
            plot.hbar(
                y="label",
                left=left,
                right=right,
                height=0.6,
                source=bars,
                line_color="colour",
                fill_color="colour",
                fill_alpha=alpha,
                hatch_pattern=pattern,
                hatch_color="colour",
                hatch_alpha=0.7,
            )
        )
    _hover(plot, drawn)
    return plot


def _bars() -> figure:
    plot = _figure(x=QUANTITY, y_range=[], x_range=_from_zero())
    (bars,) = _sources("bars")
    drawn = plot.hbar(y="label", left=0, right="value", height=0.6, source=bars, line_color="colour")
    drawn.glyph.fill_color, drawn.glyph.fill_alpha = "colour", 0.6
    _hover(plot, [drawn])
    return plot


_DRAW: dict[str, Callable[[], figure]] = {
    "ecdf": _ecdf,
    "box": _box,
    "series": _series,
    "curve": _curve,
    "start_up": _start_up,
    "bars": _bars,
}


def _mark_scaled(scale: Any, axes: Any) -> None:
    scale.name = SCALED
    for axis in axes:
        axis.name = axis.ticker.name = SCALED


def _figure(*, x: str, y: str = "", **settings: Any) -> figure:
    """Begin a figure; its title is HTML above it, where screen readers and searches find it."""
    from bokeh.models import BasicTickFormatter, LinearAxis, LogAxis
    from bokeh.plotting import figure

    plot = figure(
        height=_HEIGHT,
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools="",
        x_axis_label=x,
        y_axis_label=y,
        # Nothing may be seen of the figure but its marks: the page behind is light or dark.
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        min_border_right=12,
        output_backend="canvas",
        **settings,
    )
    plot.xgrid.grid_line_color = None
    for axis in (*plot.xaxis, *plot.yaxis):
        axis.axis_label_text_font_style = "normal"
        axis.minor_tick_line_color = None
        axis.axis_line_color = axis.major_tick_line_color = _GREY
        if isinstance(axis, LinearAxis | LogAxis):
            axis.formatter = BasicTickFormatter(use_scientific=False)
        if isinstance(axis, LinearAxis):
            axis.ticker.desired_num_ticks = 5
    return plot


def _from_zero() -> DataRange1d:
    from bokeh.models import DataRange1d

    return DataRange1d(start=0)


def _sources(*names: str) -> list[ColumnDataSource]:
    """Make sources that hold nothing yet, to be found by their names."""
    from bokeh.models import ColumnDataSource

    return [ColumnDataSource(data=dict.fromkeys(_COLUMNS[name], ()), name=name) for name in names]


_COLUMNS = {
    "lines": ("xs", "ys", "colour", "dash", "name", "text"),
    "marks": ("x", "y", "low", "high", "colour", "marker", "name", "text"),
    "boxes": ("label", "p5", "p25", "p50", "p75", "p95", "colour", "marker", "name", "text"),
    "points": ("x", "y", "colour", "marker", "alpha", "name", "text"),
    "bars": ("label", "zero", "load_end", "compile_end", "first_end", "value", "colour", "name", "text"),
}


def _percent(plot: figure) -> None:
    from bokeh.models import FixedTicker, NumeralTickFormatter

    plot.yaxis.ticker = FixedTicker(ticks=[0, 0.25, 0.5, 0.75, 0.95], minor_ticks=[])
    plot.yaxis.formatter = NumeralTickFormatter(format="0%")


def _hover(plot: figure, renderers: list[Any]) -> None:
    from bokeh.models import HoverTool

    # Braces: names are the user's and may hold what Bokeh would read as markup.
    plot.add_tools(HoverTool(renderers=renderers, tooltips=[("", "@name"), ("", "@text")], point_policy="follow_mouse"))
