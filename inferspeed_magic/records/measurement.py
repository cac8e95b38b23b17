"""Raw measurements. Nothing here is a percentile: those are derived (``diagnosis``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

#: Rounds of one run are compared in pairs. Those of another run were not at the same time: their numbers lie this far
#: away.
ROUNDS_APART: Final = 1_000_000


@dataclass(frozen=True)
class Block:
    """A candidate's turn: inferences back to back in one process, while every other candidate stood still.

    Attributes:
        round: number of the round, from 0; within a round every candidate has one turn, in random order.
        process: number of the candidate's process, from 0 (a candidate can run in more than one).
        start_s: start of the block, seconds since the run's first block.
        wall_ns: from the start of the first timed inference to the end of the last one.
        latencies_ns: one for each inference, in order: from inputs on the host to outputs on the host. In the
            ``server`` scenario from the scheduled arrival, waiting included.
    """

    round: int
    process: int
    start_s: float
    wall_ns: int
    latencies_ns: tuple[int, ...] = field(repr=False)


@dataclass(frozen=True)
class ServerTrial:
    """One rate tried in the ``server`` scenario.

    Attributes:
        target_qps: mean rate of the Poisson arrivals.
        achieved_qps: inferences finished per second.
        offered_qps: what arrived per second: random arrivals of a short run are more or fewer than the target; None in
            reports that older versions saved.
        latencies_ns: from scheduled arrival to outputs on the host, waiting included.
        p99_ms: the 99th percentile of these, or None where the samples cannot support it.
        sustained: whether p99 stayed under the bound (None where no bound was asked for).
    """

    target_qps: float
    achieved_qps: float
    latencies_ns: tuple[int, ...] = field(repr=False)
    p99_ms: float | None
    sustained: bool | None
    offered_qps: float | None = None


@dataclass(frozen=True)
class Measurement:
    """Everything that was timed for one candidate.

    Attributes:
        load_ms: reading the artifact (without importing the runtime).
        compile_ms: the runtime's own preparation: graph optimization, tracing, kernel selection.
        first_inference_ms: the first inference after that.
        warm_up_ns: latencies of the warm-up, in order; not part of any statistic.
        warm_up_detected: how many of these were slower than the steady state that follows.
        blocks: the timed blocks.
        peak_memory_mb: peak resident memory of the candidate's worker process while it worked for this candidate.
        trials: rates tried in the ``server`` scenario.
    """

    load_ms: float
    compile_ms: float
    first_inference_ms: float
    warm_up_ns: tuple[int, ...] = field(default=(), repr=False)
    warm_up_detected: int = 0
    blocks: tuple[Block, ...] = ()
    peak_memory_mb: float | None = None
    trials: tuple[ServerTrial, ...] = ()
