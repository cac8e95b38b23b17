"""From raw measurements to results with everything that may be said of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from inferspeed_magic.diagnosis import against, summarize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.records import Result


def conclude(
    candidates: Sequence[Candidate], baseline: str | None, other_load: float | None
) -> tuple[tuple[Result, ...], str | None]:
    """Summarize every measured candidate against the baseline.

    Args:
        candidates: of the run.
        baseline: what the user asked for: ``model/runtime``, a runtime, a model, or None for the first measured one.
        other_load: cores that other processes used meanwhile.

    Returns:
        The results, and the baseline in words.
    """
    raw = [candidate.result() for candidate in candidates]
    chosen = baseline or next((result.name for result in raw if result.measurement is not None), None)
    return tuple(
        _concluded(result, _baseline_of(result, raw, chosen), candidate, other_load)
        for result, candidate in zip(raw, candidates, strict=True)
    ), chosen


def compared(results: Sequence[Result], baseline: str | None) -> tuple[Result, ...]:
    """Refer every speed-up to the baseline again, where results came or changed after the run.

    Args:
        results: all of them.
        baseline: in words, as ``conclude`` gave it.
    """
    listed = list(results)
    return tuple(_compared(result, _baseline_of(result, listed, baseline)) for result in listed)


def _compared(result: Result, reference: Result | None) -> Result:
    if result.measurement is None or result.summary is None:
        return result
    speedup, verdict = against(
        result.measurement,
        reference.measurement if reference else None,
        result.name,
        reference.name if reference else None,
    )
    return replace(result, summary=replace(result.summary, speedup=speedup, verdict=verdict))


def _concluded(result: Result, reference: Result | None, candidate: Candidate, other_load: float | None) -> Result:
    if result.measurement is None:
        return result
    summary = summarize(
        result.measurement,
        result.batch_size,
        baseline=reference.measurement if reference else None,
        name=result.name,
        baseline_name=reference.name if reference else None,
        other_load=other_load,
        subnormal_share=candidate.source.subnormal_share,
    )
    doubts = [*summary.warnings, *_of_the_run(candidate)]
    return replace(result, summary=replace(summary, stable=not doubts, warnings=tuple(doubts)))


def _of_the_run(candidate: Candidate) -> list[str]:
    """Say what the latencies themselves do not show."""
    doubts = []
    if candidate.settled is False:
        doubts.append(f"the warm-up had not ended: {len(candidate.warm_up_ns):,} inferences")
    if len(candidate.blocks) < candidate.turns:
        doubts.append(f"the run ended early: {len(candidate.blocks)} of {candidate.turns} turns")
    return doubts


def _baseline_of(result: Result, results: list[Result], baseline: str | None) -> Result | None:
    """Find what this result is compared with: a runtime as baseline means each model's own, a model each runtime's."""
    if baseline is None:
        return None
    for other in results:
        if other.batch_size != result.batch_size or other.measurement is None:
            continue
        if (
            other.name == baseline
            or (other.way == baseline and other.model == result.model)
            or (other.model == baseline and other.way == result.way)
        ):
            return other
    return None
