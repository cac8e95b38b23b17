"""From what was measured to the record of an explanation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from inferspeed_magic.diagnosis import compare, median_interval
from inferspeed_magic.diagnosis.batch_fit import batch_fit
from inferspeed_magic.diagnosis.call_paths import call_paths
from inferspeed_magic.diagnosis.findings import find_all
from inferspeed_magic.explanation.circumstances import Circumstance
from inferspeed_magic.explanation.inside import kinds, starting_ms
from inferspeed_magic.explanation.layers import root_of, timed_layers
from inferspeed_magic.profiling.conclusions import conclude
from inferspeed_magic.records import Counterfactual, ExplanationRecord, Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from inferspeed_magic.explanation.derivable import Derived
    from inferspeed_magic.explanation.lineup import Lineup
    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.records import (
        BatchFit,
        CallPath,
        Ceilings,
        ModelCount,
        OperatorProfile,
        ProfileRecord,
        Result,
        WeightFacts,
    )
    from inferspeed_magic.sources.source import Source


@dataclass
class Gathered:
    """What a run has gathered so far, beside what candidates were measured at.

    Attributes:
        counts: by name of the model.
        profiles: candidates that were looked into, and what their runtime said.
        ceilings: of the machine.
        weights: what they hold.
        other_load: cores that other processes used meanwhile.
        derived: models that were made of them, beside these.
        notes: what could not be looked at.
    """

    counts: dict[str, ModelCount] = field(default_factory=dict)
    profiles: list[tuple[Candidate, OperatorProfile]] = field(default_factory=list)
    ceilings: Ceilings | None = None
    weights: list[WeightFacts] = field(default_factory=list)
    other_load: float | None = None
    derived: list[Derived] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def outcome(lineup: Lineup, gathered: Gathered, profile: Callable[..., ProfileRecord]) -> ExplanationRecord:
    """Derive what may be said.

    Args:
        lineup: candidates with their measurements.
        gathered: everything else.
        profile: makes the record of the run from ``results`` and ``baseline``.
    """
    shown = [each for source in lineup.sources for each in lineup.candidates(source) if _usual(each)]
    results, baseline = conclude(shown, None, gathered.other_load) if shown else ((), None)
    timed = [
        timed_layers(
            seen, gathered.counts[candidate.source.name], gathered.ceilings, candidate.precision, root_of(candidate)
        )
        for candidate, seen in gathered.profiles
        if _usual(candidate) and candidate.source.name in gathered.counts
    ]
    made = profile(results=results, baseline=baseline)
    record = ExplanationRecord(
        profile=made,
        counts=tuple(gathered.counts.values()),
        ceilings=gathered.ceilings,
        layers=tuple(layer for layers, _ in timed for layer in layers),
        overheads=tuple(overhead for _, overhead in timed),
        operators=tuple(kinds(candidate, seen) for candidate, seen in gathered.profiles),
        weights=tuple(gathered.weights),
        call_paths=tuple(path for source in lineup.sources for path in _paths(lineup, gathered, source)),
        fits=tuple(_fits(results)),
        counterfactuals=tuple(_counterfactuals(lineup, gathered)),
        notes=tuple(gathered.notes),
        other_load=gathered.other_load,
        elapsed_s=made.elapsed_s,
    )
    return replace(record, findings=find_all(record))


def _usual(candidate: Candidate) -> bool:
    """Whether a candidate is the model as it is."""
    return not candidate.variant and candidate.technique == "none"


def _paths(lineup: Lineup, gathered: Gathered, source: Source) -> tuple[CallPath, ...]:
    """Take every way to call a model apart."""
    starting = {
        candidate.runtime.name: starting_ms(seen, gathered.ceilings)
        for candidate, seen in gathered.profiles
        if candidate.source.name == source.name and _usual(candidate)
    }
    return call_paths(source.name, lineup.latencies(source), lineup.latencies(lineup.idle.get(source.name)), starting)


def _fits(results: Sequence[Result]) -> Iterator[BatchFit]:
    points: dict[tuple[str, str], dict[int, Any]] = {}
    for each in results:
        if each.summary is not None:
            points.setdefault((each.model, each.runtime), {})[each.batch_size] = each.summary.p50_ms
    for (model, runtime), found in points.items():
        fit = batch_fit(model, runtime, found)
        if fit is not None:
            yield fit


def _counterfactuals(lineup: Lineup, gathered: Gathered) -> list[Counterfactual]:
    """Compare what was changed with what it was before; models in the order in which they were handed in."""
    order = {source.name: number for number, source in enumerate(lineup.sources)}
    found = [*_of_circumstances(lineup), *_of_derived(gathered)]
    return sorted(found, key=lambda each: order[each.model])


def _of_circumstances(lineup: Lineup) -> Iterator[Counterfactual]:
    for source in lineup.sources:
        for what, words, each in lineup.counterfactuals():
            usual = Circumstance(each.runtime, each.batch_size, lineup.threads)
            before, after = (lineup.lab.candidate(source, chosen) for chosen in (usual, each))
            yield from _compared(what, words, before, after)


def _of_derived(gathered: Gathered) -> Iterator[Counterfactual]:
    for each in gathered.derived:
        for found in _compared(each.what, each.detail, each.before, each.after):
            expected = None if each.taken_share is None else found.before_ms.value * max(0.0, 1.0 - each.taken_share)
            yield replace(found, expected_ms=expected)


def _compared(what: str, words: str, before: Candidate, after: Candidate) -> Iterator[Counterfactual]:
    was, became = before.measurement(), after.measurement()
    if was is None or became is None:
        return
    seen = compare(became, was, candidate_name=after.name, reference_name=before.name)
    yield Counterfactual(
        before.source.name,
        before.runtime.name,
        what,
        words,
        median_interval(was),
        median_interval(became),
        Interval(seen.ratio, seen.low, seen.high),
    )
