"""One candidate on its way through a run: a model on a runtime at a batch size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inferspeed_magic.records import Measurement, Result, way

if TYPE_CHECKING:
    from inferspeed_magic.errors import WorkerError
    from inferspeed_magic.formats.routes import Route, Step
    from inferspeed_magic.profiling.conversion import Artifact
    from inferspeed_magic.profiling.local import LocalWorker
    from inferspeed_magic.records import Block, Epoch, ServerTrial, Status
    from inferspeed_magic.runtimes.base import Lowering, Runtime
    from inferspeed_magic.sources.source import Source
    from inferspeed_magic.workers.worker import Worker


@dataclass
class Candidate:
    """What is known of it so far.

    Attributes:
        source, runtime, lowering: what it is.
        batch_in_file: ``static`` or ``dynamic``: whether the artifact is made for its batch size or takes any; None for
            runtimes that open no file of ours.
        technique: what is done to the model, ``none`` for nothing.
        variant: which alternative of it, in a word or two; empty for the usual one.
        changed_by: the step that does it to the file.
        taught_by: the step that changes the model and trains it before anything else; its technique comes first in the
            name.
        training: the epochs that its model was trained in.
        processes: those that have it open; they alternate from turn to turn.
        artifact: what they opened.
        made_by: the route that it was made on.
        opened: what the first of them said when it opened it.
        relative_error: of its outputs.
        warm_up_ns, warm_up_detected, settled: of the first process.
        expected_ns: latency to plan with, from the end of the warm-up.
        turns: how many it was to take.
        blocks, trials, peak_memory_mb: what was measured.
        status, reason: why it was not, or None while all is well.
    """

    source: Source
    runtime: Runtime
    lowering: Lowering
    batch_in_file: str | None = None
    technique: str = "none"
    variant: str = ""
    changed_by: Step | None = None
    taught_by: Step | None = None
    training: tuple[Epoch, ...] = ()
    processes: list[Worker | LocalWorker] = field(default_factory=list)
    artifact: Artifact | None = None
    made_by: Route = ()
    opened: dict[str, Any] = field(default_factory=dict)
    relative_error: float | None = None
    warm_up_ns: list[int] = field(default_factory=list)
    warm_up_detected: int = 0
    settled: bool | None = None
    expected_ns: float = 0.0
    turns: int = 0
    blocks: list[Block] = field(default_factory=list)
    trials: list[ServerTrial] = field(default_factory=list)
    peak_memory_mb: float | None = None
    status: Status | None = None
    reason: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """``model/runtime``, with the technique behind it."""
        return f"{self.source.name}/{way(self.runtime.name, self.technique, self.variant)}"

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """What was chosen for it: of the technique, of the runtime."""
        made = [setting for each in (self.taught_by, self.changed_by) if each for setting in each.settings]
        if self.trained and self.source.lesson is not None:
            made.append(("lesson", self.source.lesson.key[:8]))
        chosen = (*made, ("threads", self.lowering.threads), *self.lowering.options)
        return tuple((name, str(value)) for name, value in chosen)

    @property
    def changed(self) -> bool:
        """Whether it is another model than the one that was handed in."""
        return self.changed_by is not None or self.taught_by is not None

    @property
    def trained(self) -> bool:
        """Whether training made it what it is."""
        return any(step.trained for step in (self.taught_by, self.changed_by) if step is not None)

    @property
    def key(self) -> str:
        """Unique in a run."""
        return f"{self.name}@{self.lowering.batch_size}{'*' if self.dynamic else ''}"

    @property
    def dynamic(self) -> bool:
        """Whether its artifact takes any batch size."""
        return self.batch_in_file == "dynamic"

    @property
    def precision(self) -> str:
        """What it computes in."""
        return (self.artifact.computes if self.artifact else None) or self.source.precision

    @property
    def well(self) -> bool:
        """Whether it is open and has not failed."""
        return self.status is None and bool(self.processes)

    def fail(self, error: WorkerError) -> None:
        """Note why it ended."""
        self.end(error.status, error.reason)

    def end(self, status: str, reason: str) -> None:
        """Note a status and its reason."""
        self.status = status  # type: ignore[assignment]  # workers send status words as text
        self.reason = reason
        self.processes = []

    def anew(self, **changes: Any) -> Candidate:
        """Make a candidate like this one, with nothing known of it yet.

        Args:
            changes: what is different.
        """
        kept = ("batch_in_file", "technique", "variant", "changed_by", "taught_by", "training")
        given = {name: getattr(self, name) for name in kept}
        lowering = changes.pop("lowering", self.lowering)
        return Candidate(self.source, self.runtime, lowering, **{**given, **changes})

    def measurement(self) -> Measurement | None:
        """Return what was measured, or None for a candidate that failed or was not reached."""
        if self.status is not None or not self.blocks:
            return None
        return Measurement(
            load_ms=self.opened["load_ms"],
            compile_ms=self.opened["compile_ms"],
            first_inference_ms=self.opened["first_inference_ms"],
            warm_up_ns=tuple(self.warm_up_ns),
            warm_up_detected=self.warm_up_detected,
            blocks=tuple(self.blocks),
            peak_memory_mb=self.peak_memory_mb,
            trials=tuple(self.trials),
        )

    def result(self) -> Result:
        """Return the record, without what is derived from the measurement."""
        measurement = self.measurement()
        status, reason = self.status, self.reason
        live = self.source.stays_live if self.runtime.group else None
        if status is None and measurement is None:
            status, reason = "failed", "interrupted before it was measured"
        return Result(
            model=self.source.name,
            runtime=self.runtime.name,
            batch_size=self.lowering.batch_size,
            device=self.lowering.device,
            threads=self.lowering.threads,
            precision=self.precision,
            technique=self.technique,
            variant=self.variant,
            settings=self.settings,
            status=status or "measured",
            reason=reason,
            batch_in_file=self.batch_in_file if self.artifact else None,
            route=self.artifact.route if self.artifact else None,
            notes=(*self.source.notes, *([live] if live else []), *self.notes),
            artifact_mb=self.artifact.size_mb if self.artifact else None,
            relative_error=self.relative_error,
            measurement=measurement,
            training=self.training,
        )
