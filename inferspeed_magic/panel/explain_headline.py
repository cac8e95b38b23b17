"""The headline of ``explain``: what the models take. Why they do is said by the findings, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.panel.explain_models import latencies
from inferspeed_magic.panel.explain_numbers import in_unit
from inferspeed_magic.panel.numbers import number, with_interval
from inferspeed_magic.panel.parts import listed, one_line
from inferspeed_magic.panel.ranking import measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.records import ExplanationRecord, Interval

#: Models that a headline names.
_MOST = 4


def headline(record: ExplanationRecord, models: Sequence[str], unit: TimeUnit) -> tuple[str, ...]:
    """Say what the models take, and where nothing was found why."""
    if counted_only(record):
        return ("Counted, and not measured: what the layers have to do, not what they take.",) if record.counts else ()
    if record.profile.interrupted and not record.findings:
        return ()
    if not measured(record.profile) and not record.layers and not record.findings:
        return ("Nothing could be measured, so nothing can be said of the time: the reasons are below.",)
    taken = _taken(record, models, unit)
    if record.findings:
        return taken
    nothing = "Nothing stands out: no single cause accounts for much of the time, as far as it was looked at."
    return (nothing, *taken)


def counted_only(record: ExplanationRecord) -> bool:
    """Tell whether nothing was measured."""
    return not (record.profile.results or record.layers or record.call_paths)


def _taken(record: ExplanationRecord, models: Sequence[str], unit: TimeUnit) -> tuple[str, ...]:
    """Say what each model takes the way it is called first, and the fastest way to call it where that is another."""
    found = {model: latencies(record, model) for model in models}
    usual = next((each.result.runtime for each in measured(record.profile)), "")
    told = [model for model in models if usual in found[model]]
    if not told:
        return ()
    more = f" ({len(told) - _MOST} more models are below)" if len(told) > _MOST else ""
    told = told[:_MOST]
    takes = [f"{one_line(model)} takes {_words(found[model][usual], unit)}" for model in told]
    said = f"On {one_line(usual)} {listed(takes)}{more}."
    fastest = [(model, min(found[model], key=lambda way: found[model][way].value)) for model in told]
    if all(way == usual for _, way in fastest):
        return (said,)
    ways = [
        f"{one_line(model)} {number(found[model][way].value * unit.per_ms)} {unit.name} on {one_line(way)}"
        for model, way in fastest
    ]
    return (f"{said} Fastest: {listed(ways)}.",)


def _words(latency_ms: Interval, unit: TimeUnit) -> str:
    return with_interval(in_unit(latency_ms, unit.per_ms), f" {unit.name}")
