"""What makes the panel interactive: script, style, BokehJS, figures and data, in one comment of the HTML.

In a comment nobody shows it: where scripts are dropped or shown as text, one short script is all there is to drop.
BokehJS travels with every output, because front ends give outputs a frame of their own and may show them offline.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inferspeed_magic.panel.figures import figures
from inferspeed_magic.panel.parts import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.panel.charts import Drawn, ProfileCharts, StartUp
    from inferspeed_magic.panel.parts import Cell, Row
    from inferspeed_magic.panel.view import ProfileView
    from inferspeed_magic.records.interval import Interval


def interactive(view: ProfileView, charts: ProfileCharts) -> str:
    """Give the comment and the script that end the panel's element."""
    return carried(panel_data(view, charts), figures(), "panel.js")


def carried(data: dict[str, Any], drawn: dict[str, Any], *scripts: str) -> str:
    """Pack all that makes a panel interactive.

    Args:
        data: what the script draws; strict JSON, which knows no NaN.
        drawn: the figures' documents.
        scripts: files of the browser's folder that are run as one.
    """
    import bokeh

    own = {
        "bokeh": bokeh.__version__,
        "script": "\n".join(map(_file, scripts)),
        "style": _file("panel.css"),
        "figures": drawn,
        "data": data,
    }
    packed = _packed(json.dumps(own, separators=(",", ":"), allow_nan=False).encode())
    return f"<!--{_library()}.{packed}--><script>{_file('bootstrap.js')}</script>"


def panel_data(view: ProfileView, charts: ProfileCharts) -> dict[str, Any]:
    """Collect what the script draws from; numbers that are none become null."""
    rows = [
        _row(row, drawn, [column.key for column in view.columns])
        for row, drawn in zip(view.rows, charts.drawn, strict=True)
    ]
    return {
        # The same for a report that has grown: what the reader chose stays chosen.
        "run": charts.run,
        "unit": {"name": charts.unit.name, "perMs": charts.unit.per_ms},
        "columns": {
            group: [column.key for column in view.columns if column.group in ("name", group)]
            for group in ("latency", "cost")
        },
        "rows": rows,
        "speedups": [[interval_data(one) for one in line] for line in charts.speedups],
        "baseline": next(
            (one_line(row.name) for row, drawn in zip(view.rows, charts.drawn, strict=True) if drawn.baseline), None
        ),
    }


def who(row: Row) -> dict[str, Any]:
    """Say which candidate a row is, and how it is drawn wherever it is."""
    look = row.identity
    return {
        "name": one_line(row.name),
        "model": one_line(row.model),
        "batch": row.batch_size,
        "light": look.light,
        "dark": look.dark,
        "marker": look.marker,
        "glyph": look.glyph,
        "dash": list(look.dash),
    }


def _row(row: Row, drawn: Drawn, keys: Sequence[str]) -> dict[str, Any]:
    trace, start_up = drawn.trace, drawn.start_up
    return {
        **who(row),
        "cells": {key: cell_data(cell) for key, cell in zip(keys, row.cells, strict=True)},
        "p50": interval_data(drawn.p50_ms),
        "rate": interval_data(drawn.throughput),
        "startUp": start_up and _start_up(start_up),
        "memory": finite(drawn.peak_memory_mb),
        "artifact": finite(drawn.artifact_mb),
        "trace": {
            "samples": trace.samples,
            "latency": trace.latency_ms,
            "share": trace.share,
            "box": trace.box_ms,
            "at": trace.at_s,
            "each": trace.each_ms,
            "warmUp": trace.warm_up,
            "thinned": trace.thinned,
        },
    }


def _start_up(start_up: StartUp) -> list[float] | None:
    """Give the phases; None where one is unknown, because a stack with a hole says nothing."""
    phases = [start_up.load_ms, start_up.compile_ms, start_up.first_inference_ms]
    return phases if all(map(math.isfinite, phases)) else None


def cell_data(cell: Cell) -> dict[str, Any]:
    """Give what a table is sorted by."""
    return {"text": cell.text, "number": finite(cell.number)}


def interval_data(interval: Interval | None) -> list[float | None] | None:
    """Give value and bounds; None where even the value is missing."""
    if interval is None or not math.isfinite(interval.value):
        return None
    return [finite(interval.value), finite(interval.low), finite(interval.high)]


def finite(value: float | None) -> float | None:
    """Give None for what JSON does not know."""
    return None if value is None or not math.isfinite(value) else value


@cache
def _library() -> str:
    import bokeh

    text = (Path(bokeh.__file__).parent / "server" / "static" / "js" / "bokeh.min.js").read_bytes()
    return _packed(text)


@cache
def _file(name: str) -> str:
    """Read a file of the browser's folder, without the comments and indents that nobody there needs."""
    text = (resources.files("inferspeed_magic.panel") / "browser" / name).read_text(encoding="utf-8")
    return re.sub(r"^(?://.*| +)", "", text, flags=re.MULTILINE) if name.endswith(".js") else text


def _packed(content: bytes) -> str:
    # mtime=0: the same report gives the same bytes.
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode("ascii")
