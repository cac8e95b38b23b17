"""The median latency and the throughput with their 95% confidence intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inferspeed_magic.diagnosis.estimate import FEWEST_UNITS, LEVEL, estimate
from inferspeed_magic.diagnosis.units import filled_blocks, pieces_for, pooled_median_ns, units
from inferspeed_magic.records.interval import Interval

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


def throughput_interval(measurement: Measurement, batch_size: int) -> Interval:
    """Give samples per second, with the 95% interval for what a fresh process would reach on this machine.

    The value is all samples divided by the wall time of all blocks: what was done, not 1/latency; NaN without any
    time. The interval rests on the log rates of blocks, as that of ``median_interval`` does on their log medians, and
    always holds the value, which slow blocks pull down more than the trimmed mean; NaN with fewer than 3 blocks.

    Args:
        measurement: what was timed.
        batch_size: samples per inference.
    """
    blocks = [block for block in filled_blocks(measurement) if block.wall_ns > 0]
    wall_ns = sum(block.wall_ns for block in blocks)
    if not wall_ns:
        return Interval(float("nan"), float("nan"), float("nan"))
    value = batch_size * sum(len(block.latencies_ns) for block in blocks) / (wall_ns / 1e9)
    if len(blocks) < FEWEST_UNITS:
        return Interval(value, float("nan"), float("nan"))
    rates = np.array([batch_size * len(block.latencies_ns) / (block.wall_ns / 1e9) for block in blocks])
    center = estimate(np.log(rates), [[block.process for block in blocks]], LEVEL)
    low, high = np.exp([center.value - center.half_width, center.value + center.half_width])
    return Interval(value, min(float(low), value), max(float(high), value))
