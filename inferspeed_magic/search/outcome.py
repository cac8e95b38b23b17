"""From what was tried to what is handed back: the record, and models that can be called."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from inferspeed_magic.diagnosis import speedup
from inferspeed_magic.profiling.conclusions import compared, conclude
from inferspeed_magic.records import Metric, OptimizationRecord, PathStep
from inferspeed_magic.search.choice import pareto, ranked, way_to
from inferspeed_magic.search.keeping import optimized

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inferspeed_magic.optimized import OptimizedModel
    from inferspeed_magic.records import DataSplit, LayerSensitivity, LeftOut, Prediction, ProfileRecord, Result
    from inferspeed_magic.search.asked import Asked
    from inferspeed_magic.search.contest import Contest
    from inferspeed_magic.search.data import Split
    from inferspeed_magic.search.judge import Judge
    from inferspeed_magic.search.keeping import Shelf
    from inferspeed_magic.search.trial import Trial
    from inferspeed_magic.sources.structure import Template


def outcome(
    asked: Asked,
    contest: Contest,
    judge: Judge,
    split: Split,
    winner: Trial | None,
    *,
    left_out: Sequence[LeftOut],
    sensitivity: Sequence[LayerSensitivity],
    predictions: Sequence[Prediction],
    notes: Sequence[str],
    warnings: Sequence[str],
    profile: Callable[..., ProfileRecord],
) -> OptimizationRecord:
    """Derive what may be said.

    Args:
        asked: what was looked for.
        contest: what was tried.
        judge: what accuracy meant.
        split: what the data was used for.
        winner: None where nothing met the goal.
        left_out: what was not tried.
        sensitivity: of layers.
        predictions: of techniques.
        notes: on the data.
        warnings: on the model.
        profile: makes the record of what was measured from results, baseline and notes.
    """
    reached = [
        trial
        for trial in contest.trials
        if trial.candidate.status is not None or trial.candidate.blocks or trial.remembered is not None
    ]
    asked_for = contest.original.candidate.name if contest.original is not None else None
    original = asked_for if contest.original in reached else None
    concluded, baseline = conclude([trial.candidate for trial in reached], asked_for, contest.other_load)
    attached = [trial.attach(result) for trial, result in zip(reached, concluded, strict=True)]
    results = compared(attached, baseline) if any(trial.remembered for trial in reached) else tuple(attached)
    doubts = [judge.doubt(winner.held_out or winner.selection)] if winner is not None else []
    return OptimizationRecord(
        profile=profile(results=results, baseline=baseline, notes=(*notes, *judge.notes)),
        goal=asked.goal,
        metric=judge.metric if judge.settled else Metric("none"),
        split=_used(split, judge),
        original=original,
        best=winner.candidate.name if winner else None,
        pareto=tuple(result.name for result in pareto(results)),
        path=_path(winner, contest, reached, results),
        left_out=tuple(left_out),
        sensitivity=tuple(sensitivity),
        predictions=tuple(predictions),
        warnings=tuple(dict.fromkeys([*warnings, *judge.warnings, *(doubt for doubt in doubts if doubt)])),
    )


def provisional_winner(contest: Contest, asked: Asked) -> Trial | None:
    """Choose among what was measured until an interrupt; it was not verified."""
    return next(iter(ranked([trial for trial in contest.trials if trial.candidate.blocks], asked.goal)), None)


def models(
    contest: Contest, record: OptimizationRecord, shelf: Shelf, output_template: Template, fingerprint: str | None
) -> dict[str, OptimizedModel]:
    """Make models that can be called of everything that was measured, by name."""
    by_name = {result.name: result for result in record.profile.results if result.measurement is not None}
    made = {
        trial.candidate.name: optimized(
            trial.candidate,
            by_name[trial.candidate.name],
            shelf,
            output_template,
            metric=record.metric.name,
            compared=record.original is not None,
            fingerprint=fingerprint,
        )
        for trial in contest.trials
        if trial.candidate.name in by_name
    }
    return {name: model for name, model in made.items() if model is not None}


def _used(split: Split, judge: Judge) -> DataSplit:
    """Count what was really looked at: time may have ended before the samples."""
    if not judge.settled:
        return split.numbers
    return replace(
        split.numbers,
        selection=judge.samples("selection"),
        held_out=judge.samples("held_out"),
        resolution=judge.resolution(),
    )


def _path(
    winner: Trial | None, contest: Contest, reached: Sequence[Trial], results: Sequence[Result]
) -> tuple[PathStep, ...]:
    if winner is None:
        return ()
    by_name = {result.name: result for result in results}
    steps: list[PathStep] = []
    before = None
    for trial, words in way_to(winner, reached, contest.original):
        result = by_name[trial.candidate.name]
        if result.measurement is None or result.summary is None:
            continue
        gain = speedup(result.measurement, before) if before is not None else None
        steps.append(PathStep(result.name, words, result.summary.p50_ms, gain, trial.selection))
        before = result.measurement
    return tuple(steps)
