"""Bars in tables as HTML: styles inline, because sanitizers drop style sheets; the numbers stand beside them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from inferspeed_magic.panel.explain_parts import LOOKS, PARTS, UNSPLIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.panel.explain_parts import Segment

_ROOM = "position:relative;display:flex;height:.85em;border-left:1px solid rgba(128,128,128,.6)"
_SWATCH = "display:inline-block;width:.8em;height:.8em;margin-right:.3em"
# What has no colour of its own takes that of the words around it.
_OWN = "background:currentColor;opacity:.55"
_HATCHED = "background:repeating-linear-gradient(-45deg,currentColor 0 1px,transparent 1px 4px);opacity:.8"


def stacked(segments: Sequence[Segment], width: str = "12em", span: tuple[float, float] | None = None) -> str:
    """Draw the pieces of a bar; spaces between them are left empty.

    Args:
        segments: from left to right.
        width: of the room for the bar.
        span: where the 95% interval of its end lies, as shares of the room.
    """
    drawn, reached = [], 0.0
    for segment in segments:
        length = max(0.0, segment.end - segment.begin)
        gap = max(0.0, segment.begin - reached)
        margin = f"margin-left:{100 * gap:.2f}%;" if gap else ""
        # However short, it is there.
        drawn.append(f'<span style="{margin}width:{100 * length:.2f}%;min-width:1px;{_fill(segment.part)}"></span>')
        reached = segment.end
    drawn += [_whisker(*span)] if span else []
    return f'<span aria-hidden="true" class="inferspeed-stack" style="{_ROOM};width:{width}">{"".join(drawn)}</span>'


def share_bar(share: float, width: str = "4em") -> str:
    """Draw a share as a small bar."""
    end = min(1.0, max(0.0, share))
    return (
        f'<span aria-hidden="true" style="display:inline-block;width:{width};height:.7em;margin-right:.4em">'
        f'<span style="display:block;height:100%;width:{100 * end:.1f}%;{_OWN}"></span></span>'
    )


def legend(parts: Sequence[str]) -> str:
    """Name the colours of the parts."""
    items = "".join(
        f'<span style="white-space:nowrap;margin-right:1em"><span aria-hidden="true" style="{_SWATCH};{_fill(part)}">'
        f"</span>{escape(part)}</span> "
        for part in parts
    )
    return f'<p style="margin:.2em 0;font-size:.88em">{items}</p>'


def parts_in(rows: Sequence[Sequence[Segment]]) -> list[str]:
    """Name the parts that bars are made of, in their order."""
    there = dict.fromkeys(segment.part for row in rows for segment in row)
    known = [part for part in PARTS if part in there]
    return [*known, *(part for part in there if part not in PARTS and part != "whole")]


def _fill(part: str) -> str:
    if part in LOOKS:
        return f"background:{LOOKS[part].either}"
    return _HATCHED if part == UNSPLIT else _OWN


def _whisker(low: float, high: float) -> str:
    """Draw an interval over a bar: a line with an edge around it, so that it is seen on the bar and beside it."""
    begin, end = min(1.0, max(0.0, low)), min(1.0, max(0.0, high))
    place = f"position:absolute;left:{100 * begin:.2f}%;width:{100 * (end - begin):.2f}%"
    edge = "border:solid currentColor;border-width:0 2px"
    line = "linear-gradient(transparent 40%,currentColor 40% 60%,transparent 60%)"
    style = f"{place};top:-.15em;bottom:-.15em;box-sizing:border-box;min-width:4px;{edge};background:{line}"
    return f'<span style="{style}"></span>'
