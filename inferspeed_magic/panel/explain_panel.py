"""The whole panel of ``explain`` as one HTML output: words, tables, a picture, and the script that takes its place."""

from __future__ import annotations

import base64
import math
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any

from inferspeed_magic.panel.explain_figures import explain_figures
from inferspeed_magic.panel.explain_html import explain_html
from inferspeed_magic.panel.explain_picture import explain_picture_words
from inferspeed_magic.panel.interactive import carried, cell_data, finite, interval_data, who
from inferspeed_magic.panel.parts import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.panel.explain_charts import ExplainCharts, FitLine, LayerDot, Roof
    from inferspeed_magic.panel.explain_parts import LayerRow, Structure
    from inferspeed_magic.panel.explain_view import ExplainView
    from inferspeed_magic.panel.parts import Row

# What the script reads of every row, and only the charts of `profile` draw.
_UNDRAWN: dict[str, Any] = {
    "p50": [None, None, None],
    "rate": None,
    "startUp": None,
    "memory": None,
    "artifact": None,
    "trace": {"latency": []},
}
# How the keys of columns of times begin.
_TIMES = "time_us"
# As many as say something by their size: the smallest point, and what the largest share adds to it.
_SMALLEST, _LARGEST = 6.0, 30.0


def explain_panel(view: ExplainView, charts: ExplainCharts, picture: bytes) -> str:
    """Draw the panel of ``explain``.

    Args:
        view: what it says.
        charts: what its charts draw.
        picture: PNG of the charts; nothing where there is nothing to draw.
    """
    if not view.rows:
        return explain_html(view)
    image = (
        f'<img class="inferspeed-picture" style="max-width:100%" alt="{escape(explain_picture_words(view, charts))}" '
        f'src="data:image/png;base64,{base64.b64encode(picture).decode("ascii")}">'
    )
    script = carried(
        explain_data(view, charts),
        explain_figures(),
        "explain.js",
        "explain_labels.js",
        "explain_structure.js",
        "panel.js",
    )
    return explain_html(view, image if picture else "", script)


def explain_data(view: ExplainView, charts: ExplainCharts) -> dict[str, Any]:
    """Collect what the script draws from; numbers that are none become null."""
    table = view.layers
    return {
        "run": charts.run,
        "unit": {"name": charts.unit.name, "perMs": charts.unit.per_ms},
        "columns": {"latency": [column.key for column in view.columns], "cost": []},
        "rows": [_row(row, view) for row in view.rows],
        "speedups": [],
        "baseline": None,
        "kind": charts.kind,
        "dots": [_dot(dot) for dot in charts.dots],
        "undrawn": charts.undrawn,
        "roofs": [_roof(roof) for roof in charts.roofs],
        "fits": [
            {"way": one_line(runtime), "lines": [_line(line) for line in lines]}
            for runtime, lines in charts.fits.items()
        ],
        # The table comes in this order.
        "sortedBy": _order(view),
        # Whatever a runtime is called, its column has a name that a class can have.
        "layerKeys": [_TIMES if column.key.startswith(_TIMES) else column.key for column in table.columns],
        "layers": [_sorted_by(rows) for rows in (table.rows, table.rest) if rows],
        "structures": [_structure(each) for each in view.structures],
        "css": (resources.files("inferspeed_magic.panel") / "browser" / "explain.css").read_text(encoding="utf-8"),
    }


def _row(row: Row, view: ExplainView) -> dict[str, Any]:
    cells = {column.key: cell_data(cell) for column, cell in zip(view.columns, row.cells, strict=True)}
    return {**who(row), "cells": cells, **_UNDRAWN}


def _dot(dot: LayerDot) -> dict[str, Any]:
    # The area of a point grows with its share of the time.
    size = _SMALLEST + (_LARGEST - _SMALLEST) * math.sqrt(min(1.0, max(0.0, dot.share)))
    return {
        "model": one_line(dot.model),
        "name": dot.layer,
        "x": finite(dot.x),
        "y": finite(dot.y),
        "size": round(size, 2),
        "told": dot.told,
    }


def _roof(roof: Roof) -> dict[str, Any]:
    return {
        "tag": roof.tag,
        "words": roof.words,
        "xs": [finite(x) for x, _ in roof.places],
        "ys": [finite(y) for _, y in roof.places],
        "main": roof.main,
    }


def _line(line: FitLine) -> dict[str, Any]:
    return {
        "model": one_line(line.model),
        "points": [[size, interval_data(latency)] for size, latency in line.points],
        "xs": [x for x, _ in line.line],
        "ys": [y for _, y in line.line],
        "fixed": finite(line.fixed_ms),
        "told": line.told,
    }


def _sorted_by(rows: Sequence[LayerRow]) -> list[list[Any]]:
    """Give what the table of layers is sorted by: numbers where cells have them, else words; null for what is none."""
    return [
        [
            finite(cell.number) if cell.number is not None else (None if cell.text == "-" else cell.text)
            for cell in row.cells
        ]
        for row in rows
    ]


def _structure(structure: Structure) -> dict[str, Any]:
    return {
        "title": structure.title,
        "lanes": structure.lanes,
        "rows": [
            [row.words, row.text, round(row.heat, 4), row.told, row.takes, row.lane, list(row.feeds)]
            for row in structure.rows
        ],
    }


def _order(view: ExplainView) -> int | None:
    """Give the column that the table of layers is sorted by: the first time, else operations."""
    begin = _TIMES if view.layers.by_time else "flops"
    return next((place for place, column in enumerate(view.layers.columns) if column.key.startswith(begin)), None)
