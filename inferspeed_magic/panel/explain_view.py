"""What the panel of ``explain`` says, as plain data: text, HTML and the picture are drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inferspeed_magic.panel import remarks
from inferspeed_magic.panel.explain_calls import paths_sheet, summary, waterfalls
from inferspeed_magic.panel.explain_findings import cards
from inferspeed_magic.panel.explain_headline import counted_only, headline
from inferspeed_magic.panel.explain_layers import layers_of, models_of
from inferspeed_magic.panel.explain_models import count_words, models_table
from inferspeed_magic.panel.explain_sheets import (
    ceilings_sheet,
    counterfactuals_sheet,
    fits_sheet,
    operators_sheet,
    overheads_sheet,
)
from inferspeed_magic.panel.explain_structure import structures
from inferspeed_magic.panel.explain_table import layer_table, longest_sheet
from inferspeed_magic.panel.failures import failures
from inferspeed_magic.panel.identity import identities
from inferspeed_magic.panel.numbers import seconds, time_unit
from inferspeed_magic.panel.parts import Column, Failure, Row, Sheet, listed, one_line
from inferspeed_magic.panel.ranking import measured
from inferspeed_magic.panel.view import machine_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from inferspeed_magic.panel.explain_parts import BarSheet, Card, LayerTable, Structure
    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.records import ExplanationRecord


@dataclass(frozen=True)
class ExplainView:
    """The panel of ``explain``; strings are one line each, not escaped for HTML.

    Attributes:
        title: what is explained.
        interrupted: that the results are partial, or None.
        headline: what the models take, or why there is nothing to say of it.
        machine: where it ran, and how long it took.
        counted: what each model has to do, in a sentence.
        summary: what each model takes on each way, in a sentence.
        cards: findings in the record's order.
        columns, rows: the table of models.
        paths: every way to call them, taken apart.
        waterfalls: from the first model's latency to that of the others.
        longest: the layers that take longest.
        layers: all of them.
        structures: models in the order of execution.
        fits: latency over batch size.
        counterfactuals: the models under other circumstances.
        operators: that ran, by kind.
        overheads: what looking inside costs.
        ceilings: of the machine.
        origins: how these were measured.
        failures: what was not measured, and why.
        warnings: what makes single results doubtful.
        notes: what else there is to know.
        footnotes: how to read the columns.
    """

    title: str
    interrupted: str | None
    headline: tuple[str, ...]
    machine: str
    counted: tuple[str, ...]
    summary: tuple[str, ...]
    cards: tuple[Card, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    paths: BarSheet
    waterfalls: tuple[BarSheet, ...]
    longest: Sheet
    layers: LayerTable
    structures: tuple[Structure, ...]
    fits: Sheet
    counterfactuals: Sheet
    operators: Sheet
    overheads: Sheet
    ceilings: Sheet
    origins: tuple[str, ...]
    failures: tuple[Failure, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    footnotes: tuple[str, ...]


def explain_view(record: ExplanationRecord) -> ExplainView:
    """Turn a record into what the panel says."""
    models = models_of(record)
    looks = identities(models)
    unit = unit_of(record)
    layers = layers_of(record)
    columns, rows = models_table(record, looks, unit)
    table = layer_table(layers, looks)
    return ExplainView(
        title=_title(record, models),
        interrupted=_interruption(record),
        headline=headline(record, models, unit),
        machine=f"{machine_words(record.profile.machine)}. It took {seconds(record.elapsed_s)}.",
        counted=count_words(record, models),
        summary=summary(record, models, unit),
        cards=cards(record, looks, unit),
        columns=columns,
        rows=rows,
        paths=paths_sheet(record, models, unit),
        waterfalls=waterfalls(record, models, unit),
        longest=longest_sheet(layers),
        layers=table,
        structures=structures(layers),
        fits=fits_sheet(record, unit),
        counterfactuals=counterfactuals_sheet(record, unit),
        operators=operators_sheet(record),
        overheads=overheads_sheet(record),
        ceilings=ceilings_sheet(record.ceilings),
        origins=tuple(one_line(each) for each in record.ceilings.how) if record.ceilings else (),
        failures=failures(record.profile),
        warnings=remarks.warnings(record.profile),
        notes=(*_uncounted(record), *(one_line(note) for note in record.notes), *remarks.notes(record.profile)),
        footnotes=tuple(_footnotes(record, {column.key for column in (*columns, *table.columns)})),
    )


def unit_of(record: ExplanationRecord) -> TimeUnit:
    """Choose the unit of all latencies but those of layers."""
    return time_unit(
        [
            *(each.summary.p50_ms.value for each in measured(record.profile)),
            *(each.latency_ms.value for each in record.call_paths),
        ]
    )


def _title(record: ExplanationRecord, models: Sequence[str]) -> str:
    request = record.profile.request
    names = listed([one_line(model) for model in models])
    counted = counted_only(record)
    parts = [
        f"What {names} {'have' if len(models) > 1 else 'has'} to do" if counted else f"Where the time of {names} goes"
    ]
    if not models:
        return "Nothing to explain"
    if not counted:
        threads = request.threads or record.profile.machine.cores_given
        parts += [one_line(request.device), f"{threads} thread{'s' * (threads != 1)}"]
    return ", ".join([*parts, f"batch {request.batch_sizes[0]}"])


def _interruption(record: ExplanationRecord) -> str | None:
    if not record.profile.interrupted:
        return None
    return "Interrupted: what was found until then is kept; there was more to look at."


def _uncounted(record: ExplanationRecord) -> Iterator[str]:
    for count in record.counts:
        if count.uncounted:
            kinds = ", ".join(one_line(kind) for kind in count.uncounted)
            yield f"{one_line(count.model)}: the work of these operators is not known and counts as none: {kinds}."


def _footnotes(record: ExplanationRecord, shown: set[str]) -> Iterator[str]:
    meanings = {
        "params": "params: parameters.",
        "macs": "MACs: multiply-accumulates of products and convolutions.",
        "flops": "FLOP: floating-point operations in one inference, two for each multiply-accumulate.",
        "activation_bytes": "activations: the most that is alive at the same time.",
        "depth": "depth: operators that have to wait for each other.",
        "zero_share": "zeros: share of the weights that are exactly zero.",
        "bytes_read": (
            "read, written: bytes of weights and activations that one inference has to move; a recurrent layer reads "
            "its weights in every step."
        ),
        "arithmetic_intensity": "FLOP/B: arithmetic intensity, operations per byte moved.",
        "held_back_by": "held back by: the ceiling of the machine that it is nearest to; - where it is near none.",
        "ceiling_share": "of ceiling: achieved share of that ceiling.",
    }
    yield from (meaning for key, meaning in meanings.items() if key in shown)
    if any(finding.check for finding in record.findings):
        yield "report: what %explain_latency gives back; right behind its cell, report = _ names it."
    if record.layers:
        yield (
            "Times of layers are the runtime's own, measured while it was profiled and brought to an inference without "
            "profiling, with 95% intervals."
        )
    if record.call_paths:
        yield (
            "A call is split by what a model without work takes on the same way (empty call) and, where known, by "
            "what starting each operator costs. python: around the compiled function; dispatch: calling and starting "
            "operators; compute: what is left, the operators themselves."
        )
