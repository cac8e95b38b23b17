"""What charts draw of one measured candidate, thinned: thousands of latencies say no more than a few hundred."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from inferspeed_magic.panel.ranking import Measured

#: More inferences than this are drawn as quantiles, and as the fastest, the middle and the slowest of each stretch.
MOST_POINTS = 150
_QUANTILES = np.unique(np.concatenate([np.linspace(0.0, 1.0, 101), [0.001, 0.005, 0.995, 0.999]]))
_BOX = (0.05, 0.25, 0.5, 0.75, 0.95)
_DIGITS = 5


@dataclass(frozen=True)
class Trace:
    """The latencies of one row; all in milliseconds.

    Attributes:
        samples: how many inferences there were.
        latency_ms: sorted latencies, or quantiles of them.
        share: the share of inferences that took no longer, for each of these, 0 to 1; each turn counts the same.
        box_ms: the 5th, 25th, 50th, 75th and 95th percentile; empty where there is no latency.
        at_s: when the inferences of ``each_ms`` began, in seconds since the first timed one of the run; those of the
            warm-up lie just before the candidate's first timed one.
        each_ms: latencies in the order of time.
        warm_up: how many of these belong to the warm-up.
        thinned: whether ``each_ms`` leaves inferences out.
    """

    samples: int
    latency_ms: tuple[float, ...]
    share: tuple[float, ...]
    box_ms: tuple[float, ...]
    at_s: tuple[float, ...]
    each_ms: tuple[float, ...]
    warm_up: int
    thinned: bool


def trace(candidate: Measured, most: int = MOST_POINTS) -> Trace:
    """Make what the charts draw from a measurement's raw latencies.

    Args:
        candidate: a row of the table.
        most: points to draw it with.
    """
    measurement = candidate.result.measurement
    blocks = [block for block in measurement.blocks if block.latencies_ns] if measurement else []
    if measurement is None or not blocks:
        return Trace(0, (), (), (), (), (), 0, thinned=False)
    timed_ms = [np.asarray(block.latencies_ns, dtype=float) / 1e6 for block in blocks]
    # When each inference of a block began is not recorded, only when all did and how long they took together.
    timed_s = [
        block.start_s + np.linspace(0.0, block.wall_ns / 1e9, len(block.latencies_ns), endpoint=False)
        for block in blocks
    ]
    order = np.argsort(np.concatenate(timed_s), kind="stable")
    warm_ms = np.asarray(measurement.warm_up_ns, dtype=float) / 1e6
    # They ended when the turns began, give or take the openings of others.
    warm_s = min(each[0] for each in timed_s) + (np.cumsum(warm_ms) - warm_ms - warm_ms.sum()) / 1e3
    kept_warm, kept_timed = _kept(warm_ms, most), _kept(np.concatenate(timed_ms)[order], most)
    # As everywhere, each turn counts the same, however many inferences it holds.
    weights = np.concatenate([np.full(len(each), 1.0 / len(each)) for each in timed_ms])
    latency, share = _distribution(np.concatenate(timed_ms), weights, most)
    return Trace(
        samples=len(order),
        latency_ms=_short(latency),
        share=_short(share),
        box_ms=_short(np.quantile(np.concatenate(timed_ms), _BOX, weights=weights, method="inverted_cdf")),
        at_s=_short(np.concatenate([warm_s[kept_warm], np.concatenate(timed_s)[order][kept_timed]]), places=6),
        each_ms=_short(np.concatenate([warm_ms[kept_warm], np.concatenate(timed_ms)[order][kept_timed]])),
        warm_up=len(kept_warm),
        thinned=len(kept_warm) + len(kept_timed) < len(warm_ms) + len(order),
    )


def _distribution(
    latencies_ms: NDArray[np.float64], weights: NDArray[np.float64], most: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if len(latencies_ms) <= most:
        order = np.argsort(latencies_ms, kind="stable")
        share = np.cumsum(weights[order])
        return latencies_ms[order], share / share[-1]
    return np.quantile(latencies_ms, _QUANTILES, weights=weights, method="inverted_cdf"), _QUANTILES


def _kept(latencies_ms: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Choose which inferences to draw: all, or of each stretch the fastest, the middle and the slowest one."""
    if len(latencies_ms) <= most:
        return np.arange(len(latencies_ms))
    chosen: set[int] = set()
    for stretch in np.array_split(np.arange(len(latencies_ms)), most // 3):
        ranked = stretch[np.argsort(latencies_ms[stretch], kind="stable")]
        chosen |= {int(ranked[0]), int(ranked[len(ranked) // 2]), int(ranked[-1])}
    return np.array(sorted(chosen))


def _short(values: Sequence[float] | NDArray[np.float64], places: int | None = None) -> tuple[float, ...]:
    """Drop digits that no screen shows, or what lies beyond some decimal places: they would fill the notebook."""
    if places is not None:
        return tuple(round(float(value), places) for value in values)
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values)
