"""The panel of ``optimize`` as an HTML fragment that reads well without any style or script, in light and in dark."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from inferspeed_magic.panel import html
from inferspeed_magic.panel.parts import Cell, Column, Sheet
from inferspeed_magic.panel.training_curve import training_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.panel.optimize_view import OptimizeView

_ALERT = "margin:.5em 0;padding:.3em .7em;border:1px dashed currentColor;border-left:5px solid currentColor"
_LIST = "margin:.1em 0 .6em;padding-left:1.4em"


def optimize_html(view: OptimizeView, picture: str = "", script: str = "") -> str:
    """Draw the view; every string of it is escaped here.

    Args:
        view: what to say.
        picture: an ``<img>`` of the chart, for where no script runs.
        script: what makes it interactive.
    """
    return html.framed(
        [
            *(html.lead(line) for line in (view.interrupted, *view.headline[:1]) if line),
            *(f'<p style="margin:.2em 0">{html.unbroken(escape(line))}</p>' for line in view.headline[1:]),
            *(f'<p style="{_ALERT}"><strong>Warning:</strong> {escape(alert)}</p>' for alert in view.alerts),
            html.small(view.aim),
            html.small(view.machine),
            picture,
            html.sheet(view.path),
            html.candidates(view, ("latency", "cost", "outcome"), view.title, stacked=True),
            html.sheet(view.training),
            _curves(view),
            html.left_behind("Not measured", view.failures),
            html.sheet(_left_out(view), fold=True),
            html.sheet(view.predictions, fold=True),
            html.sheet(view.layers, fold=True),
            _guide(view.guide),
            html.listing("Warnings", view.warnings),
            html.listing("Notes", view.notes),
            html.footnotes(view.footnotes),
            script,
        ]
    )


def _left_out(view: OptimizeView) -> Sheet:
    columns = (Column("what", "candidates", "name", numeric=False), Column("reason", "reason", "name", numeric=False))
    rows = tuple((Cell(", ".join(each.names)), Cell(each.reason)) for each in view.left_out)
    return Sheet(f"Not tried: {len(rows)}", columns, rows)


def _curves(view: OptimizeView) -> str:
    """Draw how each training went, side by side as far as there is room."""
    if not view.courses:
        return ""
    figures = "".join(
        f'<div style="max-width:20em"><strong>{escape(each.title)}</strong>{training_figure(each.epochs)}'
        f"{html.small(each.words)}</div>"
        for each in view.courses
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:.4em 2em;margin:.2em 0 .8em;font-size:.93em">{figures}</div>'


def _guide(sentences: Sequence[str]) -> str:
    """Make the situations stand out, which are what one looks for."""
    if not sentences:
        return ""
    items = []
    for sentence in sentences:
        situation, colon, advice = sentence.partition(": ")
        items.append(f"<li><strong>{escape(situation)}{colon}</strong>{html.unbroken(escape(advice))}</li>")
    return f'<p style="margin:.8em 0 0"><strong>Which one to use</strong></p><ul style="{_LIST}">{"".join(items)}</ul>'
