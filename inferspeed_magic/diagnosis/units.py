"""From blocks to the values that statistics work on: one log median for each block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from inferspeed_magic.records.measurement import Block, Measurement

_FEW_BLOCKS: Final = 5
_WANTED_UNITS: Final = 8


@dataclass(frozen=True)
class Unit:
    """A block, or a piece of one, as one value.

    Attributes:
        round: the block's round.
        process: the block's process.
        log_median: logarithm of the median latency in nanoseconds.
    """

    round: int
    process: int
    log_median: float


def filled_blocks(measurement: Measurement) -> list[Block]:
    """Blocks that hold latencies, in the order of time."""
    return sorted((b for b in measurement.blocks if b.latencies_ns), key=lambda b: (b.start_s, b.round, b.process))


def pieces_for(measurement: Measurement) -> int:
    """In how many pieces to cut each block: 1 unless there are too few blocks for an interval by themselves.

    Pieces of a block resemble each other more than blocks do; the correction for autocorrelation sees it in part.
    It is what an interrupted run has.
    """
    blocks = filled_blocks(measurement)
    if not blocks or len(blocks) >= _FEW_BLOCKS:
        return 1
    return min(-(-_WANTED_UNITS // len(blocks)), *(len(block.latencies_ns) for block in blocks))


def units(measurement: Measurement, pieces: int = 1) -> list[Unit]:
    """One value for each block, or each piece of a block, in the order of time."""
    return [
        Unit(block.round, block.process, float(np.log(max(1.0, np.median(piece)))))
        for block in filled_blocks(measurement)
        for piece in np.array_split(np.asarray(block.latencies_ns, dtype=np.float64), pieces)
    ]


def pooled_median_ns(measurement: Measurement) -> float:
    """Median of all latencies in nanoseconds, each block counting the same however many latencies it holds.

    Blocks are equal turns in time; a turn in which the machine was fast holds more latencies and must not count
    more for it. NaN without latencies.
    """
    blocks = filled_blocks(measurement)
    if not blocks:
        return float("nan")
    latencies = np.concatenate([np.asarray(block.latencies_ns, dtype=np.float64) for block in blocks])
    weights = np.concatenate([np.full(len(block.latencies_ns), 1.0 / len(block.latencies_ns)) for block in blocks])
    order = np.argsort(latencies, kind="stable")
    reached = np.cumsum(weights[order]) / len(blocks)
    # Between two latencies when half the weight lies on either side of the gap, as in the usual median.
    below = int(np.searchsorted(reached, 0.5 - 1e-9))
    above = min(int(np.searchsorted(reached, 0.5 + 1e-9)), len(order) - 1)
    return float(latencies[order[below]] + latencies[order[above]]) / 2.0
