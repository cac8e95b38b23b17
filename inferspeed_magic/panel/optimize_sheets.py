"""The small tables of ``optimize``: the path to the winner, what was expected, and what layers lose."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from inferspeed_magic.panel.numbers import MISSING, error, interval_range, number, ratio
from inferspeed_magic.panel.optimize_table import drop_cell, score_cell, score_header
from inferspeed_magic.panel.parts import Cell, Column, Sheet, one_line
from inferspeed_magic.panel.standings import way_of
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.panel.scores import Scores
    from inferspeed_magic.records import LayerSensitivity, OptimizationRecord, PathStep

_MOST_LAYERS = 30


def path_sheet(record: OptimizationRecord, unit: TimeUnit, scores: Scores) -> Sheet:
    """Make the way from the original to the winner, step by step; gains multiply, so their bars are logarithmic."""
    if not record.path:
        return Sheet("")
    columns = (
        Column("words", "step", "latency", numeric=False),
        Column("p50_ms", f"p50 {unit.name}", "latency"),
        Column("gain", "gain", "latency"),
        Column("accuracy", score_header(scores), "latency"),
        Column("accuracy_drop", scores.drop_header, "latency"),
    )
    rows = [
        (
            Cell(f"{place}. {one_line(step.words)}", remark=way_of(one_line(step.name), record)),
            _latency(step.p50_ms, unit),
            _gain(step.gain),
            score_cell(step.accuracy, scores),
            drop_cell(step.accuracy, scores) if step.name != record.original else Cell(MISSING),
        )
        for place, step in enumerate(record.path, 1)
    ]
    kept = [place for place in range(len(columns)) if any(row[place].text != MISSING for row in rows)]
    title = "From the original to the winner" if record.original == record.path[0].name else "The way to the winner"
    return Sheet(
        title,
        tuple(columns[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in rows),
        _waterfall(record.path),
        "gain on a log scale",
    )


def predictions_sheet(record: OptimizationRecord) -> Sheet:
    """Make the table of what techniques were expected to bring on their runtimes, and what they brought."""
    if not record.predictions:
        return Sheet("")
    columns = (
        Column("name", "candidate", "latency", numeric=False),
        Column("expected", "expected", "latency"),
        Column("measured", "measured", "latency"),
        Column("reason", "because", "latency", numeric=False),
    )
    rows = tuple(
        (
            Cell(way_of(one_line(each.name), record)),
            Cell("slower") if each.expected is None else _range(each.expected),
            _gain(each.measured),
            Cell(one_line(each.reason)),
        )
        for each in record.predictions
    )
    return Sheet("Gain over the model as it is on the same runtime: expected before, and measured", columns, rows)


def layers_sheet(record: OptimizationRecord) -> Sheet:
    """Make the table of layers, the most sensitive first; of very many the least sensitive are left out."""
    layers = sorted(record.sensitivity, key=lambda layer: math.inf if math.isnan(layer.error) else -layer.error)
    shown = layers[:_MOST_LAYERS]
    if not shown:
        return Sheet("")
    columns = [Column("layer", "layer", "latency", numeric=False), Column("error", "error", "latency")]
    if any(layer.gained_us is not None for layer in shown):
        columns.append(Column("gained_us", "µs in float", "latency"))
    if any(layer.kept_in_float for layer in shown):
        columns.append(Column("kept", "kept in float", "latency", numeric=False))
    rows = tuple(tuple(_layer(layer)[column.key] for column in columns) for layer in shown)
    largest = max((layer.error for layer in shown if math.isfinite(layer.error)), default=0.0)
    # What is beyond all measure fills the room; what is no number has no bar.
    bars = tuple((0.0, min(1.0, layer.error / largest) if layer.error > 0 and largest else 0.0) for layer in shown)
    more = f", the {len(shown)} most sensitive of {len(layers)}" if len(layers) > len(shown) else ""
    return Sheet(f"Sensitivity of layers to int8{more}", tuple(columns), rows, bars, "error")


def _layer(layer: LayerSensitivity) -> dict[str, Cell]:
    return {
        "layer": Cell(one_line(layer.layer)),
        "error": Cell(error(layer.error), layer.error),
        "gained_us": Cell(number(layer.gained_us), layer.gained_us),
        "kept": Cell("yes" if layer.kept_in_float else ""),
    }


def _latency(p50_ms: Interval, unit: TimeUnit) -> Cell:
    shown = Interval(p50_ms.value * unit.per_ms, p50_ms.low * unit.per_ms, p50_ms.high * unit.per_ms)
    return Cell(number(shown.value), p50_ms.value, p50_ms.low, p50_ms.high, interval_range(shown))


def _gain(gain: Interval | None) -> Cell:
    if gain is None:
        return Cell(MISSING)
    text, detail = ratio(gain)
    unsure = "no difference seen" if gain.low <= 1 <= gain.high else "" if detail else "too few samples"
    return Cell(text, gain.value, gain.low, gain.high, detail, unsure)


def _range(expected: Interval) -> Cell:
    text, detail = ratio(expected)
    return Cell(text, expected.value, expected.low, expected.high, detail if expected.low < expected.high else "")


def _waterfall(path: tuple[PathStep, ...]) -> tuple[tuple[float, float], ...]:
    """Let each bar begin where the one before it ended, by the logarithm of p50; slower steps go back."""
    latencies = [step.p50_ms.value for step in path]
    if len(path) < 2 or not all(0 < latency < math.inf for latency in latencies):  # noqa: PLR2004 - one step is no way
        return ()
    reached = [math.log(latencies[0] / latency) for latency in latencies]
    low, high = min(reached), max(reached)
    if low == high:
        return ()
    places = [(each - low) / (high - low) for each in reached]
    return ((places[0], places[0]), *((min(pair), max(pair)) for pair in pairwise(places)))
