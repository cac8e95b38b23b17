"""Which candidate to use for what, in words, from the measurements of this record alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from inferspeed_magic.panel.headline import compared
from inferspeed_magic.panel.numbers import number, time_unit
from inferspeed_magic.panel.parts import listed, one_line
from inferspeed_magic.panel.scores import scores as scores_of
from inferspeed_magic.panel.standings import accuracy, contenders, drop_seen, named, way_of, within_goal
from inferspeed_magic.panel.verdict import latency_words
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from inferspeed_magic.panel.ranking import Measured, Speedups
    from inferspeed_magic.panel.scores import Scores
    from inferspeed_magic.records import OptimizationRecord

# What differs by less is the same: peaks of memory do from one run to the next, and nobody chooses by 2% of a file.
_SAME_MEMORY, _SAME_SIZE = 0.05, 0.02
# The runtime whose files run on phones and small boards.
_EDGE = "litert"
_LOSSLESS = "no measurable"


class _Advice(NamedTuple):
    """What to use in a situation, and the number that speaks for it."""

    situation: str
    one: Measured
    because: str


def guide(record: OptimizationRecord, speedups: Speedups | None = None) -> tuple[str, ...]:
    """Say what to use for low latency, a small file, no loss, little memory and edge devices.

    Args:
        record: what was measured.
        speedups: of candidates over each other; None compares the intervals of their p50 instead.

    Returns:
        A sentence for each candidate that is best at something, its situation before a colon; none where nothing was
        measured.
    """
    pool = within_goal(record) or contenders(record)
    if not pool:
        return ()
    words = _Words(record, speedups or {})
    advice = list(_advice(pool, record, words))
    if len(advice) > 1 and len({each.one.result.name for each in advice}) == 1:
        reasons = "; ".join(f"{each.situation}: {each.because}" for each in advice)
        among = "of those within the goal" if within_goal(record) else "of all that was measured"
        sentences = [f"Best in everything, {among}: {words.way(advice[0].one)}; {reasons}."]
    else:
        by_name: dict[str, list[_Advice]] = {}
        for each in advice:
            by_name.setdefault(each.one.result.name, []).append(each)
        sentences = [_sentence(group, words) for group in by_name.values()]
    if not within_goal(record):
        return ("Nothing of this meets the goal.", *sentences)
    return (*sentences, *_faster_still(pool, record, words))


class _Words:
    """How candidates are named and compared in a record."""

    def __init__(self, record: OptimizationRecord, speedups: Speedups) -> None:
        self.record = record
        self.scores: Scores = scores_of(record)
        self.reference = named(record, record.best) or named(record, record.original)
        self._unit = time_unit(one.summary.p50_ms.value for one in contenders(record))
        self._speedups = speedups

    def way(self, one: Measured) -> str:
        return way_of(one_line(one.result.name), self.record)

    def latency(self, one: Measured) -> str:
        return latency_words(one, self._unit)

    def is_reference(self, one: Measured) -> bool:
        return self.reference is not None and one.result is self.reference.result

    @property
    def role(self) -> str:
        return "the winner" if self.reference and self.reference.result.name == self.record.best else "the original"

    def speedup(self, one: Measured, other: Measured) -> Interval:
        """Give how much faster one is; without turns to compare, its bounds come from both intervals of p50."""
        found = self._speedups.get((one.result.name, other.result.name, one.result.batch_size))
        mine, yours = one.summary.p50_ms, other.summary.p50_ms
        return found or Interval(yours.value / mine.value, yours.low / mine.high, yours.high / mine.low)

    def drop(self, one: Measured) -> str:
        found = accuracy(one.result)
        if found is None:
            return f"{self.scores.name} unknown"
        if not drop_seen(found, labelled=self.record.metric.labelled):
            return f"no {self.scores.worse} of {self.scores.name} seen"
        return f"a {self.scores.worse} of {self.scores.name} of {self.scores.drop_words(found.drop)}"


def _advice(pool: Sequence[Measured], record: OptimizationRecord, words: _Words) -> Iterator[_Advice]:
    fastest = _preferred(pool, words, lambda one: one.summary.p50_ms.value, lambda one: one.summary.p50_ms.low)
    if fastest:
        yield _Advice("lowest latency", fastest, words.latency(fastest))
    smallest = _preferred(pool, words, _size, lambda one: (_size(one) or math.inf) * (1 - _SAME_SIZE))
    if smallest and any(_size(one) is not None for one in pool if one is not smallest):
        yield _Advice("smallest file", smallest, f"a file of {number(_size(smallest))} MB")
    unharmed = [
        one for one in pool if (found := accuracy(one.result)) and not drop_seen(found, labelled=record.metric.labelled)
    ]
    lossless = _preferred(unharmed, words, lambda one: one.summary.p50_ms.value, lambda one: one.summary.p50_ms.low)
    if lossless:
        what = "loss of accuracy" if record.metric.labelled else "loss of agreement (which is not accuracy)"
        yield _Advice(f"{_LOSSLESS} {what}", lossless, _kept(lossless, words))
    leanest = _preferred(pool, words, _memory, lambda one: (_memory(one) or math.inf) * (1 - _SAME_MEMORY))
    if leanest and any(_memory(one) is not None for one in pool if one is not leanest):
        yield _Advice("least memory", leanest, f"{number(_memory(leanest))} MB of memory at its peak")
    edge = [one for one in pool if one.result.runtime == _EDGE]
    best = _preferred(edge, words, lambda one: one.summary.p50_ms.value, lambda one: one.summary.p50_ms.low)
    if best:
        yield _Advice("an edge device", best, "a LiteRT file, timed on this machine and not on the device")


def _preferred(
    pool: Sequence[Measured],
    words: _Words,
    value: Callable[[Measured], float | None],
    least: Callable[[Measured], float],
) -> Measured | None:
    """Find the lowest value; the winner is preferred to what cannot be told from it, where ``least`` begins."""
    there = [(found, one) for one in pool if (found := value(one)) is not None and math.isfinite(found)]
    if not there:
        return None
    lowest, best = min(there, key=lambda each: (each[0], each[1].summary.p50_ms.value))
    winner = next((one for _, one in there if words.is_reference(one)), None)
    if winner is not None and least(winner) <= lowest:
        return winner
    return best


def _sentence(group: Sequence[_Advice], words: _Words) -> str:
    one = group[0].one
    situations = listed([each.situation for each in group])
    reasons = ", ".join(each.because for each in group)
    begin = f"{situations[0].upper()}{situations[1:]}"
    said = any(each.situation.startswith(_LOSSLESS) for each in group)
    if words.is_reference(one):
        return f"{begin}: {words.role}, {words.way(one)}; {reasons}."
    return f"{begin}: {words.way(one)}; {reasons}{_cost(one, words, drop=not said)}."


def _cost(one: Measured, words: _Words, *, drop: bool) -> str:
    """Say what it costs beside the winner; the drop too, unless that there is none has been said."""
    reference = words.reference
    if reference is None:
        return ""
    parts = [compared(words.speedup(one, reference), words.role)]
    if parts[0].startswith("no difference"):
        parts[0] = f"no difference in latency from {words.role} can be seen"
    size, other = _size(one), _size(reference)
    if size is not None and other is not None and abs(size - other) > _SAME_SIZE * other:
        parts.append(f"file of {number(size)} MB against {number(other)} MB")
    if drop:
        parts.append(words.drop(one))
    return f"; {', '.join(parts)}"


def _faster_still(pool: Sequence[Measured], record: OptimizationRecord, words: _Words) -> Iterator[str]:
    """Name the fastest that only its answers keep from the goal, where it is faster for sure."""
    there = [one for one in contenders(record) if one not in pool and one.result.rejected and _too_bad(one, record)]
    if not there or words.speedup(there[0], pool[0]).low <= 1:
        return
    one = there[0]
    ahead = compared(words.speedup(one, pool[0]), words.way(pool[0]))
    yield f"Faster still, but not within the goal: {words.way(one)}, {ahead}, {words.drop(one)}."


def _too_bad(one: Measured, record: OptimizationRecord) -> bool:
    found = accuracy(one.result)
    return found is not None and found.drop.value > record.goal.max_accuracy_drop


def _kept(one: Measured, words: _Words) -> str:
    found = accuracy(one.result)
    if found is None:
        return ""
    on = f" on {found.samples:,} samples" if found.samples else ""
    return f"{words.scores.name} {words.scores.score(found.value)}, no {words.scores.worse} seen{on}"


def _size(one: Measured) -> float | None:
    return one.result.artifact_mb


def _memory(one: Measured) -> float | None:
    return one.result.measurement.peak_memory_mb if one.result.measurement else None
