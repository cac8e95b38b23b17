"""The table of models: what each has to do, and what it takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from inferspeed_magic.panel.explain_numbers import amount, amount_cell, latency_cell, percent, percent_cell
from inferspeed_magic.panel.numbers import MISSING
from inferspeed_magic.panel.parts import Cell, Column, Row, one_line
from inferspeed_magic.panel.ranking import measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from inferspeed_magic.panel.identity import Identity
    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.records import ExplanationRecord, Interval, ModelCount


class _Drawn(NamedTuple):
    column: Column
    draw: Callable[[str], Cell]


def models_table(
    record: ExplanationRecord, looks: Mapping[str, Identity], unit: TimeUnit
) -> tuple[tuple[Column, ...], tuple[Row, ...]]:
    """Make a row for each model; a column that would be empty everywhere is left out."""
    drawn = [
        each
        for each in _columns(record, unit)
        if each.column.key == "candidate" or any(each.draw(model).text != MISSING for model in looks)
    ]
    rows = tuple(
        Row(
            name=model,
            model=model,
            runtime="",
            batch_size=record.profile.request.batch_sizes[0],
            cells=tuple(each.draw(model) for each in drawn),
            identity=look,
        )
        for model, look in looks.items()
    )
    return tuple(each.column for each in drawn), rows


def latencies(record: ExplanationRecord, model: str) -> dict[str, Interval]:
    """Give runtime and p50 of the model as it is, at the batch size that is explained."""
    size = record.profile.request.batch_sizes[0]
    return {
        each.result.runtime: each.summary.p50_ms
        for each in measured(record.profile)
        if (each.result.model, each.result.batch_size, each.result.technique) == (model, size, "none")
    }


def count_words(record: ExplanationRecord, models: Sequence[str]) -> tuple[str, ...]:
    """Say in a sentence for each model what it has to do."""
    counts = {each.model: each for each in record.counts}
    return tuple(_count_words(counts[model]) for model in models if model in counts)


def _count_words(count: ModelCount) -> str:
    words = [
        f"{amount(count.params)} parameters",
        f"{amount(count.flops, 'FLOP')} ({amount(count.macs)} multiply-accumulates) for {_samples(count)}",
        f"{amount(count.weight_bytes, 'B')} of weights to read",
        f"{count.kernels:,} operators, {count.depth:,} of them one after the other",
    ]
    return f"{one_line(count.model)}: {', '.join(words)}."


def _samples(count: ModelCount) -> str:
    return f"{count.batch_size} sample{'s' * (count.batch_size != 1)}"


def _columns(record: ExplanationRecord, unit: TimeUnit) -> Iterator[_Drawn]:
    counts = {each.model: each for each in record.counts}
    weights = {each.model: each for each in record.weights}
    # One way for all of them: what cannot be compared has no column.
    usual = next((each.result.runtime for each in measured(record.profile)), None)

    def counted(key: str, header: str, measure: str = "") -> _Drawn:
        def draw(model: str) -> Cell:
            return amount_cell(getattr(counts[model], key), measure) if model in counts else Cell(MISSING)

        return _Drawn(Column(key, header, "latency"), draw)

    yield _Drawn(Column("candidate", "model", "name", numeric=False), lambda model: Cell(one_line(model)))
    yield counted("params", "params")
    yield counted("macs", "MACs")
    yield counted("flops", "FLOP")
    yield counted("weight_bytes", "weights", "B")
    yield counted("activation_bytes", "activations", "B")
    yield counted("kernels", "operators")
    yield counted("depth", "depth")
    yield _Drawn(Column("zero_share", "zeros", "latency"), lambda model: _zeros(weights.get(model)))
    if usual is not None:
        yield _Drawn(
            Column("p50_ms", f"{one_line(usual)} {unit.name}", "latency"),
            lambda model: latency_cell(latencies(record, model).get(usual), unit),
        )
        yield _Drawn(
            Column("fastest_ms", f"fastest {unit.name}", "latency"), lambda model: _fastest(record, model, unit)
        )


def _zeros(facts: object) -> Cell:
    share = getattr(facts, "zero_share", math.nan)
    subnormal = getattr(facts, "subnormal_share", 0.0)
    cell = percent_cell(share)
    remark = f"{percent(subnormal)} subnormal" if subnormal > 0 else ""
    return Cell(cell.text, cell.number, remark=remark)


def _fastest(record: ExplanationRecord, model: str, unit: TimeUnit) -> Cell:
    found = latencies(record, model)
    if not found:
        return Cell(MISSING)
    best = min(found, key=lambda runtime: found[runtime].value)
    cell = latency_cell(found[best], unit)
    return Cell(cell.text, cell.number, cell.low, cell.high, cell.detail, remark=f"on {one_line(best)}")
