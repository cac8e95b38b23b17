"""The small tables of ``explain``: batch sizes, counterfactuals, operators, the cost of looking, ceilings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from inferspeed_magic.panel.explain_levels import levels_of
from inferspeed_magic.panel.explain_numbers import amount, in_unit, latency_cell, percent, percent_cell
from inferspeed_magic.panel.numbers import interval_range, number, ratio
from inferspeed_magic.panel.parts import Cell, Column, Sheet, one_line, shortened
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from inferspeed_magic.panel.explain_levels import Level
    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.records import Ceilings, Counterfactual, ExplanationRecord, ProfileOverhead

_MOST_KINDS = 8


def _words(key: str, header: str) -> Column:
    return Column(key, header, "name", numeric=False)


def _numbers(key: str, header: str) -> Column:
    return Column(key, header, "latency")


def _candidate(model: str, way: str) -> str:
    """Name a candidate; long names of models lose their middle, so that the numbers beside them have room."""
    return f"{shortened(model)}/{one_line(way)}"


def fits_sheet(record: ExplanationRecord, unit: TimeUnit) -> Sheet:
    """Show what a call costs however many samples it has, and what each sample adds."""
    if not record.fits:
        return Sheet("")
    columns = (
        _words("candidate", "candidate"),
        _numbers("fixed_ms", f"fixed cost of a call, {unit.name}"),
        _numbers("per_sample_ms", f"each sample adds, {unit.name}"),
        _words("fits", "a straight line"),
    )
    rows = tuple(
        (
            Cell(_candidate(fit.model, fit.runtime)),
            latency_cell(fit.fixed_ms, unit),
            latency_cell(fit.per_sample_ms, unit),
            Cell("yes" if fit.fits else "no"),
        )
        for fit in record.fits
    )
    return Sheet("Latency over batch size", columns, rows)


def counterfactuals_sheet(record: ExplanationRecord, unit: TimeUnit) -> Sheet:
    """Show the same model under other circumstances."""
    if not record.counterfactuals:
        return Sheet("")
    columns = (
        _words("candidate", "candidate"),
        _words("detail", "what was changed"),
        _numbers("before_ms", f"before {unit.name}"),
        _numbers("after_ms", f"after {unit.name}"),
        _numbers("ratio", "after / before"),
        _words("words", "in words"),
    )
    rows = tuple(
        (
            Cell(_candidate(each.model, each.runtime)),
            Cell(one_line(each.detail or each.what.replace("_", " "))),
            _bare(each.before_ms, unit),
            _bare(each.after_ms, unit),
            Cell(ratio(each.ratio)[0], each.ratio.value, detail=ratio(each.ratio)[1]),
            Cell(_verdict(each, unit)),
        )
        for each in record.counterfactuals
    )
    return Sheet("What if: run, not guessed", columns, rows)


def _bare(latency_ms: Interval, unit: TimeUnit) -> Cell:
    """Show a latency alone: the ratio has the interval that counts, taken turn by turn."""
    return Cell(number(latency_ms.value * unit.per_ms), latency_ms.value)


def _verdict(run: Counterfactual, unit: TimeUnit) -> str:
    words = _change(run.ratio)
    if run.expected_ms is None:
        return words
    return f"{words}; {number(run.expected_ms * unit.per_ms)} {unit.name} expected from the time of the layer"


def _change(found: Interval) -> str:
    if not all(map(math.isfinite, (found.value, found.low, found.high))) or found.value <= 0:
        return "too few samples"
    if found.low <= 1 <= found.high:
        return "no difference seen"
    return f"{number(1 / found.value)}x faster" if found.value < 1 else f"{number(found.value)}x slower"


def operators_sheet(record: ExplanationRecord) -> Sheet:
    """Show what a runtime runs for a model, by kind."""
    rows = []
    for each in record.operators:
        technique = "" if each.technique == "none" else f"+{each.technique}"
        name = Cell(_candidate(each.model, f"{each.runtime}{technique}"))
        whole = sum(spent for _, spent, _ in each.kinds if math.isfinite(spent))
        shown, others = each.kinds[:_MOST_KINDS], each.kinds[_MOST_KINDS:]
        kinds = [(one_line(kind), spent, calls) for kind, spent, calls in shown]
        if others:
            named = f"{len(others)} other kinds"
            kinds.append((named, sum(spent for _, spent, _ in others), sum(calls for *_, calls in others)))
        for kind, spent, calls in kinds:
            share = percent_cell(spent / whole if whole > 0 else math.nan)
            rows.append((name, Cell(kind), Cell(number(spent), spent), share, Cell(f"{calls:,}", calls)))
    if not rows:
        return Sheet("")
    columns = (
        _words("candidate", "candidate"),
        _words("kind", "kind of operator"),
        _numbers("time_us", "µs"),
        _numbers("share", "share"),
        _numbers("calls", "calls"),
    )
    return Sheet("Operators that ran, by kind", columns, tuple(rows))


def overheads_sheet(record: ExplanationRecord) -> Sheet:
    """Show what looking at operators costs, and what it did not see."""
    if not record.overheads:
        return Sheet("")
    columns = (
        _words("candidate", "candidate"),
        _numbers("share", "slower while profiled"),
        _numbers("unmapped", "time of no layer"),
        _numbers("outside", "latency outside of operators"),
    )
    return Sheet(
        "What looking inside costs, and what it does not see", columns, tuple(map(_overhead, record.overheads))
    )


def _overhead(each: ProfileOverhead) -> tuple[Cell, ...]:
    return (
        Cell(_candidate(each.model, each.runtime)),
        Cell(percent_of(each.share), each.share.value, detail=interval_range(in_unit(each.share, 100))),
        percent_cell(each.unmapped_share),
        percent_cell(each.outside_share),
    )


def _range(level: Level) -> str:
    return interval_range(Interval(level.gb_per_s, *level.between)) if level.between[0] < level.between[1] else ""


def percent_of(share: Interval) -> str:
    """Format a share that can be negative, where looking made nothing slower."""
    return percent(share.value) if not share.value < 0 else f"-{percent(-share.value)}"


def ceilings_sheet(ceilings: Ceilings | None) -> Sheet:
    """Show the machine's ceilings."""
    if ceilings is None:
        return Sheet("")
    columns = (_words("what", "ceiling"), _numbers("value", "measured"), _words("for", "of"))
    rows = [
        (Cell("arithmetic"), Cell(f"{number(rate)} GFLOP/s", rate), Cell(one_line(precision)))
        for precision, rate in ceilings.gflop_per_s.items()
    ]
    rows += [
        (
            Cell("reading"),
            Cell(f"{number(each.gb_per_s)} GB/s", each.gb_per_s, detail=_range(each)),
            Cell(f"{one_line(each.level)}, working sets up to {amount(each.most_bytes, 'B')}"),
        )
        for each in levels_of(ceilings)
    ]
    for cost in ceilings.dispatch:
        runtime = Cell(one_line(cost.runtime))
        each = cost.per_operator_us
        rows.append((Cell("starting an operator"), Cell(f"{number(each)} µs", each), runtime))
        rows.append((Cell("an empty call"), Cell(f"{number(cost.per_call_us)} µs", cost.per_call_us), runtime))
    threads = f"{ceilings.threads} thread{'s' * (ceilings.threads != 1)}"
    return Sheet(f"The machine's ceilings, {threads}", columns, tuple(rows)) if rows else Sheet("")
