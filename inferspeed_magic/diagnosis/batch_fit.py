"""Latency over batch size, as a line: what a call costs, and what each sample adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from inferspeed_magic.records.explanation import BatchFit
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Standard errors on either side of a 95% interval.
_Z: Final = 1.959964
#: Of the latency: what is assumed of a point whose interval is not known.
_UNKNOWN: Final = 0.05
#: A straight line is believed while the points miss it by no more than their intervals explain (95% of a chi-square
#: with one degree of freedom, per degree).
_MISFIT: Final = 3.84
_FEWEST: Final = 2


def batch_fit(model: str, runtime: str, points: Mapping[int, Interval]) -> BatchFit | None:
    """Fit ``latency = fixed + per_sample * batch_size`` by weighted least squares.

    Each point weighs by its interval; where the points miss the line by more than these explain, the intervals of the
    line grow with the misfit (Birge 1932). Neither cost is below 0.

    Args:
        model: whose latencies these are.
        runtime: on which they were measured.
        points: batch size and the latency of one inference in ms.

    Returns:
        The fit; None with fewer than two batch sizes.
    """
    if len(points) < _FEWEST:
        return None
    sizes = np.array(sorted(points), dtype=float)
    found = [points[int(size)] for size in sizes]
    latencies = np.array([each.value for each in found])
    errors = np.array([_standard_error(each) for each in found])
    design = np.stack([np.ones_like(sizes), sizes], axis=1) / errors[:, None]
    covariance = np.linalg.inv(design.T @ design)
    fixed, per_sample = (float(each) for each in covariance @ design.T @ (latencies / errors))
    free = len(sizes) - 2
    misfit = float((((latencies - fixed - per_sample * sizes) / errors) ** 2).sum()) / free if free else 0.0
    half_fixed, half_sample = _Z * np.sqrt(np.diag(covariance) * max(1.0, misfit))
    return BatchFit(
        model,
        runtime,
        tuple((int(size), each) for size, each in zip(sizes, found, strict=True)),
        _from_zero(fixed, half_fixed),
        _from_zero(per_sample, half_sample),
        fits=misfit <= _MISFIT,
    )


def _standard_error(latency: Interval) -> float:
    width = latency.high - latency.low
    return float(width / 2 / _Z) if np.isfinite(width) and width > 0 else _UNKNOWN * latency.value


def _from_zero(value: float, half_width: float) -> Interval:
    return Interval(*(max(0.0, float(each)) for each in (value, value - half_width, value + half_width)))
