"""The median latency with its 95% confidence interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inferspeed_magic.diagnosis.estimate import FEWEST_UNITS, LEVEL, estimate
from inferspeed_magic.diagnosis.units import pieces_for, pooled_median_ns, units
from inferspeed_magic.records.result import Interval

if TYPE_CHECKING:
    from inferspeed_magic.records.measurement import Measurement


def median_interval(measurement: Measurement) -> Interval:
    """p50 in milliseconds, with the 95% interval for the p50 that a fresh process would show on this machine.

    The value is the median of all latencies, each block counting the same. The interval rests on the log medians of
    blocks, since latencies within a block are not independent: their trimmed mean, its variance corrected for
    autocorrelation, and what processes are expected to differ by. ``low`` and ``high`` are NaN when there are fewer
    than 3 blocks and these cannot be cut into 3 pieces.
    """
    median_ns = pooled_median_ns(measurement)
    series = units(measurement, pieces_for(measurement))
    if len(series) < FEWEST_UNITS:
        return Interval(median_ns / 1e6, float("nan"), float("nan"))
    values = np.array([unit.log_median for unit in series])
    center = estimate(values, [[unit.process for unit in series]], LEVEL)
    low = float(np.exp(center.value - center.half_width))
    high = float(np.exp(center.value + center.half_width))
    # With two modes and few samples the trimmed mean falls between them and the median in one of them.
    return Interval(median_ns / 1e6, min(low, median_ns) / 1e6, max(high, median_ns) / 1e6)
