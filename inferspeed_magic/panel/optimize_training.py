"""What ``optimize`` says of training: how each result was trained, and the latency that it has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inferspeed_magic.panel import cells
from inferspeed_magic.panel.numbers import MISSING, number, seconds
from inferspeed_magic.panel.optimize_table import score_cell, score_header
from inferspeed_magic.panel.parts import Cell, Column, Sheet, one_line
from inferspeed_magic.panel.standings import named, way_of
from inferspeed_magic.panel.training_curve import lowest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.panel.scores import Scores
    from inferspeed_magic.records import Epoch, OptimizationRecord, Result


@dataclass(frozen=True)
class Course:
    """One training, from which several results may come.

    Attributes:
        title: what was trained, ``technique[variant]``.
        words: how it went.
        epochs: in their order.
    """

    title: str
    words: str
    epochs: tuple[Epoch, ...]


def courses(record: OptimizationRecord) -> tuple[Course, ...]:
    """Give every training once, in the order in which they took place."""
    trained: dict[str, list[Result]] = {}
    for result in record.profile.results:
        if result.training:  # compared as text: a loss that is no number is not even like itself
            trained.setdefault(repr(result.training), []).append(result)
    return tuple(
        Course(_title(results), _words(results[0].training), results[0].training) for results in trained.values()
    )


def training_sheet(record: OptimizationRecord, unit: TimeUnit, scores: Scores) -> Sheet:
    """Make the table of what was trained, the fastest first, below the original."""
    results = [result for result in record.profile.results if result.training]
    if not results:
        return Sheet("")
    original = [result for result in record.profile.results if result.name == record.original and not result.training]
    columns = (
        Column("candidate", "trained", "latency", numeric=False),
        Column("p50_ms", f"p50 {unit.name}", "latency"),
        Column("speedup", "speed-up", "latency"),
        Column("accuracy", score_header(scores), "latency"),
        Column("epochs", "epochs", "latency"),
        Column("check_loss", "check loss", "latency"),
        Column("check_accuracy", "check right", "latency"),
        Column("elapsed_s", "took", "latency"),
    )
    rows = [_row(result, record, unit, scores) for result in (*original, *sorted(results, key=_p50_ms))]
    kept = [place for place in range(len(columns)) if any(row[place].text != MISSING for row in rows)]
    return Sheet(
        "Training: what was learned, and the latency of each result",
        tuple(columns[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in rows),
    )


def _row(result: Result, record: OptimizationRecord, unit: TimeUnit, scores: Scores) -> tuple[Cell, ...]:
    measured = named(record, result.name)
    remark = {record.best: "chosen", record.original: "the original"}.get(result.name, "")
    timed = (Cell(MISSING), Cell(MISSING))
    if measured is not None:
        timed = (
            cells.p50(measured, unit, best=False),
            cells.speedup(measured, baseline=result.name == record.original),
        )
    return (
        Cell(way_of(one_line(result.name), record), remark=remark),
        *timed,
        score_cell(result.selection, scores),
        *_learned(result.training),
    )


def _learned(epochs: Sequence[Epoch]) -> tuple[Cell, ...]:
    """Say how a training went: what was seen on other samples in its best epoch."""
    if not epochs:
        return (Cell(MISSING),) * 4
    low = lowest(epochs)
    right = low.check_accuracy
    return (
        Cell(f"{len(epochs)}", len(epochs)),
        Cell(number(low.check_loss), low.check_loss),
        Cell(MISSING) if right is None else Cell(f"{right:.1%}", right),
        Cell(seconds(epochs[-1].elapsed_s), epochs[-1].elapsed_s),
    )


def _p50_ms(result: Result) -> float:
    found = result.summary.p50_ms.value if result.summary is not None else math.inf
    return found if math.isfinite(found) else math.inf


def _title(results: Sequence[Result]) -> str:
    """Name what results have in common: the shortest of their names, without the runtime."""
    first = min(results, key=lambda result: len(result.technique) + len(result.variant))
    return one_line(f"{first.technique}[{first.variant}]" if first.variant else first.technique)


def _words(epochs: Sequence[Epoch]) -> str:
    low, last = lowest(epochs), epochs[-1]
    stages = f" in {last.stage} stages" if last.stage > 1 else ""
    count = f"{len(epochs)} epoch{'s' * (len(epochs) != 1)}{stages}, {seconds(last.elapsed_s)}"
    if all(epoch.check_loss == epoch.loss for epoch in epochs):
        return f"{count}; loss {number(epochs[0].loss)} to {number(last.loss)}"
    right = "" if low.check_accuracy is None else f", {low.check_accuracy:.1%} of them right"
    return (
        f"{count}; loss {number(epochs[0].loss)} to {number(last.loss)}, "
        f"on other samples {number(epochs[0].check_loss)} to {number(low.check_loss)} after epoch {low.epoch}{right}"
    )
