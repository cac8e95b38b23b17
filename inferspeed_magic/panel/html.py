"""The panel as an HTML fragment: semantic tables that read well without any style, in light and in dark.

Untrusted notebooks and GitHub drop scripts, style sheets and some attributes, so nothing here depends on them: order
and words carry the meaning, inline styles only arrange, a picture stands where the script draws charts. Text keeps the
colour of its surroundings.
"""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from inferspeed_magic.panel.parts import Cell, Column, Failure, Group, Mark, Row, Sheet, Tabled
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
_NARROW = "display:inline-block;max-width:9em;white-space:normal"
_LEAD = "margin:.2em 0;font-size:1.05em;font-weight:600"
_SMALL = "margin:.2em 0;font-size:.88em;opacity:.8"
_PILL = "display:inline-block;border-radius:.8em;padding:0 .6em;margin-right:.3em;font-size:.85em;white-space:nowrap"
# Marks differ by their words; the border only helps to find them.
_PILLS = {
    "winner": f"{_PILL};border:2px solid currentColor;font-weight:700",
    "original": f"{_PILL};border:1px dotted currentColor;font-weight:400",
    "front": f"{_PILL};border:1px solid currentColor;font-weight:400",
    "baseline": f"{_PILL};border:1px dotted currentColor;font-weight:400",
    "fastest": f"{_PILL};border:1px solid currentColor;font-weight:600",
    "smallest": f"{_PILL};border:1px solid currentColor;font-weight:400",
    "warning": f"{_PILL};border:1px dashed currentColor;font-weight:400",
}

# The columns that name a candidate, and with it its row.
_NAMING = ("runtime", "candidate")


def profile_html(view: ProfileView, picture: str = "", script: str = "") -> str:
    """Draw the view; every string of it is escaped here.

    Args:
        view: what to say.
        picture: an ``<img>`` of the charts, for where no script runs.
        script: what makes it interactive.
    """
    parts = [
        *(lead(line) for line in (view.interrupted, *view.headline) if line),
        small(view.machine),
        candidates(view, ("latency",), view.title),
        picture,
        candidates(view, ("cost",), view.cost_title),
        left_behind("Not measured", view.failures),
        listing("Warnings", view.warnings),
        listing("Notes", view.notes),
        footnotes(view.footnotes),
        script,
    ]
    return framed(parts)


def framed(parts: Iterable[str]) -> str:
    """Put the parts that are not empty into the panel's element."""
    return (
        f'<div class="inferspeed-panel tex2jax_ignore mathjax_ignore" style="{_FRAME}">\n'
        + "\n".join(part for part in parts if part)
        + "\n</div>"
    )


def lead(sentence: str) -> str:
    """Draw a sentence of the headline."""
    return f'<p style="{_LEAD}">{unbroken(escape(sentence))}</p>'


def small(sentence: str) -> str:
    """Draw what is there for those who look for it."""
    return f'<p style="{_SMALL}">{escape(sentence)}</p>'


def footnotes(sentences: Sequence[str]) -> str:
    """Draw how to read the columns; the script finds and changes it."""
    if not sentences:
        return ""
    return f'<p class="inferspeed-footnotes" style="{_SMALL}">{escape(" ".join(sentences))}</p>'


def unbroken(sentence: str) -> str:
    """Keep an interval on one line: browsers break after its hyphen."""
    return re.sub(r"\([\d.,]+-[\d.,]+\)", r'<span style="white-space:nowrap">\g<0></span>', sentence)


def candidates(view: Tabled, groups: Sequence[Group], caption: str, *, stacked: bool = False) -> str:
    """Draw groups of columns behind the names.

    Args:
        view: what they hold.
        groups: as many as fit into a notebook side by side.
        caption: what the table shows.
        stacked: whether intervals stand below their numbers and names break, which makes room for more columns.
    """
    if not view.rows or all(column.group not in groups for column in view.columns):
        return ""
    places = [place for place, column in enumerate(view.columns) if column.group in ("name", *groups)]
    head = "".join(_header(view.columns[place]) for place in places)
    drawn = [_column(view.columns[place], [row.cells[place] for row in view.rows], stacked) for place in places]
    drawn = [
        _names(cells, view.rows, "latency" in groups, stacked) if view.columns[place].key in _NAMING else cells
        for place, cells in zip(places, drawn, strict=True)
    ]
    body = "\n".join(
        "<tr>"
        + "".join(_framed(view.columns[place], cell) for place, cell in zip(places, cells, strict=True))
        + "</tr>"
        for cells in zip(*drawn, strict=True)
    )
    kinds = f"inferspeed-rows inferspeed-{groups[0]}" + " inferspeed-stacked" * stacked
    return (
        f'<div style="{_SCROLL}"><table class="{kinds}" style="{_TABLE}">\n'
        f'<caption style="{_CAPTION}">{escape(caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _header(column: Column) -> str:
    style = _RIGHT if column.numeric else _LEFT
    return f'<th scope="col" style="{style};{_HEAD}">{escape(column.header)}</th>'


def _framed(column: Column, content: str) -> str:
    if column.key in _NAMING:
        return f'<th scope="row" style="{_LEFT}">{content}</th>'
    return f'<td style="{_RIGHT if column.numeric else _LEFT}">{content}</td>'


def _column(column: Column, cells: Sequence[Cell], stacked: bool = False) -> list[str]:  # noqa: FBT001, FBT002
    """Give the intervals of a column the same width, so that the numbers before them are aligned."""
    if stacked:
        return [_stacked(cell) for cell in cells]
    width = max(len(cell.detail) for cell in cells) if column.numeric else 0
    return [_cell(cell, width) for cell in cells]


def _cell(cell: Cell, detail_width: int) -> str:
    text = f"<strong>{escape(cell.text)}</strong>" if cell.best else escape(cell.text)
    if detail_width:
        # Brackets, points and commas are narrower than the digits that the unit ch stands for.
        style = f"display:inline-block;min-width:{detail_width * 0.85:.1f}ch;text-align:left;{_FAINT}"
        text += f' <small style="{style}">{escape(cell.detail) or "&nbsp;"}</small>'
    return text + (f'<br><small style="{_FAINT}">{escape(cell.remark)}</small>' if cell.remark else "")


def _stacked(cell: Cell) -> str:
    """Put the interval below its number, and the remark below that."""
    details = f'<br><small style="{_FAINT};white-space:nowrap">{escape(cell.detail)}</small>' if cell.detail else ""
    remark = f'<br><small style="{_FAINT};{_NARROW}">{escape(cell.remark)}</small>' if cell.remark else ""
    return _cell(replace(cell, detail="", remark=""), 0) + details + remark


def _names(cells: Sequence[str], rows: Sequence[Row], with_marks: bool, stacked: bool) -> list[str]:  # noqa: FBT001
    """Put the candidate's marker before its name, and its badges behind it."""
    wrapping = "" if stacked else ' style="white-space:nowrap"'
    if stacked:
        cells = [re.sub(r"[+](?=.)|(?=\[)", r"\g<0><wbr>", cell) for cell in cells]
    return [
        f'<span class="inferspeed-name"{wrapping}><span class="inferspeed-marker" aria-hidden="true" '
        f'style="color:{row.identity.either}">{row.identity.glyph}</span> {cell}</span>'
        + "".join(f" {_mark(mark)}" for mark in row.marks if with_marks)
        for cell, row in zip(cells, rows, strict=True)
    ]


def _mark(mark: Mark) -> str:
    title = f' title="{escape(mark.why)}"' if mark.why else ""
    return f'<small class="inferspeed-{mark.kind}" style="{_PILLS[mark.kind]}"{title}>{escape(mark.text)}</small>'


def left_behind(title: str, failures: Sequence[Failure]) -> str:
    """Fold what was not measured: the reasons are long, and seldom what one looks for first."""
    if not failures:
        return ""
    head = _heads("candidate", "status", "reason")
    body = "\n".join(
        f'<tr><th scope="row" style="{_LEFT}">{"<br>".join(map(escape, one.names))}</th>'
        f'<td style="{_LEFT};white-space:nowrap">{escape(one.status)}</td>'
        f'<td style="{_LEFT}">{escape(one.reason)}</td></tr>'
        for one in failures
    )
    count = sum(len(one.names) for one in failures)
    return folded(f"{title}: {count}", f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>")


def _heads(*headers: str) -> str:
    return "".join(f'<th scope="col" style="{_LEFT};{_HEAD}">{escape(header)}</th>' for header in headers)


def folded(title: str, table: str) -> str:
    """Put a table behind its title, to be opened; ``table`` is what stands between its tags."""
    return (
        f'<details style="{_SCROLL};margin:.4em 0"><summary style="cursor:pointer;font-weight:600">'
        f'{escape(title)}</summary><table style="{_TABLE}">\n{table}\n</table></details>'
    )


def sheet(given: Sheet, *, fold: bool = False) -> str:
    """Draw a small table, the first column of which names its rows; nothing where it has no rows."""
    if not given.rows:
        return ""
    drawn = [_column(column, [row[place] for row in given.rows]) for place, column in enumerate(given.columns)]
    bars = [_bar(*ends) for ends in given.bars] or [""] * len(given.rows)
    head = "".join(map(_header, given.columns)) + (_heads(given.bar_header) if given.bars else "")
    body = "\n".join(
        f'<tr><th scope="row" style="{_LEFT};font-weight:400">{first}</th>'
        + "".join(_framed(column, cell) for column, cell in zip(given.columns[1:], others, strict=True))
        + f"{bar}</tr>"
        for bar, (first, *others) in zip(bars, zip(*drawn, strict=True), strict=True)
    )
    table = f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>"
    if fold:
        return folded(given.title, table)
    caption = f'<caption style="{_CAPTION}">{escape(given.title)}</caption>'
    return f'<div style="{_SCROLL}"><table style="{_TABLE}">\n{caption}\n{table}\n</table></div>'


def _bar(begin: float, end: float) -> str:
    """Draw a bar in the colour of the words around it; what it shows is in the row's numbers too."""
    room = "display:block;width:8em;height:.8em;border-left:1px solid rgba(128,128,128,.6)"
    bar = f"display:block;height:100%;margin-left:{100 * begin:.1f}%;width:{max(1.0, 100 * (end - begin)):.1f}%"
    fill = "background:currentColor;opacity:.6"
    return f'<td style="{_LEFT}"><span aria-hidden="true" style="{room}"><span style="{bar};{fill}"></span></span></td>'


def listing(title: str, sentences: Sequence[str]) -> str:
    """Draw sentences under a heading; nothing where there are none."""
    if not sentences:
        return ""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return (
        f'<p style="margin:.4em 0 0;font-size:.93em"><strong>{title}</strong></p>'
        f'<ul style="margin:.1em 0 .4em;padding-left:1.4em;font-size:.93em">{items}</ul>'
    )
