"""The table: which columns a record needs, and a row for each candidate that was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from inferspeed_magic.panel import cells
from inferspeed_magic.panel.identity import identities
from inferspeed_magic.panel.marks import champions, marks
from inferspeed_magic.panel.numbers import MISSING
from inferspeed_magic.panel.parts import Cell, Column, Row
from inferspeed_magic.panel.ranking import Measured, is_baseline, is_rate_search, measured

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.records import ProfileRecord, Result


class _Drawn(NamedTuple):
    column: Column
    draw: Callable[[Measured], Cell]


def table(
    record: ProfileRecord, unit: TimeUnit, known: Sequence[str] = ()
) -> tuple[tuple[Column, ...], tuple[Row, ...]]:
    """Make columns and rows; a column that would be empty everywhere is left out.

    Args:
        record: what was measured.
        unit: of latencies.
        known: names in the order in which a reader met them, which they keep their colours by.
    """
    candidates = measured(record)
    drawn = [
        column
        for column in (*_names(candidates), *_latencies(record, candidates, unit), *_costs())
        if any(column.draw(candidate).text != MISSING for candidate in candidates)
    ]
    looks = identities([*known, *(candidate.result.name for candidate in candidates)])
    rows = tuple(
        Row(
            name=candidate.result.name,
            model=candidate.result.model,
            runtime=candidate.result.runtime,
            batch_size=candidate.result.batch_size,
            cells=tuple(column.draw(candidate) for column in drawn),
            identity=looks[candidate.result.name],
            marks=marks(candidate, candidates, record),
        )
        for candidate in candidates
    )
    return tuple(column.column for column in drawn), rows


def _names(candidates: tuple[Measured, ...]) -> list[_Drawn]:
    """Name the candidate; all but model and runtime only where it tells candidates apart."""

    def differ(attribute: str, usual: object = None) -> bool:
        values = {getattr(one.result, attribute) for one in candidates}
        return len(values) > 1 or (usual is not None and values != {usual})

    columns = [_text("model", lambda result: result.model), _text("runtime", lambda result: result.runtime)]
    if differ("batch_size"):
        columns.append(_Drawn(Column("batch_size", "batch", "name"), lambda one: cells.whole(one.result.batch_size)))
    if differ("device"):
        columns.append(_text("device", lambda result: result.device))
    if differ("threads"):
        columns.append(_Drawn(Column("threads", "threads", "name"), lambda one: cells.whole(one.result.threads)))
    if differ("precision", usual="float32"):
        columns.append(_text("precision", lambda result: result.precision))
    if any(one.result.batch_in_file == "dynamic" for one in candidates):
        columns.append(_text("batch_in_file", lambda result: result.batch_in_file or MISSING, "batch in file"))
    if differ("technique", usual="none"):
        columns.append(_text("technique", lambda result: result.technique))
    return columns


def _text(key: str, read: Callable[[Result], str], header: str | None = None) -> _Drawn:
    return _Drawn(Column(key, header or key, "name", numeric=False), lambda one: cells.words(read(one.result)))


def _latencies(record: ProfileRecord, candidates: tuple[Measured, ...], unit: TimeUnit) -> list[_Drawn]:
    best = champions(candidates, record)

    def column(key: str, header: str, draw: Callable[[Measured], Cell]) -> _Drawn:
        return _Drawn(Column(key, header, "latency"), draw)

    rates = [column("achieved_qps", "achieved /s", lambda one: cells.rate(one, "achieved_qps"))]
    if is_rate_search(record):
        # Otherwise the rate asked for is the same for all, and the caption names it.
        rates.insert(0, column("target_qps", "target /s", lambda one: cells.rate(one, "target_qps")))
    return [
        *(rates if record.request.scenario == "server" else ()),
        column("p50_ms", f"p50 {unit.name}", lambda one: cells.p50(one, unit, best=one in best)),
        column("p90_ms", f"p90 {unit.name}", lambda one: cells.latency(one.summary.p90_ms, unit)),
        column("p95_ms", f"p95 {unit.name}", lambda one: cells.latency(one.summary.p95_ms, unit)),
        column("p99_ms", f"p99 {unit.name}", lambda one: cells.latency(one.summary.p99_ms, unit)),
        column("speedup", "speed-up", lambda one: cells.speedup(one, baseline=is_baseline(one.result, record))),
        column("throughput_samples_per_s", "samples/s", cells.throughput),
    ]


def _costs() -> list[_Drawn]:
    def column(key: str, header: str, draw: Callable[[Measured], Cell]) -> _Drawn:
        return _Drawn(Column(key, header, "cost"), draw)

    return [
        column("load_ms", "load ms", lambda one: cells.start_up(one, "load_ms")),
        column("compile_ms", "compile ms", lambda one: cells.start_up(one, "compile_ms")),
        column("first_inference_ms", "first ms", lambda one: cells.start_up(one, "first_inference_ms")),
        column("peak_memory_mb", "memory MB", lambda one: cells.start_up(one, "peak_memory_mb")),
        column("artifact_mb", "file MB", lambda one: cells.plain(one.result.artifact_mb)),
        column("relative_error", "error", cells.relative_error),
    ]
