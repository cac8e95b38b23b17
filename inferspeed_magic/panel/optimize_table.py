"""The table of ``optimize``: every candidate that was measured, the fastest first, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from inferspeed_magic.panel import cells
from inferspeed_magic.panel.identity import identities
from inferspeed_magic.panel.numbers import MISSING
from inferspeed_magic.panel.parts import Cell, Column, Failure, Mark, Row, one_line
from inferspeed_magic.panel.standings import contenders, standing, way_of
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.panel.parts import Group
    from inferspeed_magic.panel.ranking import Measured
    from inferspeed_magic.panel.scores import Scores
    from inferspeed_magic.records import Accuracy, OptimizationRecord

_LONGEST_HEADER = 12
_NAN = float("nan")
_OUTCOMES = {
    "winner": "chosen",
    "original": "the original",
    "front": "meets the goal",
    "fits": "meets the goal",
    "unknown": "accuracy not looked at",
}


class _Drawn(NamedTuple):
    column: Column
    draw: Callable[[Measured], Cell]


def optimize_table(
    record: OptimizationRecord, unit: TimeUnit, scores: Scores
) -> tuple[tuple[Column, ...], tuple[Row, ...]]:
    """Make columns and rows; a column that would be empty everywhere is left out."""
    candidates = contenders(record)
    drawn = [
        column
        for column in _columns(record, unit, scores)
        if any(column.draw(candidate).text != MISSING for candidate in candidates)
    ]
    # Colours follow the record's order, which does not change when latencies do.
    looks = identities(result.name for result in record.profile.results)
    rows = tuple(
        Row(
            name=one.result.name,
            model=one.result.model,
            runtime=one.result.runtime,
            batch_size=one.result.batch_size,
            cells=tuple(column.draw(one) for column in drawn),
            identity=looks[one.result.name],
            marks=tuple(_marks(one, record)),
        )
        for one in candidates
    )
    return tuple(column.column for column in drawn), rows


def rejections(record: OptimizationRecord) -> tuple[Failure, ...]:
    """Say why those were not chosen that were measured, for front ends without room for a column of reasons."""
    groups: dict[str, list[str]] = {}
    for one in contenders(record):
        if standing(one.result, record) == "rejected":
            groups.setdefault(outcome(one, record), []).append(way_of(one_line(one.result.name), record))
    return tuple(Failure(tuple(names), "", reason) for reason, names in groups.items())


def outcome(one: Measured, record: OptimizationRecord) -> str:
    """Say what became of a candidate."""
    return _OUTCOMES.get(standing(one.result, record)) or one_line(one.result.rejected or "no reason was given")


def _columns(record: OptimizationRecord, unit: TimeUnit, scores: Scores) -> Iterator[_Drawn]:
    def column(key: str, header: str, group: Group, draw: Callable[[Measured], Cell]) -> _Drawn:
        return _Drawn(Column(key, header, group, numeric=group != "outcome" and key != "candidate"), draw)

    def speedup(one: Measured) -> Cell:
        return cells.speedup(one, baseline=one.result.name == record.original)

    def name(one: Measured) -> Cell:
        return Cell(way_of(one_line(one.result.name), record))

    yield column("candidate", "candidate", "name", name)
    if len({one.result.batch_size for one in contenders(record)}) > 1:
        yield column("batch_size", "batch", "name", lambda one: cells.whole(one.result.batch_size))
    yield column(
        "p50_ms", f"p50 {unit.name}", "latency", lambda one: cells.p50(one, unit, best=one.result.name == record.best)
    )
    yield column("speedup", "speed-up", "latency", speedup)
    if record.goal.target == "throughput":
        yield column("throughput_samples_per_s", "samples/s", "latency", cells.throughput)
    yield column("accuracy", score_header(scores), "latency", lambda one: score_cell(one.result.selection, scores))
    yield column("accuracy_drop", scores.drop_header, "latency", lambda one: _drop(one, record, scores))
    yield column("artifact_mb", "file MB", "cost", lambda one: cells.plain(one.result.artifact_mb))
    yield column("peak_memory_mb", "memory MB", "cost", lambda one: cells.start_up(one, "peak_memory_mb"))
    yield column("rejected", "outcome", "outcome", lambda one: Cell(outcome(one, record)))


def score_header(scores: Scores) -> str:
    """Name the metric where that is short enough for a column."""
    return scores.name if len(scores.name) <= _LONGEST_HEADER else "score"


def score_cell(found: Accuracy | None, scores: Scores) -> Cell:
    """Show a score."""
    return Cell(MISSING) if found is None else Cell(scores.score(found.value), found.value)


def drop_cell(found: Accuracy | None, scores: Scores) -> Cell:
    """Show a drop with its interval."""
    if found is None:
        return Cell(MISSING)
    text, detail = scores.drop(found.drop)
    return Cell(text, found.drop.value, found.drop.low, found.drop.high, detail)


def _drop(one: Measured, record: OptimizationRecord, scores: Scores) -> Cell:
    found, held_out = one.result.selection, one.result.held_out
    if one.result.name == record.original:
        # It is what drops refer to.
        return Cell(scores.drop(Interval(0.0, _NAN, _NAN))[0], 0.0) if found else Cell(MISSING)
    cell = drop_cell(found, scores)
    if held_out is None:
        return cell
    remark = f"held out: {' '.join(scores.drop(held_out.drop)).rstrip()}"
    return Cell(cell.text, cell.number, cell.low, cell.high, cell.detail, remark)


def _marks(one: Measured, record: OptimizationRecord) -> Iterator[Mark]:
    name = one.result.name
    if name == record.best:
        yield Mark("winner", "winner")
    if name == record.original:
        yield Mark("original", "original", "what the model is today; speed-ups and drops refer to it")
    if name in record.pareto and name != record.best:
        yield Mark("front", "Pareto", "no other is better in both latency and score")
    if not one.summary.stable:
        yield Mark("warning", "not trustworthy", " ".join(one_line(why) for why in one.summary.warnings))
