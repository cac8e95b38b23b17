"""Candidates that a technique changes, and what can be ruled out without trying."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inferspeed_magic.profiling.candidate import Candidate
from inferspeed_magic.techniques.base import Subject

if TYPE_CHECKING:
    from inferspeed_magic.records import Machine
    from inferspeed_magic.runtimes.base import Lowering, Runtime
    from inferspeed_magic.sources.source import Source
    from inferspeed_magic.techniques.base import Technique

#: Samples that ranges of activations are found with.
_CALIBRATED = 100


def changed_candidate(
    part: Source, runtime: Runtime, lowering: Lowering, technique: Technique, *, machine: Machine, variant: str = ""
) -> Candidate | None:
    """Make a candidate of a technique on a runtime; None where the technique has nothing to do with the runtime.

    Args:
        part: the model, or what of it files can hold.
        runtime: that is to run it.
        lowering: how.
        technique: what is done to the model.
        machine: that it is for.
        variant: of the technique; empty for the usual settings.
    """
    made = technique.step_made(runtime.capabilities().formats)
    if made is None:
        return None
    lesson = part.lesson
    subject = Subject(
        runtime.name,
        part.precision,
        machine.instruction_sets,
        part.kind,
        taught=lesson is not None,
        samples=lesson.samples if lesson is not None else 0,
    )
    step = technique.step_for(subject, made, variant)
    batch_in_file = "static" if runtime.capabilities().batch_in_artifact else None
    candidate = Candidate(part, runtime, lowering, batch_in_file, technique.name, variant, step)
    rule_out(candidate)
    against = technique.applies_to(subject, made)
    if candidate.status is None and against:
        candidate.end("unsupported", against)
    if step.calibrated and not (part.has_real_inputs or part.own_calibration):
        candidate.notes.append("calibrated with made-up inputs, which find ranges that real ones may not have")
    if lesson is not None and lesson.fine_tune and technique.trains_in_tf_keras:
        candidate.notes.append(
            "trained with the loss that the model is compiled with: fine_tune takes models of Keras 3, and this is one "
            "of tf_keras"
        )
    return candidate


def calibrate(part: Source, seed: int) -> None:
    """Choose the samples that ranges of activations are found with; in no order, because data often has one.

    Args:
        part: that a technique is to change; samples that it has already stay.
        seed: of the choice, and of made-up inputs.
    """
    if part.calibration is None:
        samples = part.samples(_CALIBRATED, seed)
        chosen = np.random.default_rng(seed).permutation(len(samples[0]))[:_CALIBRATED]
        part.calibration = [array[chosen] for array in samples]


def rule_out(candidate: Candidate) -> None:
    """Note what can be known without trying."""
    runtime = candidate.runtime
    found = runtime.availability()
    kind = candidate.lowering.device.partition(":")[0]
    fixed = candidate.source.signature.fixed_batch
    if not found.available:
        candidate.end("unavailable", f"{found.reason}: {found.install_command}")
    elif kind not in runtime.capabilities().devices:
        candidate.end("unsupported", f"{runtime.name} does not run on a {kind} here")
    elif fixed is not None and fixed != candidate.lowering.batch_size:
        candidate.end("unsupported", f"the model is built for batches of {fixed}: use --batch-size {fixed}")
