"""Whether latencies have two modes: a machine or a runtime that switches between two speeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FEWEST: Final = 40
_SEPARATION: Final = 0.15
_SHARE: Final = 0.15
_CONCENTRATED: Final = 0.1
_VALLEY: Final = 0.5
_BINS_PER_BANDWIDTH: Final = 4
_NARROWEST: Final = 0.01
_MOST_BINS: Final = 5000


@dataclass(frozen=True)
class TwoModes:
    """Two modes: where they are, in the unit of the latencies, and the share of the samples in the slower one."""

    fast: float
    slow: float
    slow_share: float


def two_modes(latencies: NDArray[np.float64]) -> TwoModes | None:
    """Two modes more than 15% apart, each with 15% of the samples, with a valley of at most half the lower peak.

    The density of the logarithms is a histogram smoothed with Silverman's bandwidth (1986, eq. 3.31), its scale taken
    from the shortest half of the samples (Rousseeuw & Leroy 1988), which neither tails nor a second mode widen. A
    mode has 10% of the samples close by: a long tail has them scattered. None for fewer than 40 samples.
    """
    if len(latencies) < _FEWEST:
        return None
    logs = np.log(np.maximum(1.0, latencies))
    centers, density = _density(logs)
    minima = np.flatnonzero((density[1:-1] <= density[:-2]) & (density[1:-1] < density[2:])) + 1
    found: TwoModes | None = None
    deepest = _VALLEY
    for valley in minima:
        left, right = int(np.argmax(density[:valley])), valley + int(np.argmax(density[valley:]))
        depth = density[valley] / min(density[left], density[right])
        held = min(_within(logs, centers[left]), _within(logs, centers[right]))
        slow_share = float(np.mean(logs > centers[valley]))
        if (
            depth < deepest
            and held >= _CONCENTRATED
            and centers[right] - centers[left] > np.log1p(_SEPARATION)
            and _SHARE <= slow_share <= 1.0 - _SHARE
        ):
            deepest = depth
            found = TwoModes(float(np.exp(centers[left])), float(np.exp(centers[right])), slow_share)
    return found


def _within(logs: NDArray[np.float64], center: float) -> float:
    """Share of the samples closer to a mode than half the separation asked for."""
    return float(np.mean(np.abs(logs - center) <= np.log1p(_SEPARATION) / 2.0))


def _density(logs: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Grid and smoothed density, over the samples that can belong to a mode."""
    ordered = np.sort(logs)
    half = len(ordered) // 2
    scale = float(np.min(ordered[half:] - ordered[: len(ordered) - half])) / 1.349
    bandwidth = max(_NARROWEST, 0.9 * scale * len(logs) ** -0.2)
    step = bandwidth / _BINS_PER_BANDWIDTH
    # Beyond a tenth on either side there is no room for a mode; the margin keeps the edge from looking like a valley.
    low, high = np.percentile(logs, [100.0 * _CONCENTRATED / 2.0, 100.0 - 100.0 * _CONCENTRATED / 2.0])
    edges = np.arange(low - 4.0 * bandwidth, high + 4.0 * bandwidth + step, step)
    edges = edges if len(edges) <= _MOST_BINS else np.linspace(edges[0], edges[-1], _MOST_BINS)
    counts, _ = np.histogram(logs, edges)
    width = 4 * _BINS_PER_BANDWIDTH
    kernel = np.exp(-0.5 * (np.arange(-width, width + 1) / _BINS_PER_BANDWIDTH) ** 2)
    smooth = np.convolve(counts / len(logs) / step, kernel / kernel.sum(), mode="same")
    return (edges[:-1] + edges[1:]) / 2.0, np.asarray(smooth, dtype=np.float64)
