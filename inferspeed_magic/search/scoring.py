"""Candidates beside the original: the score, the drop, whether it is allowed, and what the data cannot tell.

How scores and drops are written is the business of ``panel.scores`` alone.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.diagnosis.accuracy_drop import drop_interval, drop_of, rescored_interval, resolution
from inferspeed_magic.records.accuracy import Accuracy, Metric
from inferspeed_magic.records.interval import Interval
from inferspeed_magic.search.degeneracy import degenerate
from inferspeed_magic.search.measure import of_samples
from inferspeed_magic.search.wording import is_share, writing_of
from inferspeed_magic.sources.structure import flatten, pack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.search.scorer import Scorer
    from inferspeed_magic.search.splitting import Part

    Array = np.ndarray[Any, Any]

__all__ = ["compare", "degenerate", "doubt", "refusal", "smallest_drop", "within"]

#: Seconds for scoring resamples where a metric is no mean over samples.
_RESCORING_S = 2.0
_NAN = math.nan
#: 0.99 - 0.98 is a little more than 0.01.
_ROUNDING = 1e-9


def compare(
    scorer: Scorer, part: Part, original: Sequence[Array], candidate: Sequence[Array], seed: int = 0
) -> Accuracy:
    """Score a candidate beside the original on the same samples.

    Args:
        scorer: the metric.
        part: the samples.
        original: its outputs on these samples, in flat order.
        candidate: its outputs. Another shape, and NaN or infinite numbers where the original has none, are the worst
            score and an infinite drop.
        seed: of the bootstrap.
    """
    labels: Any = part.labels if scorer.metric.labelled else list(original)
    score = scorer.score(labels, original, part.weights)
    count = len(original[0])
    if not _sound(original, candidate):
        worst = -math.inf if scorer.metric.higher_is_better else math.inf
        return Accuracy(worst, score, Interval(math.inf, math.inf, math.inf), count)
    value = scorer.score(labels, candidate, part.weights)
    if not math.isfinite(value):
        return Accuracy(value, score, Interval(math.inf, math.inf, math.inf), count)
    return Accuracy(value, score, _drop(scorer, labels, original, candidate, weights=part.weights, seed=seed), count)


def smallest_drop(scorer: Scorer, samples: int) -> float:
    """Smallest drop that so many samples can tell from none, at best; NaN for metrics that are no share of samples."""
    return resolution(samples) if scorer.measure.decisions is not None else _NAN


def within(accuracy: Accuracy, max_drop: float) -> bool:
    """Tell whether a drop is allowed: by its value, not by its interval."""
    return accuracy.drop.value <= max_drop + _ROUNDING


def refusal(accuracy: Accuracy, max_drop: float, metric: Metric) -> str | None:
    """Say why a candidate is not accurate enough; None where it is."""
    if within(accuracy, max_drop):
        return None
    if not math.isfinite(accuracy.drop.value):
        return "its answers hold NaN or infinite numbers, or are of another shape, where the original's are not"
    writing = writing_of(metric, accuracy)
    what = "accuracy drop" if metric.labelled else "drop in agreement"
    return f"{what} {writing.drop_words(accuracy.drop)} is more than the {writing.allowed(max_drop)} allowed"


def doubt(accuracy: Accuracy, max_drop: float, metric: Metric) -> str | None:
    """Say that the data cannot tell whether an allowed drop is really allowed; None where it can."""
    drop = accuracy.drop
    if not within(accuracy, max_drop) or not drop.high > max_drop + _ROUNDING:  # NaN: no interval, no doubt
        return None
    writing = writing_of(metric, accuracy)
    value, _ = writing.drop(drop)
    what = "drop" if metric.labelled else "drop in agreement"
    most = writing.drop_words(Interval(drop.high, _NAN, _NAN))
    return f"{accuracy.samples:,} samples cannot tell a {what} of {value} from {most}: give more data"


def _sound(original: Sequence[Array], candidate: Sequence[Array]) -> bool:
    """Tell whether outputs have the original's shapes, and numbers wherever it has some."""
    if len(original) != len(candidate):
        return False
    for expected, found in zip(original, candidate, strict=True):
        if expected.shape != found.shape:
            return False
        if found.dtype.kind in "fc":
            broken = ~np.isfinite(found)
            if expected.dtype.kind in "fc":
                broken &= np.isfinite(expected)
            if broken.any():
                return False
    return True


def _drop(
    scorer: Scorer,
    labels: Any,
    original: Sequence[Array],
    candidate: Sequence[Array],
    *,
    weights: Array | None,
    seed: int,
) -> Interval:
    metric = scorer.metric
    before = scorer.per_sample(labels, original, weights)
    if before is not None:
        after = scorer.per_sample(labels, candidate, weights)
        assert after is not None  # noqa: S101  (a measure has values of samples or has not)
        drop = drop_interval(
            before,
            after,
            higher_is_better=metric.higher_is_better,
            relative=metric.relative,
            weights=of_samples(weights),
            seed=seed,
        )
        # Nothing agrees with the original better than itself.
        return drop if metric.labelled else replace(drop, low=max(0.0, drop.low))
    leaves, template = flatten(labels)
    deadline = time.perf_counter() + _RESCORING_S
    whole = scorer.score(labels, original, weights)

    def rescored(chosen: Array) -> float:
        some = pack(template, [leaf[chosen] for leaf in leaves])
        heavy = None if weights is None else weights[chosen]
        try:
            scores = [scorer.score(some, [array[chosen] for array in each], heavy) for each in (original, candidate)]
        except Exception:  # noqa: BLE001  (metrics raise what they like where a resample lacks a class)
            return _NAN
        return drop_of(*scores, higher_is_better=metric.higher_is_better, relative=metric.relative)

    count = len(original[0])
    step = 1 / count if is_share(metric, whole) else 0.0
    return rescored_interval(rescored, count, seed=seed, step=step, enough=lambda: time.perf_counter() > deadline)
