"""The charts of ``explain`` as Bokeh documents without data, like those of ``figures``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from inferspeed_magic.panel.figures import QUANTITY, document_of, plot_of, source_of, with_hover

if TYPE_CHECKING:
    from bokeh.models import Plot

#: The script puts what the axes of layers show in the place of these words.
ACROSS, UP = "ACROSS", "UP"
_HEIGHT = 400
_LINES = ("xs", "ys", "colour", "dash", "width", "name", "text")
_DOTS = ("x", "y", "colour", "marker", "size", "name", "text")
_TAGS = ("x", "y", "words", "colour", "align", "beside", "above", "name", "text")
_POINTS = ("x", "y", "low", "high", "colour", "marker", "name", "text")


@cache
def explain_figures() -> dict[str, Any]:
    """Make the figures of the panel of ``explain``, by name."""
    return {"roofline": document_of(_roofline()), "fit": document_of(_fit())}


def _roofline() -> Plot:
    """Draw layers as points below lines that none of them gets above; both axes are logarithmic."""
    from bokeh.models import MultiLine, Scatter

    plot = plot_of(ACROSS, UP, x_scale="log", y_scale="log")
    plot.height = _HEIGHT
    roofs, dots, marks, tags = (
        source_of("roofs", _LINES),
        source_of("others", _DOTS),
        source_of("marks", _DOTS),
        source_of("tags", _TAGS),
    )
    line = MultiLine(xs="xs", ys="ys", line_color="colour", line_dash="dash", line_width="width")
    plot.add_glyph(roofs, line)
    dot = Scatter(marker="marker", size="size", line_color="colour", fill_color="colour", fill_alpha=0.35)
    drawn = [plot.add_glyph(source, dot.clone()) for source in (dots, marks)]
    plot.add_glyph(tags, _tag())
    return with_hover(plot, drawn)


def _fit() -> Plot:
    """Draw latency over batch size from nothing up, so that what a call costs is a height."""
    from bokeh.models import MultiLine, Scatter, Segment

    plot = plot_of("batch size", QUANTITY, x_scale="from 0", y_scale="from 0")
    plot.height = _HEIGHT
    lines, marks, tags = source_of("lines", _LINES), source_of("marks", _POINTS), source_of("tags", _TAGS)
    line = MultiLine(xs="xs", ys="ys", line_color="colour", line_dash="dash", line_width="width")
    plot.add_glyph(lines, line)
    plot.add_glyph(marks, Segment(x0="x", y0="low", x1="x", y1="high", line_color="colour", line_width=2))
    drawn = plot.add_glyph(marks, Scatter(marker="marker", size=10, line_color="colour", fill_color="colour"))
    plot.add_glyph(tags, _tag())
    return with_hover(plot, [drawn])


def _tag() -> Any:
    from bokeh.models import Text

    tag = Text(x="x", y="y", text="words", text_color="colour", text_align="align", x_offset="beside", y_offset="above")
    tag.text_baseline, tag.text_font_size = "middle", "11px"
    return tag
