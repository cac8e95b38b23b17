"""Findings as HTML cards: sentence, numbers, what to do, and the gain that was expected beside the one measured."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from inferspeed_magic.panel.html import unbroken

if TYPE_CHECKING:
    from inferspeed_magic.panel.explain_parts import Card
    from inferspeed_magic.panel.parts import Cell

_EDGE = "1px solid rgba(128,128,128,.4)"
_CARD = f"display:flex;flex-wrap:wrap;gap:.2em 2em;margin:.5em 0;padding:.4em .8em;border:{_EDGE};border-radius:4px"
_LINE = "margin:.2em 0"
_SMALL = f"{_LINE};font-size:.88em"
_PILL = f"display:inline-block;border:{_EDGE};border-radius:.8em;padding:0 .6em;margin:0 .4em .2em 0"
_TABLE = "border-collapse:collapse;width:auto;margin:.3em 0;font-size:.88em"
_LEFT, _RIGHT = "text-align:left;padding:.1em .6em .1em 0", "text-align:right;padding:.1em .6em .1em 0"
_FAINT = "opacity:.75"
_BESIDE = "flex:0 1 auto;min-width:0;max-width:100%;overflow-x:auto"


def drawn_card(card: Card) -> str:
    """Draw a finding; words to the left of its evidence where there is room for both."""
    words = "".join(part for part in (_sentence(card), _facts(card), _advice(card), _gains(card)) if part)
    evidence = _evidence(card)
    drawn = f'<div style="flex:1 1 26em;min-width:0">{words}</div>'
    drawn += f'<div class="inferspeed-scroll" style="{_BESIDE}">{evidence}</div>' if evidence else ""
    return f'<div class="inferspeed-finding" style="{_CARD}">{drawn}</div>'


def _sentence(card: Card) -> str:
    return f'<p style="{_LINE}"><strong>{card.number}. {unbroken(escape(card.sentence))}</strong></p>'


def _facts(card: Card) -> str:
    look = card.identity
    marker = f'<span aria-hidden="true" class="inferspeed-marker" style="color:{look.either}">{look.glyph}</span> '
    pills = [
        f"{marker}{escape(card.subject)}" if card.subject else "",
        escape(card.cause),
        f"confidence: {escape(card.confidence)}",
        f"accounts for {escape(card.explains)}" if card.explains else "",
    ]
    drawn = "".join(f'<span style="{_PILL}">{pill}</span>' for pill in pills if pill)
    return f'<p style="{_SMALL}">{drawn}</p>'


def _advice(card: Card) -> str:
    return f'<p style="{_LINE}"><strong>What to do:</strong> {escape(card.advice)}</p>' if card.advice else ""


def _gains(card: Card) -> str:
    """Put the gain that was measured beside the one that was expected, or how to measure it."""
    if not (card.expected or card.measured or card.verify):
        return ""
    measured = escape(card.measured)
    if not measured:
        measured = f"not yet: run <code>{escape(card.verify)}</code>" if card.verify else ""
    cells = [("expected gain", unbroken(escape(card.expected)) or "not known")]
    cells += [("measured gain", unbroken(measured))] if measured else []
    shown = "".join(
        f'<span style="display:inline-block;margin-right:2em"><span style="{_FAINT}">{name}</span> '
        f"<strong>{value}</strong></span>"
        for name, value in cells
    )
    return f'<p style="{_LINE}">{shown}</p>'


def _evidence(card: Card) -> str:
    sheet = card.evidence
    if not sheet.rows:
        return ""
    head = "".join(
        f'<th scope="col" style="{_RIGHT if column.numeric else _LEFT};{_FAINT};font-weight:400">'
        f"{escape(column.header)}</th>"
        for column in sheet.columns
    )
    body = "".join(
        f'<tr><th scope="row" style="{_LEFT};font-weight:400">{escape(first.text)}</th>'
        + "".join(_cell(cell, numeric=column.numeric) for cell, column in zip(others, sheet.columns[1:], strict=True))
        + "</tr>"
        for first, *others in sheet.rows
    )
    return f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(cell: Cell, *, numeric: bool) -> str:
    detail = f' <small style="{_FAINT}">{escape(cell.detail)}</small>' if cell.detail else ""
    style = f"{_RIGHT};white-space:nowrap" if numeric else f"{_LEFT};{_FAINT}"
    return f'<td style="{style}">{escape(cell.text)}{detail}</td>'
