"""One candidate's result: measured, or the reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from inferspeed_magic.records.accuracy import Accuracy
from inferspeed_magic.records.epoch import Epoch
from inferspeed_magic.records.interval import Interval
from inferspeed_magic.records.measurement import Measurement

Status = Literal["measured", "unavailable", "unsupported", "failed", "crashed", "timed_out", "disagrees"]


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
        variant: what tells it from others of the same technique and runtime ("entropy", "1 thread"); empty for none.
        settings: of the technique and the runtime, as far as they were chosen here: enough to make it again.
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
        selection: accuracy on the samples that candidates are chosen with; None where it was not looked at.
        held_out: accuracy on samples that nothing was chosen with; for winners only.
        rejected: why it was not chosen although it was measured; None for what meets the goal.
        training: the epochs that made it what it is; empty for what was not trained, or where nothing is known of them.
    """

    model: str
    runtime: str
    batch_size: int
    device: str
    threads: int
    status: Status
    precision: str = "float32"
    technique: str = "none"
    variant: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    reason: str | None = None
    route: str | None = None
    notes: tuple[str, ...] = ()
    batch_in_file: str | None = None
    artifact_mb: float | None = None
    relative_error: float | None = None
    measurement: Measurement | None = None
    summary: Summary | None = None
    selection: Accuracy | None = None
    held_out: Accuracy | None = None
    rejected: str | None = None
    training: tuple[Epoch, ...] = ()

    @property
    def way(self) -> str:
        """How it runs: the runtime, behind a ``+`` what was done to the model, and in brackets which variant of it."""
        return way(self.runtime, self.technique, self.variant)

    @property
    def name(self) -> str:
        """``model/runtime`` or ``model/runtime+technique``: how reports and comparisons name a candidate."""
        return f"{self.model}/{self.way}"


def way(runtime: str, technique: str, variant: str = "") -> str:
    """Name how a model runs: ``runtime+technique[variant]``."""
    done = "" if technique == "none" else f"+{technique}"
    return f"{runtime}{done}" + (f"[{variant}]" if variant else "")
