"""The sentences on top of the panel of ``optimize``. They claim what the intervals support and nothing more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from inferspeed_magic.panel.headline import compared
from inferspeed_magic.panel.numbers import number, whole_or_short, with_interval
from inferspeed_magic.panel.parts import listed, one_line
from inferspeed_magic.panel.ranking import leaders
from inferspeed_magic.panel.standings import accuracy, contenders, named, way_of, within_goal
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.panel.ranking import Measured, Speedups
    from inferspeed_magic.panel.scores import Scores
    from inferspeed_magic.records import OptimizationRecord

_AIMS = {"latency": "low latency", "throughput": "high throughput", "size": "a small file", "memory": "little memory"}
_TIES_NAMED = 3


def verdict(
    record: OptimizationRecord, unit: TimeUnit, scores: Scores, speedups: Speedups | None = None
) -> tuple[str, ...]:
    """Say what won, how fast, how accurate and how large it is; or why nothing did."""
    best = named(record, record.best)
    if best is None:
        return tuple(_nothing(record, unit, scores))
    sentences = [_chosen(best, record, unit), accuracy_words(best, record, scores), _size(best, record)]
    return tuple(sentence for sentence in (*sentences, _ties(best, record, speedups or {})) if sentence)


def interruption(record: OptimizationRecord) -> str | None:
    """Say that the results are partial."""
    if not record.profile.interrupted:
        return None
    count = len(contenders(record))
    return f"Interrupted: partial results kept ({count} candidate{'s' * (count != 1)} measured); more was to be tried."


def aim(record: OptimizationRecord, scores: Scores) -> str:
    """Say what was looked for."""
    return f"Looked for {_AIMS[record.goal.target]}: {', '.join(_bounds(record, scores))}."


def accuracy_words(one: Measured, record: OptimizationRecord, scores: Scores) -> str:
    """Say how good its answers are, on held-out samples where there are any."""
    found = accuracy(one.result)
    if found is None:
        return "How accurate it is was not looked at."
    part = "held-out" if one.result.held_out else "selection"
    # A function of the user's own gives a score and no samples.
    on = f"On {found.samples:,} {part} sample{'s' * (found.samples != 1)}, " if found.samples else ""
    labelled = record.metric.labelled
    original = f" (original: {scores.score(found.original)})" if labelled else ""
    said = (
        f"{on}{scores.name} is {scores.score(found.value)}{original}: {_drop(found.drop, scores, labelled=labelled)}."
    )
    if not labelled:
        said += " There were no labels, so it was compared with the original's answers: this is not accuracy."
    if found.drop.value > record.goal.max_accuracy_drop:
        said += f" More than the {scores.allowed(record.goal.max_accuracy_drop)} that may be lost."
    return said


def latency_words(one: Measured, unit: TimeUnit) -> str:
    """Write a p50 with its interval."""
    p50 = one.summary.p50_ms
    scaled = Interval(p50.value * unit.per_ms, p50.low * unit.per_ms, p50.high * unit.per_ms)
    return f"p50 {with_interval(scaled, f' {unit.name}')}"


def _chosen(best: Measured, record: OptimizationRecord, unit: TimeUnit) -> str:
    way = way_of(one_line(best.result.name), record)
    figures = ", ".join([*_target(best, record), latency_words(best, unit)])
    if best.result.name == record.original:
        return f"Nothing better than the original was found within the goal: {way} stays, {figures}."
    speedup, original = best.summary.speedup, named(record, record.original)
    ahead = ""
    if speedup is not None and original is not None:
        ahead = ", " + compared(speedup, f"the original ({way_of(one_line(original.result.name), record)})")
    return f"Chosen for {_AIMS[record.goal.target]}: {way}, {figures}{ahead}."


def _target(best: Measured, record: OptimizationRecord) -> Iterator[str]:
    """Give what was looked for, unless it is the latency that is said anyway."""
    timed = best.result.measurement
    if record.goal.target == "throughput":
        rate, plain = best.summary.throughput, best.summary.throughput_samples_per_s
        yield with_interval(rate or Interval(plain, math.nan, math.nan), " samples/s")
    elif record.goal.target == "memory" and timed and timed.peak_memory_mb is not None:
        yield f"{number(timed.peak_memory_mb)} MB of memory"


def _drop(drop: Interval, scores: Scores, *, labelled: bool) -> str:
    words = scores.drop_words(drop)
    if not (math.isfinite(drop.low) and math.isfinite(drop.high)):
        less = f"a {scores.worse} of {words}" if drop.value > 0 else f"no {scores.worse}"
        return f"{less}, as a single number without an interval"
    if drop.low == drop.high == 0:
        return f"no {scores.worse}"
    if drop.low > 0 or (drop.value > 0 and not labelled):
        return f"a {scores.worse} of {words}"
    if drop.high < 0:
        better = Interval(-drop.value, -drop.high, -drop.low)
        return f"better than the original by {scores.drop_words(better)}"
    return f"no {scores.worse} can be seen ({words}), it is smaller than these samples can resolve"


def _size(best: Measured, record: OptimizationRecord) -> str:
    size = best.result.artifact_mb
    if size is None or not math.isfinite(size) or size <= 0 or best.result.name == record.original:
        return ""
    said = f"Its file is {number(size)} MB"
    for words, other in (("the original's", named(record, record.original)), *_unchanged(best, record)):
        before = other.result.artifact_mb if other else None
        if before is not None and math.isfinite(before) and before > 0:
            if number(before) == number(size):
                return f"{said}, as large as {words}."
            ratio = before / size
            change = f"{number(ratio)}x smaller" if ratio > 1 else f"{number(1 / ratio)}x larger"
            return f"{said}, {change} than {words} ({number(before)} MB)."
    return f"{said}."


def _unchanged(best: Measured, record: OptimizationRecord) -> Iterator[tuple[str, Measured]]:
    """Give what stands for an original without a file: the model as it is, on the same runtime or on any."""
    plain = [one for one in contenders(record) if one.result.technique == "none" and one.result.artifact_mb is not None]
    plain = [one for one in plain if one.result.name != best.result.name]
    for one in sorted(plain, key=lambda one: one.result.runtime != best.result.runtime):
        yield f"that of {way_of(one_line(one.result.name), record)}", one


def _ties(best: Measured, record: OptimizationRecord, speedups: Speedups) -> str:
    """Name those that may be as fast."""
    if record.goal.target != "latency":
        return ""
    first = leaders(within_goal(record))
    equals = [one for one in first if one.result.name != best.result.name and not _told_apart(one, best, speedups)]
    others = [way_of(one_line(one.result.name), record) for one in equals]
    if best not in first or not others:
        return ""
    named_ones = others[:_TIES_NAMED]
    if len(others) > len(named_ones):
        named_ones.append(f"{len(others) - len(named_ones)} more")
    return f"No difference in latency from {listed(named_ones)} can be seen."


def _told_apart(one: Measured, best: Measured, speedups: Speedups) -> bool:
    """Whether turns beside each other tell two apart whose intervals overlap."""
    found = speedups.get((one.result.name, best.result.name, one.result.batch_size))
    return found is not None and not found.low <= 1.0 <= found.high


def _nothing(record: OptimizationRecord, unit: TimeUnit, scores: Scores) -> Iterator[str]:
    there = contenders(record)
    if not there:
        yield "Nothing was measured" + (": the reasons are below." if record.profile.results else ".")
        return
    if record.profile.interrupted:
        yield f"Nothing had been chosen yet; the fastest so far is {_way_and_latency(there[0], record, unit)}."
        return
    yield f"No candidate met the goal ({', '.join(_bounds(record, scores))}); {len(there)} were measured."
    closest = min(there, key=lambda one: _distance(one, record))
    why = one_line(closest.result.rejected or "no reason was given").rstrip(".")
    yield f"Closest came {_way_and_latency(closest, record, unit)}: {why}."
    if accuracy(closest.result):
        yield accuracy_words(closest, record, scores)


def _way_and_latency(one: Measured, record: OptimizationRecord, unit: TimeUnit) -> str:
    return f"{way_of(one_line(one.result.name), record)}, {latency_words(one, unit)}"


def _distance(one: Measured, record: OptimizationRecord) -> tuple[bool, bool, float, float]:
    """Order by what is missing: first those with a score that are no original, then by drop, then by latency."""
    found = accuracy(one.result)
    drop = found.drop.value if found and math.isfinite(found.drop.value) else math.inf
    excess = max(0.0, drop - record.goal.max_accuracy_drop)
    return one.result.name == record.original, found is None, excess, one.summary.p50_ms.value


def _bounds(record: OptimizationRecord, scores: Scores) -> Iterator[str]:
    goal = record.goal
    yield f"a {scores.worse} of {scores.name} of at most {scores.allowed(goal.max_accuracy_drop)}"
    if goal.max_size_mb is not None:
        yield f"a file of at most {whole_or_short(goal.max_size_mb)} MB"
    if goal.max_memory_mb is not None:
        yield f"at most {whole_or_short(goal.max_memory_mb)} MB of memory"
