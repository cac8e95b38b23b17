"""The charts as Bokeh documents without data: axes, glyphs and hover; the panel's script fills their sources.

Data, colours and what is hidden change in the browser, so they live there once and not in every figure. Documents are
the same for every report, and are made once in a process.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bokeh.models import ColumnDataSource, Plot

    Kind = Literal["linear", "from 0", "log", "scaled", "names"]

_HEIGHT = 300
_GREY = "#808080"
#: The script puts the report's unit of latencies, and what else a figure can show, in the place of these words.
UNIT, QUANTITY = "UNIT", "QUANTITY"
#: Models of this name are swapped for their linear kind where the reader wants a linear scale.
SCALED = "scaled"
_LOG = ("log", "scaled")


@cache
def figures() -> dict[str, Any]:
    """Make every figure as the JSON that ``Document.from_json`` of BokehJS reads, by name; latencies on log axes."""
    return {name: document_of(draw()) for name, draw in _DRAW.items()}


def document_of(plot: Plot) -> Any:
    """Turn a figure into the JSON that ``Document.from_json`` of BokehJS reads."""
    from bokeh.document import Document

    document = Document()
    document.add_root(plot)
    return json.loads(json.dumps(document.to_json(deferred=False)))


def _ecdf() -> Plot:
    from bokeh.models import FixedTicker, MultiLine, NumeralTickFormatter, Scatter, Segment

    plot = plot_of(f"latency ({UNIT}), lower is faster", "share of inferences", x_scale="scaled")
    lines, marks = _sources("lines", "marks")
    drawn = plot.add_glyph(lines, MultiLine(xs="xs", ys="ys", line_color="colour", line_dash="dash", line_width=2))
    plot.add_glyph(marks, Segment(x0="low", y0="y", x1="high", y1="y", line_color="colour", line_width=2))
    dots = plot.add_glyph(marks, Scatter(marker="marker", size=10, line_color="colour", fill_color="colour"))
    axis: Any = plot.left[0]
    axis.ticker = FixedTicker(ticks=[0, 0.25, 0.5, 0.75, 0.95], minor_ticks=[])
    axis.formatter = NumeralTickFormatter(format="0%")
    return with_hover(plot, [drawn, dots])


def _box() -> Plot:
    from bokeh.models import HBar, Scatter, Segment

    plot = plot_of(f"latency ({UNIT})", x_scale="scaled", y_scale="names")
    (boxes,) = _sources("boxes")
    plot.add_glyph(boxes, Segment(x0="p5", y0="label", x1="p95", y1="label", line_color="colour", line_width=1.5))
    box = HBar(
        y="label", left="p25", right="p75", height=0.5, line_color="colour", fill_color="colour", fill_alpha=0.25
    )
    bars = plot.add_glyph(boxes, box)
    dot = Scatter(x="p50", y="label", marker="marker", size=9, line_color="colour", fill_color="colour")
    return with_hover(plot, [bars, plot.add_glyph(boxes, dot)])


def _series() -> Plot:
    from bokeh.models import Scatter

    plot = plot_of("seconds since the first timed inference (hollow: warm-up)", f"latency ({UNIT})", y_scale="scaled")
    (points,) = _sources("points")
    dot = Scatter(marker="marker", size=4, line_color="colour", line_alpha=0.6, fill_color="colour", fill_alpha="alpha")
    return with_hover(plot, [plot.add_glyph(points, dot)])


def _curve() -> Plot:
    from bokeh.models import FixedTicker, MultiLine, Scatter, Segment

    plot = plot_of("batch size", QUANTITY, x_scale="log", y_scale="scaled")
    lines, marks = _sources("lines", "marks")
    plot.add_glyph(lines, MultiLine(xs="xs", ys="ys", line_color="colour", line_dash="dash", line_width=2))
    plot.add_glyph(marks, Segment(x0="x", y0="low", x1="x", y1="high", line_color="colour", line_width=2))
    dots = plot.add_glyph(marks, Scatter(marker="marker", size=9, line_color="colour", fill_color="colour"))
    # The batch sizes that were measured; the script fills them in.
    below: Any = plot.below[0]
    below.ticker = FixedTicker(ticks=[], minor_ticks=[], name="batch_ticks")
    return with_hover(plot, [dots])


def _start_up() -> Plot:
    """Stack phases; patterns tell them apart, so that colour stays the candidates'. The legend is HTML."""
    from bokeh.models import HBar

    plot = plot_of("ms", x_scale="from 0", y_scale="names")
    (bars,) = _sources("bars")
    ends = ("zero", "load_end", "compile_end", "first_end")
    drawn = []
    for (left, right), pattern, alpha in zip(pairwise(ends), (" ", "/", "."), (0.85, 0.3, 0.08), strict=True):
        bar = HBar(y="label", left=left, right=right, height=0.6, line_color="colour", fill_color="colour")
        bar.fill_alpha, bar.hatch_pattern, bar.hatch_color, bar.hatch_alpha = alpha, pattern, "colour", 0.7
        drawn.append(plot.add_glyph(bars, bar))
    return with_hover(plot, drawn)


def _bars() -> Plot:
    from bokeh.models import HBar

    plot = plot_of(QUANTITY, x_scale="from 0", y_scale="names")
    (bars,) = _sources("bars")
    bar = HBar(y="label", left=0, right="value", height=0.6, line_color="colour", fill_color="colour", fill_alpha=0.6)
    return with_hover(plot, [plot.add_glyph(bars, bar)])


_DRAW: dict[str, Callable[[], Plot]] = {
    "ecdf": _ecdf,
    "box": _box,
    "series": _series,
    "curve": _curve,
    "start_up": _start_up,
    "bars": _bars,
}


def plot_of(x: str, y: str = "", *, x_scale: Kind = "linear", y_scale: Kind = "linear") -> Plot:
    """Begin a figure; its title is HTML above it, where screen readers and searches find it.

    Args:
        x: the words of the axis below.
        y: the words of the axis on the left.
        x_scale: of the axis below: ``scaled`` is log until the reader wants it linear, ``names`` holds candidates.
        y_scale: of the axis on the left.
    """
    # Not ``bokeh.plotting``, which takes as long to import as all of this together.
    from bokeh.models import Grid, Plot

    below, left = _axis(x, x_scale), _axis(y, y_scale)
    plot = Plot(
        x_range=_range(x_scale),
        y_range=_range(y_scale),
        x_scale=_scale(x_scale),
        y_scale=_scale(y_scale),
        height=_HEIGHT,
        sizing_mode="stretch_width",
        toolbar_location=None,
        # Nothing may be seen of the figure but its marks: the page behind is light or dark.
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        min_border_right=12,
    )
    plot.add_layout(below, "below")
    plot.add_layout(left, "left")
    plot.add_layout(Grid(dimension=1, axis=left))
    return plot


def _axis(words: str, kind: Kind) -> Any:
    from bokeh.models import BasicTickFormatter, CategoricalAxis, LinearAxis, LogAxis

    looks: dict[str, Any] = {
        "axis_label": words,
        "axis_label_text_font_style": "normal",
        "axis_line_color": _GREY,
        "major_tick_line_color": _GREY,
        "minor_tick_line_color": None,
    }
    if kind == "names":
        return CategoricalAxis(**looks)
    looks["formatter"] = BasicTickFormatter(use_scientific=False)
    axis = (LogAxis if kind in _LOG else LinearAxis)(**looks)
    if kind == "scaled":
        axis.name = axis.ticker.name = SCALED
    elif kind not in _LOG:
        axis.ticker.desired_num_ticks = 5
    return axis


def _range(kind: Kind) -> Any:
    from bokeh.models import DataRange1d, FactorRange

    if kind == "names":
        return FactorRange()
    return DataRange1d(start=0) if kind == "from 0" else DataRange1d()


def _scale(kind: Kind) -> Any:
    from bokeh.models import CategoricalScale, LinearScale, LogScale

    if kind == "names":
        return CategoricalScale()
    if kind not in _LOG:
        return LinearScale()
    return LogScale(name=SCALED) if kind == "scaled" else LogScale()


def _sources(*names: str) -> list[ColumnDataSource]:
    return [source_of(name, _COLUMNS[name]) for name in names]


def source_of(name: str, columns: Sequence[str]) -> ColumnDataSource:
    """Make a source that holds nothing yet, to be found by its name."""
    from bokeh.models import ColumnDataSource

    return ColumnDataSource(data=dict.fromkeys(columns, ()), name=name)


_COLUMNS = {
    "lines": ("xs", "ys", "colour", "dash", "name", "text"),
    "marks": ("x", "y", "low", "high", "colour", "marker", "name", "text"),
    "boxes": ("label", "p5", "p25", "p50", "p75", "p95", "colour", "marker", "name", "text"),
    "points": ("x", "y", "colour", "marker", "alpha", "name", "text"),
    "bars": ("label", "zero", "load_end", "compile_end", "first_end", "value", "colour", "name", "text"),
}


def with_hover(plot: Plot, renderers: list[Any]) -> Plot:
    """Let the columns ``name`` and ``text`` of these renderers be told where the mouse is."""
    from bokeh.models import HoverTool

    # One at a time: where dots lie close, a tower of them would bury the chart.
    # Folded: a single long line reaches out of the window.
    told = '<div style="max-width:22em;white-space:normal;overflow-wrap:anywhere"><b>@name</b><div>@text</div></div>'
    plot.add_tools(HoverTool(renderers=renderers, tooltips=told, point_policy="follow_mouse", limit=1))
    return plot
