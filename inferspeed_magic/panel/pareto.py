"""The points of the Pareto chart: what each candidate costs, against how good its answers are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from inferspeed_magic.panel.standings import Standing, contenders, standing
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.panel.ranking import Measured
    from inferspeed_magic.panel.scores import Scores
    from inferspeed_magic.records import Accuracy, Metric, OptimizationRecord

Cost = Literal["latency", "size", "memory"]
COSTS: tuple[Cost, ...] = ("latency", "size", "memory")
# How much worse than the goal allows the axis still shows; what is worse by far would press all else together.
_ROOM = 2.5
_BEYOND = 1.5


@dataclass(frozen=True)
class Point:
    """A candidate in the chart.

    Attributes:
        name: of the candidate.
        standing: what became of it.
        latency, size, memory: in milliseconds and MB, with intervals where there are any; None where unknown.
        score: in the unit in which scores are shown, its interval that of the drop; None where it was not looked at.
        at_edge: whether the score lies beyond the axis, on whose edge it is then drawn.
    """

    name: str
    standing: Standing
    latency: Interval
    size: Interval | None
    memory: Interval | None
    score: Interval | None
    at_edge: bool = False

    def cost(self, cost: Cost) -> Interval | None:
        """Give what is on the horizontal axis."""
        return {"latency": self.latency, "size": self.size, "memory": self.memory}[cost]


def points(record: OptimizationRecord, scores: Scores) -> tuple[Point, ...]:
    """Make a point of each row of the table, in its order."""
    worst = _worst_shown(record)
    return tuple(_point(one, record, scores, worst) for one in contenders(record))


def allowed(record: OptimizationRecord, scores: Scores) -> float | None:
    """Give the score that the goal allows to fall to, as it is shown; None where there is no score to fall from."""
    found = next((one.result.selection for one in contenders(record) if one.result.selection), None)
    if found is None or not math.isfinite(found.original):
        return None
    return scores.scale * score_at(record.goal.max_accuracy_drop, found, record.metric)


def score_at(drop: float, found: Accuracy, metric: Metric) -> float:
    """Turn a drop back into a score: that of a candidate which is so much worse than the original."""
    # A share of a score that is zero is none, so drops are differences there.
    worse = drop * abs(found.original) if metric.relative and found.original else drop
    return found.original - worse if metric.higher_is_better else found.original + worse


def fronts(record: OptimizationRecord, given: Sequence[Point]) -> dict[Cost, tuple[str, ...]]:
    """Name those that no other point beats in both cost and score, the cheapest first.

    For latency the record says so itself; points at the edge are left out, a line through them would lie.
    """
    better = 1.0 if record.metric.higher_is_better else -1.0
    found: dict[Cost, tuple[str, ...]] = {}
    for cost in COSTS:
        there = [place for point in given if (place := _place(point, cost, better)) is not None]
        if cost == "latency" and record.pareto:
            drawn = {name for *_, name in there}
            found[cost] = tuple(name for name in record.pareto if name in drawn)
            continue
        names: list[str] = []
        least = math.inf
        for _, badness, name in sorted(there):
            if badness < least:
                least = badness
                names.append(name)
        found[cost] = tuple(names)
    return found


def _place(point: Point, cost: Cost, better: float) -> tuple[float, float, str] | None:
    """Give cost and badness of a point that is drawn where it lies; None for others."""
    found = point.cost(cost)
    if found is None or not found.value > 0 or point.score is None or point.at_edge:
        return None
    return found.value, -better * point.score.value, point.name


def _point(one: Measured, record: OptimizationRecord, scores: Scores, worst: float) -> Point:
    result, found = one.result, one.result.selection
    timed = result.measurement
    score, at_edge = None, False
    if found is not None and math.isfinite(found.value):
        at_edge = found.drop.value > worst
        score = _score(found, record.metric, scores.scale, worst)
    return Point(
        result.name,
        standing(result, record),
        one.summary.p50_ms,
        _exact(result.artifact_mb),
        _exact(timed.peak_memory_mb if timed else None),
        score,
        at_edge,
    )


def _exact(value: float | None) -> Interval | None:
    return None if value is None or not math.isfinite(value) else Interval(value, math.nan, math.nan)


def _score(found: Accuracy, metric: Metric, scale: float, worst: float) -> Interval:
    """Give the score as far as the axis shows it; its interval is the drop's, seen from the original's score."""
    drop = found.drop
    value = found.value if not drop.value > worst else score_at(worst, found, metric)
    if drop.value > worst or not (math.isfinite(drop.low) and math.isfinite(drop.high)):
        return Interval(scale * value, math.nan, math.nan)
    ends = sorted(score_at(min(worst, bound), found, metric) for bound in (drop.low, drop.high))
    return Interval(scale * value, scale * ends[0], scale * ends[1])


def _worst_shown(record: OptimizationRecord) -> float:
    """Choose the largest drop that the axis has room for; infinite where all fit."""
    found = [(one.result, one.result.selection) for one in contenders(record) if one.result.selection]
    drops = [accuracy.drop.value for _, accuracy in found if accuracy and math.isfinite(accuracy.drop.value)]
    meets = [
        max(accuracy.drop.value, accuracy.drop.high if math.isfinite(accuracy.drop.high) else accuracy.drop.value)
        for result, accuracy in found
        if accuracy and result.rejected is None
    ]
    room = max([_ROOM * record.goal.max_accuracy_drop, *meets])
    worst = _BEYOND * room
    return worst if room > 0 and drops and max(drops) > worst else math.inf
