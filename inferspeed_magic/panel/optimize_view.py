"""What the panel of ``optimize`` says, as plain data: text, HTML and the picture are drawn from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from inferspeed_magic.panel.failures import failures
from inferspeed_magic.panel.guide import guide
from inferspeed_magic.panel.numbers import seconds, time_unit
from inferspeed_magic.panel.optimize_sheets import layers_sheet, path_sheet, predictions_sheet
from inferspeed_magic.panel.optimize_table import optimize_table, rejections, score_header
from inferspeed_magic.panel.optimize_training import Course, courses, training_sheet
from inferspeed_magic.panel.parts import Column, Failure, Row, Sheet, one_line
from inferspeed_magic.panel.remarks import notes, warnings
from inferspeed_magic.panel.scores import scores as scores_of
from inferspeed_magic.panel.standings import contenders, way_of
from inferspeed_magic.panel.verdict import aim, interruption, verdict
from inferspeed_magic.panel.view import machine_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.panel.ranking import Speedups
    from inferspeed_magic.panel.scores import Scores
    from inferspeed_magic.records import OptimizationRecord


@dataclass(frozen=True)
class OptimizeView:
    """The panel of ``optimize``; strings are one line each, not escaped for HTML.

    Attributes:
        title: what the table holds.
        interrupted: that the results are partial, or None.
        headline: what won, and what can be said of it.
        alerts: what makes the outcome doubtful, to be seen before anything is used.
        aim: what was looked for.
        machine: where it ran.
        path: the way from the original to the winner.
        columns, rows: the table of candidates.
        training: what was trained, and the latency of each result.
        courses: how each training went, for its curves.
        rejections: why those were not chosen that were measured; the table says it too, where it has the room.
        failures: what was not measured, and why.
        left_out: what was not tried, and why.
        predictions: what techniques were expected to bring, and what they brought.
        layers: how sensitive layers are.
        guide: what to use for what.
        warnings: what makes single results doubtful.
        notes: what else there is to know.
        footnotes: how to read the columns.
    """

    title: str
    interrupted: str | None
    headline: tuple[str, ...]
    alerts: tuple[str, ...]
    aim: str
    machine: str
    path: Sheet
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    training: Sheet
    courses: tuple[Course, ...]
    rejections: tuple[Failure, ...]
    failures: tuple[Failure, ...]
    left_out: tuple[Failure, ...]
    predictions: Sheet
    layers: Sheet
    guide: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    footnotes: tuple[str, ...]


def optimize_view(record: OptimizationRecord, speedups: Speedups | None = None) -> OptimizeView:
    """Turn a record into what the panel says.

    Args:
        record: what was measured and chosen.
        speedups: of candidates over each other, for the guide; None compares them by their intervals.
    """
    unit = time_unit(one.summary.p50_ms.value for one in contenders(record))
    scores = scores_of(record)
    columns, rows = optimize_table(record, unit, scores)
    return OptimizeView(
        title=_title(record),
        interrupted=interruption(record),
        headline=verdict(record, unit, scores, speedups),
        alerts=tuple(one_line(warning) for warning in record.warnings),
        aim=f"{aim(record, scores)} {_time(record)}",
        machine=machine_words(record.profile.machine),
        path=path_sheet(record, unit, scores),
        columns=columns,
        rows=rows,
        training=training_sheet(record, unit, scores),
        courses=courses(record),
        rejections=rejections(record),
        failures=tuple(_named(each, record) for each in failures(record.profile)),
        left_out=tuple(Failure((one_line(each.what),), "", one_line(each.reason)) for each in record.left_out),
        predictions=predictions_sheet(record),
        layers=layers_sheet(record),
        guide=guide(record, speedups),
        warnings=warnings(record.profile),
        notes=(*_data(record, scores), *notes(record.profile)),
        footnotes=tuple(_footnotes(record, columns, unit, scores)),
    )


def _named(failure: Failure, record: OptimizationRecord) -> Failure:
    return replace(failure, names=tuple(way_of(name, record) for name in failure.names))


def _title(record: OptimizationRecord) -> str:
    results = [one.result for one in contenders(record)]
    models, batches, devices, threads = (
        {getattr(one, key) for one in results} for key in ("model", "batch_size", "device", "threads")
    )
    parts = ["Candidates" + (f" for {one_line(next(iter(models)))}" if len(models) == 1 else "")]
    parts += [f"batch {size}" for size in batches if len(batches) == 1]
    parts += [one_line(device) for device in devices if len(devices) == 1]
    parts += [f"{count} thread{'s' * (count != 1)}" for count in threads if len(threads) == 1]
    return ", ".join([*parts, "the fastest first"])


def _time(record: OptimizationRecord) -> str:
    return f"It took {seconds(record.profile.elapsed_s)}, with {seconds(record.goal.budget_s)} to search."


def _data(record: OptimizationRecord, scores: Scores) -> Iterator[str]:
    """Say what the samples were used for and what the score means."""
    split = record.split
    counts = {
        "to find ranges (calibration)": split.calibration,
        "to choose with (selection)": split.selection,
        "to verify the winner with (held out)": split.held_out,
    }
    used = [f"{count:,} {what}" for what, count in counts.items() if count]
    if used:
        given = "of the data that was given" if split.given else "that were made up, because no data was given"
        yield f"Samples {given}: {', '.join(used)}; none served two ends."
    direction = "higher" if record.metric.higher_is_better else "lower"
    kind = "" if record.metric.labelled else " It compares answers with the original's and is not accuracy."
    drops = f" A {scores.worse} is a share of the original's score." if record.metric.relative else ""
    yield f"Score: {scores.name}, {direction} is better, measured through each candidate's own runtime.{kind}{drops}"
    if math.isfinite(split.resolution) and split.resolution > 0:
        smallest = scores.resolution(split.resolution)
        yield f"A {scores.worse} below {smallest} cannot be told from none with {split.selection:,} selection samples."


def _footnotes(
    record: OptimizationRecord, columns: tuple[Column, ...], unit: TimeUnit, scores: Scores
) -> Iterator[str]:
    baseline = one_line(record.original or record.profile.baseline or "")
    meanings = {
        "p50_ms": f"p50 {unit.name}: half of the inferences took less; in parentheses its 95% interval, wide for those "
        "that were dropped early.",
        "speedup": f"speed-up: how often this p50 goes into that of the baseline ({baseline}), estimated turn by turn "
        "while candidates took turns (so that drift cancels, and not exactly the quotient), and its 95% interval.",
        "throughput_samples_per_s": "samples/s: as measured, not 1/latency.",
        "accuracy": f"{score_header(scores)}: {_meaning(scores)}measured {_on(record)}.",
        "accuracy_drop": f"{scores.worse}: how much worse than the original on the same samples, with its 95% "
        "interval; negative is better than the original.",
        "artifact_mb": "file MB: what the runtime loads.",
        "peak_memory_mb": "memory MB: peak of the worker process.",
        "rejected": "Pareto: no other is better in both latency and score.",
    }
    shown = {column.key for column in columns}
    yield from (meaning for key, meaning in meanings.items() if key in shown)
    if any(result.training for result in record.profile.results):
        yield (
            "check loss, check right: of the best epoch, on other samples than those that were learned from: the mean "
            "loss, and the share of answers that name the right class."
        )


def _on(record: OptimizationRecord) -> str:
    return "on the selection samples" if record.split.selection else "once for each candidate"


def _meaning(scores: Scores) -> str:
    """Name the metric where the column does not."""
    return "" if score_header(scores) == scores.name else f"{scores.name}, "
