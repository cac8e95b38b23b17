"""The panel as an HTML fragment: semantic tables that read well without any style, in light and in dark.

Untrusted notebooks and GitHub drop scripts, style sheets and some attributes, so nothing here depends on them: order
and words carry the meaning, inline styles only arrange, a picture stands where the script draws charts. Text keeps the
colour of its surroundings.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.panel.parts import Cell, Column, Failure, Group, Mark, Row
    from inferspeed_magic.panel.view import ProfileView

_LINE = "1px solid rgba(128,128,128,.4)"
_FRAME = "line-height:1.4;overflow-wrap:break-word"
_SCROLL = "max-width:100%;overflow-x:auto"
_TABLE = "border-collapse:collapse;width:auto;margin:.6em 0;font-size:.93em"
_CAPTION = "caption-side:top;text-align:left;padding:.2em 0;font-weight:600"
_PAD = "padding:.3em .5em;vertical-align:baseline"
_LEFT = f"text-align:left;{_PAD};border-bottom:{_LINE}"
_RIGHT = f"text-align:right;{_PAD};border-bottom:{_LINE};white-space:nowrap;font-variant-numeric:tabular-nums"
_HEAD = "font-weight:600;white-space:nowrap;vertical-align:bottom;border-bottom:2px solid rgba(128,128,128,.6)"
_FAINT = "opacity:.75"
_LEAD = "margin:.2em 0;font-size:1.05em;font-weight:600"
_SMALL = "margin:.2em 0;font-size:.88em;opacity:.8"
_PILL = "display:inline-block;border-radius:.8em;padding:0 .6em;margin-right:.3em;font-size:.85em;white-space:nowrap"
# Marks differ by their words; the border only helps to find them.
_PILLS = {
    "baseline": f"{_PILL};border:1px dotted currentColor;font-weight:400",
    "fastest": f"{_PILL};border:1px solid currentColor;font-weight:600",
    "smallest": f"{_PILL};border:1px solid currentColor;font-weight:400",
    "warning": f"{_PILL};border:1px dashed currentColor;font-weight:400",
}


def profile_html(view: ProfileView, picture: str = "", script: str = "") -> str:
    """Draw the view; every string of it is escaped here.

    Args:
        view: what to say.
        picture: an ``<img>`` of the charts, for where no script runs.
        script: what makes it interactive.
    """
    parts = [
        *(f'<p style="{_LEAD}">{_unbroken(escape(line))}</p>' for line in (view.interrupted, *view.headline) if line),
        f'<p style="{_SMALL}">{escape(view.machine)}</p>',
        _table(view, "latency", view.title),
        picture,
        _table(view, "cost", view.cost_title),
        _failures(view.failures),
        _list("Warnings", view.warnings),
        _list("Notes", view.notes),
        f'<p class="inferspeed-footnotes" style="{_SMALL}">{escape(" ".join(view.footnotes))}</p>'
        if view.footnotes
        else "",
        script,
    ]
    return (
        f'<div class="inferspeed-panel tex2jax_ignore mathjax_ignore" style="{_FRAME}">\n'
        + "\n".join(part for part in parts if part)
        + "\n</div>"
    )


def _unbroken(sentence: str) -> str:
    """Keep an interval on one line: browsers break after its hyphen."""
    return re.sub(r"\([\d.,]+-[\d.,]+\)", r'<span style="white-space:nowrap">\g<0></span>', sentence)


def _table(view: ProfileView, group: Group, caption: str) -> str:
    """Draw one group of columns; all of them side by side would not fit into a notebook."""
    if not view.rows or all(column.group != group for column in view.columns):
        return ""
    places = [place for place, column in enumerate(view.columns) if column.group in ("name", group)]
    head = "".join(_header(view.columns[place]) for place in places)
    drawn = [_column(view.columns[place], [row.cells[place] for row in view.rows]) for place in places]
    drawn = [
        _names(cells, view.rows, with_marks=group == "latency") if view.columns[place].key == "runtime" else cells
        for place, cells in zip(places, drawn, strict=True)
    ]
    body = "\n".join(
        "<tr>"
        + "".join(_framed(view.columns[place], cell) for place, cell in zip(places, cells, strict=True))
        + "</tr>"
        for cells in zip(*drawn, strict=True)
    )
    return (
        f'<div style="{_SCROLL}"><table class="inferspeed-rows inferspeed-{group}" style="{_TABLE}">\n'
        f'<caption style="{_CAPTION}">{escape(caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _header(column: Column) -> str:
    style = _RIGHT if column.numeric else _LEFT
    return f'<th scope="col" style="{style};{_HEAD}">{escape(column.header)}</th>'


def _framed(column: Column, content: str) -> str:
    if column.key == "runtime":
        return f'<th scope="row" style="{_LEFT}">{content}</th>'
    return f'<td style="{_RIGHT if column.numeric else _LEFT}">{content}</td>'


def _column(column: Column, cells: Sequence[Cell]) -> list[str]:
    """Give the intervals of a column the same width, so that the numbers before them are aligned."""
    width = max(len(cell.detail) for cell in cells) if column.numeric else 0
    return [_cell(cell, width) for cell in cells]


def _cell(cell: Cell, detail_width: int) -> str:
    text = f"<strong>{escape(cell.text)}</strong>" if cell.best else escape(cell.text)
    if detail_width:
        # Brackets, points and commas are narrower than the digits that the unit ch stands for.
        style = f"display:inline-block;min-width:{detail_width * 0.85:.1f}ch;text-align:left;{_FAINT}"
        text += f' <small style="{style}">{escape(cell.detail) or "&nbsp;"}</small>'
    return text + (f'<br><small style="{_FAINT}">{escape(cell.remark)}</small>' if cell.remark else "")


def _names(cells: Sequence[str], rows: Sequence[Row], *, with_marks: bool) -> list[str]:
    """Put the candidate's marker before its name, and its badges behind it."""
    return [
        f'<span class="inferspeed-name" style="white-space:nowrap"><span class="inferspeed-marker" aria-hidden="true" '
        f'style="color:{row.identity.either}">{row.identity.glyph}</span> {cell}</span>'
        + "".join(f" {_mark(mark)}" for mark in row.marks if with_marks)
        for cell, row in zip(cells, rows, strict=True)
    ]


def _mark(mark: Mark) -> str:
    title = f' title="{escape(mark.why)}"' if mark.why else ""
    return f'<small class="inferspeed-{mark.kind}" style="{_PILLS[mark.kind]}"{title}>{escape(mark.text)}</small>'


def _failures(failures: Sequence[Failure]) -> str:
    """Fold what was not measured: the reasons are long, and seldom what one looks for first."""
    if not failures:
        return ""
    head = "".join(
        f'<th scope="col" style="{_LEFT};{_HEAD}">{header}</th>' for header in ("candidate", "status", "reason")
    )
    body = "\n".join(
        f'<tr><th scope="row" style="{_LEFT}">{"<br>".join(map(escape, one.names))}</th>'
        f'<td style="{_LEFT};white-space:nowrap">{escape(one.status)}</td>'
        f'<td style="{_LEFT}">{escape(one.reason)}</td></tr>'
        for one in failures
    )
    count = sum(len(one.names) for one in failures)
    return (
        f'<details style="{_SCROLL};margin:.4em 0"><summary style="cursor:pointer;font-weight:600">'
        f'Not measured: {count}</summary><table style="{_TABLE}">\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></details>"
    )


def _list(title: str, sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return (
        f'<p style="margin:.4em 0 0;font-size:.93em"><strong>{title}</strong></p>'
        f'<ul style="margin:.1em 0 .4em;padding-left:1.4em;font-size:.93em">{items}</ul>'
    )
