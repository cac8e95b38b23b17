"""The charts as Bokeh documents without data: axes, glyphs and hover; the panel's script fills their sources.

Data, colours and what is hidden change in the browser, so they live there once and not in every figure. Documents are
the same for every report, and are made once in a process.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from bokeh.models import ColumnDataSource, DataRange1d
    from bokeh.plotting import figure

    Scale = Literal["log", "linear"]

#: What a figure is called, and the latency scales that it comes in.
NAMES = ("ecdf", "box", "series", "batch_latency", "batch_throughput", "start_up", "artifact", "memory")
SCALED = ("ecdf", "box", "series", "batch_latency", "batch_throughput")
_HEIGHT = 300
_GREY = "#808080"
_LATENCY = "latency (UNIT)"
#: The script puts the unit of the report in its place.
UNIT = "UNIT"


@cache
def figures() -> dict[str, Any]:
    """Make every figure as the JSON that ``Document.from_json`` of BokehJS reads, by name: ``ecdf_log`` ..."""
    made = {f"{name}_{scale}": _DRAW[name](scale) for name in SCALED for scale in ("log", "linear")}
    made |= {name: _DRAW[name]("linear") for name in NAMES if name not in SCALED}
    return {name: _document(each) for name, each in made.items()}


def _document(plot: figure) -> Any:
    from bokeh.document import Document

    document = Document()
    document.add_root(plot)
    return json.loads(json.dumps(document.to_json(deferred=False)))


def _ecdf(scale: Scale) -> figure:
    plot = _figure(x=f"{_LATENCY}, lower is faster", y="share of inferences", x_axis_type=scale)
    lines, marks = _sources("lines", "marks")
    drawn = plot.multi_line("xs", "ys", source=lines, line_color="colour", line_dash="dash", line_width=2)
    plot.segment("low", "y", "high", "y", source=marks, line_color="colour", line_width=2)
    dots = plot.scatter("x", "y", source=marks, marker="marker", size=10, color="colour")
    _percent(plot)
    _hover(plot, [drawn, dots])
    return plot


def _box(scale: Scale) -> figure:
    plot = _figure(x=_LATENCY, x_axis_type=scale, y_range=[])
    (boxes,) = _sources("boxes")
    plot.segment("p5", "label", "p95", "label", source=boxes, line_color="colour", line_width=1.5)
    bars = plot.hbar(
        y="label", left="p25", right="p75", height=0.5, source=boxes, line_color="colour", fill_color="colour"
    )
    bars.glyph.fill_alpha = 0.25
    dots = plot.scatter("p50", "label", source=boxes, marker="marker", size=9, color="colour")
    _hover(plot, [bars, dots])
    return plot


def _series(scale: Scale) -> figure:
    plot = _figure(x="seconds since the first timed inference (left of 0: warm-up)", y=_LATENCY, y_axis_type=scale)
    (points,) = _sources("points")
    dots = plot.scatter(
        "x", "y", source=points, marker="marker", size=4, line_color="colour", fill_color="colour", fill_alpha="alpha"
    )
    dots.glyph.line_alpha = 0.6
    _hover(plot, [dots])
    return plot


def _batch_latency(scale: Scale) -> figure:
    return _curve(_figure(x="batch size", y=f"p50 {_LATENCY}", x_axis_type="log", y_axis_type=scale))


def _batch_throughput(scale: Scale) -> figure:
    return _curve(_figure(x="batch size", y="samples per second", x_axis_type="log", y_axis_type=scale))


def _curve(plot: figure) -> figure:
    from bokeh.models import BasicTickFormatter, FixedTicker

    lines, marks = _sources("lines", "marks")
    plot.multi_line("xs", "ys", source=lines, line_color="colour", line_dash="dash", line_width=2)
    plot.segment("x", "low", "x", "high", source=marks, line_color="colour", line_width=2)
    dots = plot.scatter("x", "y", source=marks, marker="marker", size=9, color="colour")
    # The batch sizes that were measured; the script fills them in.
    plot.xaxis.ticker = FixedTicker(ticks=[], minor_ticks=[], name="batch_ticks")
    plot.xaxis.formatter = BasicTickFormatter(use_scientific=False)
    _hover(plot, [dots])
    return plot


def _start_up(_: Scale) -> figure:
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


def _bars(unit: str) -> figure:
    plot = _figure(x=unit, y_range=[], x_range=_from_zero())
    (bars,) = _sources("bars")
    drawn = plot.hbar(y="label", left=0, right="value", height=0.6, source=bars, line_color="colour")
    drawn.glyph.fill_color, drawn.glyph.fill_alpha = "colour", 0.6
    _hover(plot, [drawn])
    return plot


_DRAW: dict[str, Callable[[Scale], figure]] = {
    "ecdf": _ecdf,
    "box": _box,
    "series": _series,
    "batch_latency": _batch_latency,
    "batch_throughput": _batch_throughput,
    "start_up": _start_up,
    "artifact": lambda _: _bars("MB on disk"),
    "memory": lambda _: _bars("MB at the peak of the worker process"),
}


def _figure(*, x: str, y: str = "", **settings: Any) -> figure:
    """Begin a figure; its title is HTML above it, where screen readers and searches find it."""
    from bokeh.models import BasicTickFormatter, LogAxis
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
        if isinstance(axis, LogAxis):
            axis.formatter = BasicTickFormatter(use_scientific=False)  # type: ignore[assignment]  # any formatter will do
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
