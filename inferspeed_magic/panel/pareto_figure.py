"""The Pareto chart as a Bokeh document without data, like those of ``figures``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from inferspeed_magic.panel.figures import QUANTITY, document_of, plot_of, source_of, with_hover

if TYPE_CHECKING:
    from bokeh.models import Plot

#: The script puts the name of the metric in the place of this word.
SCORE = "SCORE"
_HEIGHT = 380
_LINES = ("xs", "ys", "colour", "dash", "name", "text")
_DOTS = ("x", "y", "x_low", "x_high", "y_low", "y_high", "colour", "fill", "marker", "size", "name", "text")
_TAGS = ("x", "y", "words", "colour", "align", "beside", "below", "name", "text")


@cache
def optimize_figures() -> dict[str, Any]:
    """Make the figures of the panel of ``optimize``, by name."""
    return {"pareto": document_of(_pareto())}


def _pareto() -> Plot:
    from bokeh.models import MultiLine, Scatter, Segment, Text

    plot = plot_of(QUANTITY, SCORE, x_scale="scaled")
    plot.height = _HEIGHT
    fronts, dots, tags = source_of("fronts", _LINES), source_of("dots", _DOTS), source_of("tags", _TAGS)
    plot.add_glyph(fronts, MultiLine(xs="xs", ys="ys", line_color="colour", line_dash="dash", line_width=1.5))
    whisker = Segment(y0="y", y1="y", line_color="colour", line_width=1.5, line_alpha=0.6)
    plot.add_glyph(dots, whisker.clone(x0="x_low", x1="x_high"))
    plot.add_glyph(dots, whisker.clone(x0="x", x1="x", y0="y_low", y1="y_high"))
    dot = Scatter(marker="marker", size="size", line_color="colour", line_width=1.5, fill_color="colour")
    dot.fill_alpha = "fill"
    drawn = plot.add_glyph(dots, dot)
    tag = Text(x="x", y="y", text="words", text_color="colour", text_align="align", x_offset="beside")
    tag.text_baseline, tag.text_font_size, tag.text_font_style, tag.y_offset = "middle", "12px", "bold", "below"
    plot.add_glyph(tags, tag)
    return with_hover(plot, [drawn])
