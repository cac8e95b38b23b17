"""Where each candidate of ``optimize`` stands: what tables, charts and sentences must agree on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from inferspeed_magic.panel.ranking import Measured, measured

if TYPE_CHECKING:
    from inferspeed_magic.records import Accuracy, OptimizationRecord, Result

Standing = Literal["winner", "original", "rejected", "front", "fits", "unknown"]


def contenders(record: OptimizationRecord) -> tuple[Measured, ...]:
    """Give the candidates that have a p50, the fastest first."""
    return tuple(sorted(measured(record.profile), key=lambda one: one.summary.p50_ms.value))


def named(record: OptimizationRecord, name: str | None) -> Measured | None:
    """Find a candidate that was measured; None where there is none of that name."""
    return next((one for one in contenders(record) if one.result.name == name), None)


def standing(result: Result, record: OptimizationRecord) -> Standing:
    """Tell what became of a candidate; the first of these that is true."""
    if result.name == record.best:
        return "winner"
    if result.name == record.original:
        return "original"
    if result.rejected is not None:
        return "rejected"
    if result.name in record.pareto:
        return "front"
    return "fits" if any(result is one.result for one in within_goal(record)) else "unknown"


def within_goal(record: OptimizationRecord) -> tuple[Measured, ...]:
    """Give the candidates that meet the goal, the fastest first: nothing speaks against them, and they have a score."""
    fit = tuple(one for one in contenders(record) if one.result.rejected is None)
    # Where no scores are to be had, latency is all there is to meet.
    return tuple(one for one in fit if accuracy(one.result)) or fit


def accuracy(result: Result) -> Accuracy | None:
    """Give the score that says most: on samples that nothing was chosen with, where there is one."""
    return result.held_out or result.selection


def drop_seen(found: Accuracy, *, labelled: bool) -> bool:
    """Tell whether the samples show it to be worse than the original; single numbers are taken as they are.

    Without labels the original agrees with itself: any answer that differs is a drop.
    """
    if not labelled:
        return found.drop.value > 0
    return found.drop.low > 0 if math.isfinite(found.drop.low) else not found.drop.value <= 0


def way_of(name: str, record: OptimizationRecord) -> str:
    """Leave out the model where it is the same for all."""
    models = {result.model for result in record.profile.results}
    return name.removeprefix(f"{models.pop()}/") if len(models) == 1 else name
