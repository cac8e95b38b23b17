"""What the Pareto chart of ``optimize`` draws, as plain data beside the view: a point for each row of its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inferspeed_magic.panel.numbers import TimeUnit, time_unit
from inferspeed_magic.panel.pareto import allowed, fronts, points
from inferspeed_magic.panel.parts import one_line
from inferspeed_magic.panel.scores import scores as scores_of
from inferspeed_magic.panel.standings import contenders, named, way_of

if TYPE_CHECKING:
    from inferspeed_magic.panel.pareto import Cost, Point
    from inferspeed_magic.panel.ranking import Measured, Speedups
    from inferspeed_magic.records import OptimizationRecord
    from inferspeed_magic.records.interval import Interval


@dataclass(frozen=True)
class OptimizeCharts:
    """Everything that the chart needs.

    Attributes:
        run: tells runs apart.
        unit: of latencies; the numbers themselves are in milliseconds.
        points: one for each row of the view's table, in its order.
        labels: how each is called beside its point.
        fronts: for each cost, the names of those that no other beats in cost and score, the cheapest first.
        score_title: the words of the axis of scores.
        higher_is_better: whether higher scores are better.
        allowed: the score that the goal allows to fall to; None where that is not known.
        original: name of the candidate that the model is today; None where it was not measured.
        speedups: of each row over each; None where nothing can be said.
    """

    run: str
    unit: TimeUnit
    points: tuple[Point, ...]
    labels: tuple[str, ...]
    fronts: dict[Cost, tuple[str, ...]]
    score_title: str
    higher_is_better: bool
    allowed: float | None
    original: str | None
    speedups: tuple[tuple[Interval | None, ...], ...]


def optimize_charts(record: OptimizationRecord, speedups: Speedups | None = None) -> OptimizeCharts:
    """Turn a record into what its chart draws.

    Args:
        record: what was measured and chosen.
        speedups: of candidates over each other; None leaves those over the original, which the record holds.
    """
    candidates = contenders(record)
    scores = scores_of(record)
    drawn = points(record, scores)
    original = named(record, record.original)
    return OptimizeCharts(
        run=f"{record.profile.created} {record.original} optimized",
        unit=time_unit(one.summary.p50_ms.value for one in candidates),
        points=drawn,
        labels=tuple(way_of(one_line(point.name), record) for point in drawn),
        fronts=fronts(record, drawn),
        score_title=scores.title,
        higher_is_better=record.metric.higher_is_better,
        allowed=allowed(record, scores),
        original=original.result.name if original else None,
        speedups=tuple(
            tuple(_speedup(one, other, record, speedups or {}) for other in candidates) for one in candidates
        ),
    )


def _speedup(one: Measured, other: Measured, record: OptimizationRecord, speedups: Speedups) -> Interval | None:
    if one.result.batch_size != other.result.batch_size:
        return None
    found = speedups.get((one.result.name, other.result.name, one.result.batch_size))
    return found or (one.summary.speedup if other.result.name == record.original else None)
