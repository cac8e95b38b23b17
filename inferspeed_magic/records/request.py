"""What the user asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BatchInFile = Literal["best", "static", "dynamic"]
Scenario = Literal["single_stream", "offline", "server"]


@dataclass(frozen=True)
class Request:
    """One call of ``profile``, with defaults filled in.

    Attributes:
        runtimes: names of the runtimes to try, in the order of the report.
        batch_sizes: samples per inference, each at least 1.
        device: ``cpu``, ``gpu`` or ``gpu:N``.
        threads: threads that a runtime may use for one inference; ``None`` takes all cores given to the process.
        scenario: how inferences arrive (terms of MLPerf Inference, Reddi et al. 2020): ``single_stream`` back to back
            with latency per inference, ``offline`` back to back for throughput, ``server`` as a Poisson process.
        duration_s: seconds of timed inferences for each candidate, without warm-up.
        baseline: what speed-ups refer to: ``model``, ``runtime`` or ``model/runtime``; ``None`` takes the first
            candidate that was measured.
        seed: seeds the made-up inputs, the order of turns and the arrivals.
        target_qps: inferences per second that arrive in the ``server`` scenario.
        batch_in_file: whether artifacts are made for one batch size (``static``), take any (``dynamic``), or whichever
            turns out faster (``best``).
        techniques: to apply, ``none`` for the model as it is.
        latency_slo_ms: with ``server``: find the highest rate whose p99 latency stays under this bound.
    """

    runtimes: tuple[str, ...]
    batch_sizes: tuple[int, ...] = (1,)
    device: str = "cpu"
    threads: int | None = None
    scenario: Scenario = "single_stream"
    duration_s: float = 1.0
    baseline: str | None = None
    seed: int = 0
    target_qps: float | None = None
    latency_slo_ms: float | None = None
    batch_in_file: BatchInFile = "best"
    techniques: tuple[str, ...] = ("none",)
