"""The whole panel of ``optimize`` as one HTML output: words, tables, a picture, and the script that takes its place."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING, Any

from inferspeed_magic.panel.interactive import carried, cell_data, finite, interval_data, who
from inferspeed_magic.panel.optimize_html import optimize_html
from inferspeed_magic.panel.optimize_picture import optimize_picture_words
from inferspeed_magic.panel.pareto import COSTS
from inferspeed_magic.panel.pareto_figure import optimize_figures
from inferspeed_magic.panel.parts import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.panel.optimize_charts import OptimizeCharts
    from inferspeed_magic.panel.optimize_view import OptimizeView
    from inferspeed_magic.panel.pareto import Point
    from inferspeed_magic.panel.parts import Row

# What hovering over a point tells beside its latency.
_TOLD = ("speedup", "accuracy", "accuracy_drop", "artifact_mb", "peak_memory_mb", "rejected")

# What the script reads of every row, and only the charts of `profile` draw.
_UNDRAWN: dict[str, Any] = {"rate": None, "startUp": None, "memory": None, "artifact": None, "trace": {"latency": []}}


def optimize_panel(view: OptimizeView, charts: OptimizeCharts, picture: bytes) -> str:
    """Draw the panel of ``optimize``.

    Args:
        view: what it says.
        charts: what its chart draws.
        picture: PNG of the chart; nothing where there is nothing to draw.
    """
    if not view.rows:
        return optimize_html(view)
    image = (
        f'<img class="inferspeed-picture" style="max-width:100%" alt="{escape(optimize_picture_words(view, charts))}" '
        f'src="data:image/png;base64,{base64.b64encode(picture).decode("ascii")}">'
    )
    script = carried(optimize_data(view, charts), optimize_figures(), "pareto.js", "panel.js")
    return optimize_html(view, image if picture else "", script)


def optimize_data(view: OptimizeView, charts: OptimizeCharts) -> dict[str, Any]:
    """Collect what the script draws from; numbers that are none become null."""
    return {
        "run": charts.run,
        "unit": {"name": charts.unit.name, "perMs": charts.unit.per_ms},
        "columns": {"latency": [column.key for column in view.columns], "cost": []},
        "rows": [_row(row, point, view) for row, point in zip(view.rows, charts.points, strict=True)],
        "speedups": [[interval_data(one) for one in line] for line in charts.speedups],
        "baseline": one_line(charts.original) if charts.original is not None else None,
        "fronts": {cost: [one_line(name) for name in names] for cost, names in charts.fronts.items()},
        "scoreTitle": charts.score_title,
        "higherIsBetter": charts.higher_is_better,
        "allowed": finite(charts.allowed),
    }


def _row(row: Row, point: Point, view: OptimizeView) -> dict[str, Any]:
    return {
        **who(row),
        "cells": {column.key: cell_data(cell) for column, cell in zip(view.columns, row.cells, strict=True)},
        "p50": interval_data(point.latency),
        "costs": {cost: interval_data(point.cost(cost)) for cost in COSTS},
        "score": interval_data(point.score),
        "atEdge": point.at_edge,
        "standing": point.standing,
        "told": "; ".join(_told(row, [column.key for column in view.columns], view)),
        **_UNDRAWN,
    }


def _told(row: Row, keys: Sequence[str], view: OptimizeView) -> list[str]:
    """Say a candidate's numbers in words, as its row does."""
    cells = dict(zip(keys, zip(row.cells, view.columns, strict=True), strict=True))
    said = []
    for key in ("p50_ms", *_TOLD):
        if key in cells and cells[key][0].text not in ("", "-"):
            cell, column = cells[key]
            label = "" if key == "rejected" else f"{column.header} "
            said.append(f"{label}{' '.join(part for part in (cell.text, cell.detail, cell.remark) if part)}")
    return said
