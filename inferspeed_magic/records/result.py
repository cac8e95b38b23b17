"""One candidate's result: measured, or the reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from inferspeed_magic.records.measurement import Measurement

Status = Literal["measured", "unavailable", "unsupported", "failed", "crashed", "timed_out", "disagrees"]


@dataclass(frozen=True)
class Interval:
    """A value with its 95% confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Summary:
    """What is derived from a measurement (by ``diagnosis``).

    Attributes:
        samples: number of timed inferences.
        p50_ms: the median latency with its interval.
        p90_ms, p95_ms, p99_ms: None where the number of samples cannot support the percentile.
        throughput_samples_per_s: samples through the candidate divided by the time that took, as measured.
        throughput: the same with its interval; None in reports that older versions saved.
        speedup: the baseline's p50 divided by this p50, with its interval; None for lack of a baseline.
        verdict: the speed-up in words.
        stable: whether the numbers can be trusted.
        warnings: why not, one sentence each.
    """

    samples: int
    p50_ms: Interval
    p90_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    throughput_samples_per_s: float
    throughput: Interval | None = None
    speedup: Interval | None = None
    verdict: str | None = None
    stable: bool = True
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """One candidate: a model on a runtime at a batch size.

    Attributes:
        model: the name the user gave the model.
        runtime: name of the runtime or call path.
        batch_size: samples per inference.
        device: ``cpu``, ``gpu`` or ``gpu:N``; where it ran, asserted after loading.
        threads: threads that the runtime was given for one inference.
        precision: of the arithmetic, ``float32`` unless the model says otherwise.
        technique: ``none``, or what was done to the model.
        status: ``measured``, or the kind of failure.
        reason: one sentence, for every status but ``measured``.
        route: how the artifact was made, and what was tried before that failed.
        batch_in_file: ``static`` where the artifact was made for this batch size, ``dynamic`` where it takes any; None
            for what has no such choice.
        notes: sentences about how the model was read or run ("read through tf_keras").
        artifact_mb: size of the file (or folder) that the runtime loads.
        relative_error: largest deviation from the source model's outputs, relative to their largest magnitude.
        measurement: raw latencies; None when nothing was measured.
        summary: what follows from them.
    """

    model: str
    runtime: str
    batch_size: int
    device: str
    threads: int
    status: Status
    precision: str = "float32"
    technique: str = "none"
    reason: str | None = None
    route: str | None = None
    notes: tuple[str, ...] = ()
    batch_in_file: str | None = None
    artifact_mb: float | None = None
    relative_error: float | None = None
    measurement: Measurement | None = None
    summary: Summary | None = None

    @property
    def way(self) -> str:
        """How it runs: the runtime, and behind a ``+`` what was done to the model."""
        return self.runtime if self.technique == "none" else f"{self.runtime}+{self.technique}"

    @property
    def name(self) -> str:
        """``model/runtime`` or ``model/runtime+technique``: how reports and comparisons name a candidate."""
        return f"{self.model}/{self.way}"
