"""The panel of ``explain`` as an HTML fragment that reads well without any style or script, in light and in dark."""

from __future__ import annotations

import math
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from inferspeed_magic.panel import html
from inferspeed_magic.panel.explain_bars import legend, parts_in, share_bar, stacked
from inferspeed_magic.panel.explain_cards import drawn_card

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.panel.explain_parts import BarSheet, LayerRow, LayerTable, Structure, StructureRow
    from inferspeed_magic.panel.explain_view import ExplainView
    from inferspeed_magic.panel.identity import Identity
    from inferspeed_magic.panel.parts import Cell, Column

_SCROLL = "max-width:100%;overflow-x:auto"
_TABLE = "border-collapse:collapse;width:auto;margin:.4em 0;font-size:.93em"
_CAPTION = "caption-side:top;text-align:left;padding:.2em 0;font-weight:600"
_EDGE = "border-bottom:1px solid rgba(128,128,128,.4)"
_TITLE = "margin:.9em 0 .2em;font-weight:600"
_SUMMARY = "cursor:pointer;font-weight:600"
_FAINT = "opacity:.75"
# Hundreds of rows: their cells carry no more than what cannot be done without.
_LEFT, _RIGHT = "text-align:left;padding:.2em .4em", "text-align:right;padding:.2em .4em;white-space:nowrap"
_STEP = "text-align:left;padding:0 .4em"
_MOST_CARDS = 6
# Letters from which on the names of models have to break.
_LONG = 24
# How long the longest bar of a structure is.
_HEAT_EM = 7


def explain_html(view: ExplainView, picture: str = "", script: str = "") -> str:
    """Draw the view; every string of it is escaped here.

    Args:
        view: what to say.
        picture: an ``<img>`` of the charts, for where no script runs.
        script: what makes it interactive.
    """
    return html.framed(
        [
            *(html.lead(line) for line in (view.interrupted, *view.headline) if line),
            html.small(f"{view.title}. {view.machine}"),
            _cards(view),
            html.candidates(view, ("latency",), "The models", stacked=any(len(row.name) > _LONG for row in view.rows)),
            *(() if view.rows else (html.listing("The models", view.counted),)),
            picture,
            _beside(bar_table(view.paths), *(bar_table(each, with_legend=False) for each in view.waterfalls)),
            _layers(view),
            _structures(view),
            _beside(html.sheet(view.counterfactuals), html.sheet(view.fits)),
            html.sheet(view.operators, fold=True),
            html.sheet(view.overheads, fold=True),
            _ceilings(view),
            html.left_behind("Not measured", view.failures),
            html.listing("Warnings", view.warnings),
            html.listing("Notes", view.notes),
            html.footnotes(view.footnotes),
            script,
        ]
    )


def _beside(*parts: str) -> str:
    """Put parts side by side where there is room, below each other where there is none."""
    drawn = "".join(f'<div style="max-width:100%">{part}</div>' for part in parts if part)
    return f'<div style="display:flex;flex-wrap:wrap;gap:0 3em;align-items:flex-start">{drawn}</div>' if drawn else ""


def _ceilings(view: ExplainView) -> str:
    if not view.ceilings.rows:
        return ""
    return (
        f'<details style="margin:.4em 0"><summary style="{_SUMMARY}">{escape(view.ceilings.title)}</summary>'
        f"{html.sheet(replace(view.ceilings, title='Measured on this machine'))}"
        f"{html.listing('How they were measured', view.origins)}</details>"
    )


def _cards(view: ExplainView) -> str:
    """Draw the findings; those behind the first few are there for those who look for them."""
    if not view.cards:
        return ""
    drawn = [drawn_card(card) for card in view.cards]
    shown, others = "".join(drawn[:_MOST_CARDS]), drawn[_MOST_CARDS:]
    if others:
        shown += (
            f'<details><summary style="{_SUMMARY}">{len(others)} more finding{"s" * (len(others) != 1)}</summary>'
            f"{''.join(others)}</details>"
        )
    return f'<p style="{_TITLE}">What was found</p>{shown}'


def bar_table(given: BarSheet, *, with_legend: bool = True) -> str:
    """Draw a table with a bar in each row; nothing where it has no rows."""
    sheet = given.sheet
    if not sheet.rows:
        return ""
    head = (
        "".join(_head(column) for column in sheet.columns) + f'<th scope="col" style="{_LEFT}">{given.bar_header}</th>'
    )
    body = "\n".join(
        "<tr>"
        + "".join(
            _cell(cell, column, first=not place, edge=True)
            for place, (cell, column) in enumerate(zip(cells, sheet.columns, strict=True))
        )
        + f'<td style="{_LEFT};{_EDGE}">{stacked(bar, span=span)}</td></tr>'
        for cells, bar, span in zip(sheet.rows, given.bars, given.spans or [None] * len(given.bars), strict=True)
    )
    table = (
        f'<table style="{_TABLE}"><caption style="{_CAPTION}">{escape(sheet.title)}</caption>'
        f"<thead><tr>{''.join(head)}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
    )
    return f'<div style="{_SCROLL}">{table}</div>' + (legend(parts_in(given.bars)) if with_legend else "")


def _layers(view: ExplainView) -> str:
    """Draw the longest, and all of them behind their title: the script opens it and takes the place of the first."""
    if not view.layers.rows:
        return ""
    table = view.layers
    drawn = (
        f'<details class="inferspeed-layers" style="margin:.6em 0"><summary style="{_SUMMARY}">{escape(table.title)}'
        f"</summary>{_layer_table(table, table.rows)}</details>"
    )
    if table.rest:
        drawn += (
            f'<details class="inferspeed-rest" style="margin:.6em 0"><summary style="{_SUMMARY}">'
            f"{len(table.rest)} more layers, which take least</summary>{_layer_table(table, table.rest)}</details>"
        )
    longest = html.sheet(view.longest)
    return (f'<div class="inferspeed-longest">{longest}</div>' if longest else "") + drawn


def _layer_table(table: LayerTable, rows: Sequence[LayerRow]) -> str:
    head = "".join(_head(column) for column in table.columns)
    largest = max((row.share for row in rows if math.isfinite(row.share)), default=0.0)
    body = "\n".join(f"<tr>{_layer_cells(table, row, largest)}</tr>" for row in rows)
    return (
        f'<div class="inferspeed-scroll" style="{_SCROLL}"><table class="inferspeed-layer-rows" style="{_TABLE}">'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _layer_cells(table: LayerTable, row: LayerRow, largest: float) -> str:
    drawn = []
    for place, (cell, column) in enumerate(zip(row.cells, table.columns, strict=True)):
        before = ""
        if column.key == "share":
            before = share_bar(row.share / largest if largest > 0 and math.isfinite(row.share) else 0.0)
        elif column.key == "model":
            look = row.identity
            before = (
                f'<span aria-hidden="true" class="inferspeed-marker" style="color:{look.either}">{look.glyph}</span> '
            )
        drawn.append(_cell(cell, column, first=not place, before=before, stack=True))
    return "".join(drawn)


def _structures(view: ExplainView) -> str:
    """Draw every model beside the others, as wide as there is room."""
    drawn = "".join(f'<div style="flex:1 1 34em;min-width:0">{_structure(each)}</div>' for each in view.structures)
    return f'<div style="display:flex;flex-wrap:wrap;gap:0 3em">{drawn}</div>' if drawn else ""


def _structure(structure: Structure) -> str:
    """Draw the rows as a table; the script draws branches in its place."""
    rows = "\n".join(map(_step, structure.short))
    heads = "".join(f'<th scope="col" style="{_STEP}">{words}</th>' for words in ("share", "layer", "of its model"))
    return (
        f'<details class="inferspeed-structure" style="margin:.6em 0"><summary style="{_SUMMARY}">'
        f'{escape(structure.title)}</summary><div class="inferspeed-scroll" style="{_SCROLL}"><table style="{_TABLE}">'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div></details>"
    )


def _step(row: StructureRow) -> str:
    words = "; ".join(each for each in (row.takes, row.told) if each)
    below = f"<br><small>{escape(words)}</small>" if words else ""
    return (
        f'<tr><td style="{_STEP}">{_heat(row.heat)}</td><th scope="row" style="{_STEP};font-weight:400">'
        f'{escape(row.words)}{below}</th><td style="{_STEP};white-space:nowrap">{escape(row.text)}</td></tr>'
    )


def _marker(look: Identity) -> str:
    """Keep a space that does not break behind it."""
    return f'<span aria-hidden="true" class="inferspeed-marker" style="color:{look.either}">{look.glyph}</span>&nbsp;'


def _heat(heat: float) -> str:
    """Draw a bar that is longer and stronger the more time a layer takes."""
    end = min(1.0, max(0.0, heat))
    fill = f"background:rgba(204,95,26,{0.35 + 0.65 * end:.2f})"
    style = f"display:block;width:{_HEAT_EM * end:.2f}em;height:.9em;{fill}"
    return f'<span aria-hidden="true" style="{style}"></span>' if end else ""


def _head(column: Column) -> str:
    return f'<th scope="col" style="{_RIGHT if column.numeric else _LEFT}">{escape(column.header)}</th>'


def _cell(
    cell: Cell, column: Column, *, first: bool = False, before: str = "", stack: bool = False, edge: bool = False
) -> str:
    style = _RIGHT if column.numeric else _LEFT
    style += f";{_EDGE}" if edge else ""
    words = f"{before}{escape(cell.text)}"
    gap = "<br>" if stack else " "
    words += f'{gap}<small style="{_FAINT}">{escape(cell.detail)}</small>' if cell.detail else ""
    words += f'<br><small style="{_FAINT}">{escape(cell.remark)}</small>' if cell.remark else ""
    if first:
        return f'<th scope="row" style="{style};font-weight:400">{words}</th>'
    return f'<td style="{style}">{words}</td>'
