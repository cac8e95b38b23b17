"""Percentiles, and how many samples they need before they mean anything."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE: Final = 0.99
"""Of the early-stopping bound in MLPerf Inference."""


def supported(samples: int, percentile: float) -> bool:
    """Whether so many samples can support a percentile (0 to 100)."""
    return samples >= samples_needed(percentile)


@lru_cache(maxsize=64)
def samples_needed(percentile: float) -> int:
    """Fewest samples for a percentile: 64 for p90, 130 for p95, 662 for p99, 6636 for p99.9.

    The rule of MLPerf Inference (Reddi et al. 2020; ``early_stopping`` in its LoadGen): with n samples, at most one
    of them beyond the percentile must be an event of less than 1% when the true share beyond it is what the
    percentile says, that is ``P(Binomial(n, 1 - p) <= 1) <= 0.01``. Low percentiles are mirrored: p1 needs what p99
    needs.
    """
    if not 0.0 < percentile < 100.0:  # noqa: PLR2004 - percent
        raise ValueError(f"a percentile lies between 0 and 100, exclusive; this is {percentile}")
    # Rounded because 100 - 99.9 is not 0.1 in binary, and the answer is a step function of it.
    tail = round(min(percentile, 100.0 - percentile), 9) / 100.0
    low, high = 1, 2
    while _at_most_one_beyond(high, tail) > 1.0 - CONFIDENCE:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if _at_most_one_beyond(middle, tail) > 1.0 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def percentile_ms(
    latencies_ns: Sequence[int], percentile: float, weights: Sequence[float] | None = None
) -> float | None:
    """Give the percentile in milliseconds; None where the samples cannot support it.

    Args:
        latencies_ns: in any order.
        percentile: 0 to 100.
        weights: of each latency; without them all count the same, and the percentile is interpolated linearly.
    """
    if not supported(len(latencies_ns), percentile):
        return None
    values = np.asarray(latencies_ns, dtype=np.float64)
    if weights is None:
        return float(np.percentile(values, percentile)) / 1e6
    return float(np.percentile(values, percentile, weights=np.asarray(weights), method="inverted_cdf")) / 1e6


def _at_most_one_beyond(samples: int, tail: float) -> float:
    """Probability that at most one of the samples lies in a tail of that share."""
    inside = 1.0 - tail
    return float(inside**samples + samples * tail * inside ** (samples - 1))
