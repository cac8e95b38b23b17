"""The sentences on top. They claim what the intervals support and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.panel.numbers import TimeUnit, number, ratio, whole_or_short, with_interval
from inferspeed_magic.panel.parts import listed, one_line
from inferspeed_magic.panel.ranking import (
    Measured,
    has_interval,
    is_baseline,
    is_rate_search,
    keeps_up,
    leaders,
    measured,
    server_trial,
)
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from inferspeed_magic.panel.ranking import Speedups
    from inferspeed_magic.records import ProfileRecord

_RATES_NAMED = 3


def interruption(record: ProfileRecord) -> str | None:
    """Say that the results are partial, and how partial."""
    if not record.interrupted:
        return None
    models = len({result.model for result in record.results}) or 1
    # What was never begun has no result, so what was asked for is counted too.
    asked = models * len(record.request.runtimes) * len(record.request.batch_sizes)
    total = max(asked, len(record.results))
    return f"Interrupted: partial results kept ({len(measured(record))} of {total} candidates measured)."


def headline(record: ProfileRecord, unit: TimeUnit, speedups: Speedups | None = None) -> tuple[str, ...]:
    """Say what was found: one sentence for each model.

    Args:
        record: what was measured.
        unit: of latencies.
        speedups: of each measured candidate over each other one of its batch size; None leaves the runner-up out.
    """
    everything = measured(record)
    if not everything:
        return ("Nothing was measured" + (": the reasons are below." if record.results else "."),)
    models = dict.fromkeys(candidate.result.model for candidate in everything)
    by_model = [[one for one in everything if one.result.model == model] for model in models]
    if is_rate_search(record):
        return tuple(_highest_rates(candidates, record) for candidates in by_model)
    return tuple(_fastest(candidates, record, unit, speedups or {}) for candidates in by_model)


def _fastest(candidates: list[Measured], record: ProfileRecord, unit: TimeUnit, speedups: Speedups) -> str:
    """Tell the whole story for the first batch size, and of the others only who leads."""
    by_batch = _by_batch(candidates)
    (_, rivals), *others = by_batch.items()
    first = leaders(rivals)
    too, otherwise = [], ""
    for size, more in others:
        names = _runtimes(leaders(more))
        if rivals[1:] and more[1:] and set(names) == set(_runtimes(first)):
            too.append(str(size))
        elif more[1:]:
            otherwise += f" At batch {size}: {listed(names)}{', no difference can be seen' if names[1:] else ''}."
    same = f" At batch {listed(too)} too." if too else ""
    doubts = _doubts(first, rivals) if has_interval(first[0]) or not rivals[1:] else ""
    return _sentence(first, rivals, record, unit, speedups) + same + otherwise + doubts


def _sentence(
    first: tuple[Measured, ...],
    rivals: list[Measured],
    record: ProfileRecord,
    unit: TimeUnit,
    speedups: Speedups,
) -> str:
    where = _where(first[0], record)
    names = listed(_runtimes(first))
    times = listed([_latency(candidate, unit) for candidate in first])
    if len(rivals) == 1:
        return f"{names} takes {times} {where}{_lead(first[0], record)}."
    if not has_interval(first[0]):
        return f"{names} has the lowest p50 {where}: {times}, from too few samples for a ranking."
    if len(first) == 1:
        ahead = _ahead(first[0], rivals, record, speedups)
        return f"{names} is the fastest {where}: {times}{ahead}{_lead(first[0], record)}."
    return f"{names} are the fastest {where}, no difference can be seen: {times}{_shared_lead(first, record)}."


def _ahead(leader: Measured, rivals: list[Measured], record: ProfileRecord, speedups: Speedups) -> str:
    """Compare with the runner-up, unless that is the baseline or the two cannot be told apart."""
    ranked = sorted((one for one in rivals if one is not leader), key=lambda one: one.summary.p50_ms.value)
    second = ranked[0].result
    lead = speedups.get((leader.result.name, second.name, second.batch_size))
    if lead is None or is_baseline(second, record) or not lead.low > 1:
        return ""
    return f", {' '.join(ratio(lead))} faster than {one_line(second.way)}"


def _doubts(first: tuple[Measured, ...], rivals: list[Measured]) -> str:
    doubts = " Not trustworthy: see the warnings." if any(not one.summary.stable for one in first) else ""
    unranked = tuple(one for one in rivals if not has_interval(one))
    return doubts + (f" Too few samples to rank {listed(_runtimes(unranked))}." if unranked and rivals[1:] else "")


def _lead(candidate: Measured, record: ProfileRecord) -> str:
    """Say how it compares with the baseline, unless it is the baseline."""
    speedup = candidate.summary.speedup
    if speedup is None or is_baseline(candidate.result, record):
        return ""
    baseline = _baseline_name(candidate, record)
    if not _baseline_keeps_up(record):
        return f", while {baseline} does not keep up"
    return f", {compared(speedup, baseline)}"


def compared(speedup: Interval, baseline: str) -> str:
    """Say of a speed-up only what its interval supports: ``1.92x (1.85-1.99) faster than ...``."""
    if speedup.low > 1:
        return f"{' '.join(ratio(speedup))} faster than {baseline}"
    if 0 < speedup.low <= speedup.high < 1:
        slowdown = Interval(1 / speedup.value, 1 / speedup.high, 1 / speedup.low)
        return f"{' '.join(ratio(slowdown))} slower than {baseline}"
    if speedup.low <= 1 <= speedup.high:
        return f"no difference from {baseline} can be seen"
    return f"too few samples to compare with {baseline}"


def _shared_lead(first: tuple[Measured, ...], record: ProfileRecord) -> str:
    """Say what holds for all of them: their smallest lower bound."""
    lows = [candidate.summary.speedup.low for candidate in first if candidate.summary.speedup]
    if (
        not _baseline_keeps_up(record)
        or len(lows) < len(first)
        or not min(lows) > 1
        or any(is_baseline(one.result, record) for one in first)
    ):
        return ""
    who = "both" if len(first) == 2 else "all"  # noqa: PLR2004 - English has a word for two
    return f", {who} at least {number(min(lows))}x faster than {_baseline_name(first[0], record)}"


def _baseline_keeps_up(record: ProfileRecord) -> bool:
    """Tell whether ratios to the baseline mean anything: an overloaded one is slower the longer it is watched."""
    return all(keeps_up(result, record) for result in record.results if is_baseline(result, record))


def _highest_rates(candidates: list[Measured], record: ProfileRecord) -> str:
    bound = whole_or_short(record.request.latency_slo_ms or 0)
    sentences = []
    for rivals in _by_batch(candidates).values():
        trials = [(server_trial(one.result), one.result.way) for one in rivals]
        rates = sorted(((t.target_qps, name) for t, name in trials if t and t.sustained), reverse=True)
        where = _where(rivals[0], record)
        if rates:
            named = [f"{one_line(name)} {number(rate)} per second" for rate, name in rates[:_RATES_NAMED]]
            sentences.append(f"Highest rate tried {where} that kept p99 under {bound} ms: {', '.join(named)}.")
        else:
            sentences.append(f"No rate tried {where} kept p99 under {bound} ms.")
    return " ".join(sentences)


def _by_batch(candidates: list[Measured]) -> dict[int, list[Measured]]:
    groups: dict[int, list[Measured]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.result.batch_size, []).append(candidate)
    return groups


def _where(candidate: Measured, record: ProfileRecord) -> str:
    rate = record.request.target_qps if record.request.scenario == "server" else None
    load = f", {whole_or_short(rate)} inferences arriving per second" if rate and not is_rate_search(record) else ""
    return f"on {one_line(candidate.result.model)} at batch {candidate.result.batch_size}{load}"


def _latency(candidate: Measured, unit: TimeUnit) -> str:
    p50 = candidate.summary.p50_ms
    shown = Interval(p50.value * unit.per_ms, p50.low * unit.per_ms, p50.high * unit.per_ms)
    return with_interval(shown, f" {unit.name}")


def _runtimes(candidates: tuple[Measured, ...]) -> list[str]:
    return [one_line(candidate.result.way) for candidate in candidates]


def _baseline_name(candidate: Measured, record: ProfileRecord) -> str:
    """Leave out the model where it is the same: the sentence has just named it."""
    return one_line((record.baseline or "the baseline").removeprefix(f"{candidate.result.model}/"))
