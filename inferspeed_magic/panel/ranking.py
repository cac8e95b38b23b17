"""Which candidates lead, and which one is the baseline: what headline and table must agree on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from inferspeed_magic.records import ProfileRecord, Result, ServerTrial, Summary
    from inferspeed_magic.records.interval import Interval

    #: From candidate, reference (``model/runtime``) and batch size to p50 of the reference over p50 of the candidate.
    Speedups = Mapping[tuple[str, str, int], Interval]

# Below this share of the rate asked for, inferences arrive faster than they are answered, and wait ever longer.
_KEEPS_UP = 0.95


@dataclass(frozen=True)
class Measured:
    """A result that holds numbers, so that nobody else has to ask."""

    result: Result
    summary: Summary


def measured(record: ProfileRecord) -> tuple[Measured, ...]:
    """Give the results that have a p50, in the record's order."""
    return tuple(
        Measured(result, result.summary)
        for result in record.results
        if result.status == "measured" and result.summary and math.isfinite(result.summary.p50_ms.value)
    )


def leaders(candidates: Iterable[Measured]) -> tuple[Measured, ...]:
    """Give the lowest p50, followed by all whose interval overlaps its interval: no difference can be seen."""
    ranked = sorted(candidates, key=lambda candidate: candidate.summary.p50_ms.value)
    high = ranked[0].summary.p50_ms.high if ranked else math.nan
    return (*ranked[:1], *(other for other in ranked[1:] if other.summary.p50_ms.low <= high))


def has_interval(candidate: Measured) -> bool:
    """Tell whether the samples sufficed for an interval of p50; without one a candidate cannot be ranked."""
    p50 = candidate.summary.p50_ms
    return math.isfinite(p50.low) and math.isfinite(p50.high)


def is_baseline(result: Result, record: ProfileRecord) -> bool:
    """Tell whether speed-ups refer to this result; a baseline is named by candidate, runtime or model."""
    names = {candidate.name for candidate in record.results}
    ways = {candidate.way for candidate in record.results}
    if record.baseline in names:
        return result.name == record.baseline
    if record.baseline in ways:
        return result.way == record.baseline
    return result.model == record.baseline


def is_rate_search(record: ProfileRecord) -> bool:
    """Tell whether every candidate looked for its own highest rate: latencies are then not comparable."""
    return record.request.scenario == "server" and record.request.latency_slo_ms is not None


def server_trial(result: Result) -> ServerTrial | None:
    """Give the trial to show: the highest rate that was sustained, else the last one tried."""
    trials = result.measurement.trials if result.measurement else ()
    sustained = [trial for trial in trials if trial.sustained]
    if sustained:
        return max(sustained, key=lambda trial: trial.target_qps)
    return trials[-1] if trials else None


def keeps_up(result: Result, record: ProfileRecord) -> bool:
    """Tell whether it answers as fast as inferences arrive; if not, latency grows with the length of the run."""
    trial = server_trial(result)
    if trial is None or is_rate_search(record):
        return True
    return trial.achieved_qps >= _KEEPS_UP * (trial.offered_qps or trial.target_qps)
