"""The files that runtimes opened, made once more: those of a run are gone with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from inferspeed_magic.discovery import runtimes, techniques
from inferspeed_magic.errors import UserError, WorkerError
from inferspeed_magic.explanation.circumstances import Circumstance
from inferspeed_magic.explanation.experiment import Experiment
from inferspeed_magic.formats.routes import words
from inferspeed_magic.profiling import arguments
from inferspeed_magic.profiling.conversion import release
from inferspeed_magic.profiling.limits import LIMITS
from inferspeed_magic.profiling.more import alone
from inferspeed_magic.profiling.opening import ways
from inferspeed_magic.profiling.reasons import short
from inferspeed_magic.profiling.run import describer
from inferspeed_magic.records import way
from inferspeed_magic.workers.crew import Crew

if TYPE_CHECKING:
    from collections.abc import Callable

    from inferspeed_magic.explanation.verification import Verifier
    from inferspeed_magic.panel.progress import Progress
    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.records import ExplanationRecord


def exportable(record: ExplanationRecord) -> dict[str, tuple[str, Circumstance]]:
    """List whose files can be made: a model on a runtime that opens files, under its name ``model/runtime+technique``.

    Those that were looked into come first, and of these the models as they are.
    """
    threads = record.profile.request.threads or record.profile.machine.cores_given
    batch_size = record.profile.request.batch_sizes[0]
    looked_into = sorted(record.operators, key=lambda each: each.technique != "none")
    opened = [(each.model, each.runtime, each.technique) for each in looked_into]
    opened += [
        (each.model, each.runtime, each.technique)
        for each in record.profile.results
        if each.summary is not None and each.batch_size == batch_size and not each.variant
    ]
    return {
        f"{model}/{way(runtime, technique)}": (model, Circumstance(runtime, batch_size, threads, technique))
        for model, runtime, technique in opened
        if _opens_files(runtime) and (technique == "none" or technique in techniques())
    }


def export(
    verifier: Verifier,
    record: ExplanationRecord,
    name: str,
    keep: Callable[[str, Path], Path | None],
    progress: Progress,
) -> Path:
    """Make the file of one of these on the route that it was made on; one from the cache, where it still lies there.

    Args:
        verifier: holds the models.
        record: of the explanation.
        name: one of ``exportable``.
        keep: takes over a file from the folder of a run that ends, with what belongs to it; None where it cannot.
        progress: shows what is being done.

    Returns:
        The file; the user's own where the runtime opened that.

    Raises:
        UserError: where it cannot be made any more.
    """
    model, circumstance = exportable(record)[name]
    machine = record.profile.machine
    by_model = isinstance(verifier.inputs, dict) and set(verifier.inputs) == set(verifier.models)
    inputs: Any = {model: verifier.inputs[model]} if by_model else verifier.inputs
    with alone(), Crew() as crew:
        handed_in = {model: verifier.models[model]}
        sources = arguments.sources(handed_in, inputs, verifier.input_shapes, describer(crew, LIMITS))
        lab = Experiment(
            crew,
            record.profile.request,
            machine,
            limits=LIMITS,
            threads=record.profile.request.threads or machine.cores_given,
            tell=lambda doing: progress.update(50, 100, doing),
        )
        try:
            progress.update(10, 100, f"making the file of {name}")
            made = _made(lab, lab.candidate(sources[0], circumstance), _route(record, name))
            if not made.is_relative_to(crew.folder):
                return made
            kept = keep(str(made), crew.folder)
        finally:
            lab.converter.close()
            release(sources)
    if kept is None:
        raise UserError("no room for temporary files: free space, or set TMPDIR elsewhere")
    return kept


def _opens_files(runtime: str) -> bool:
    """Tell whether a runtime opens a file in a format of its own; one that is not there any more does not."""
    found = runtimes().get(runtime)
    return found is not None and found.capabilities().batch_in_artifact


def _route(record: ExplanationRecord, name: str) -> str | None:
    batch_size = record.profile.request.batch_sizes[0]
    return next(
        (each.route for each in record.profile.results if (each.name, each.batch_size) == (name, batch_size)), None
    )


def _made(lab: Experiment, candidate: Candidate, route: str | None) -> Path:
    """Make the file, the way it was made before if that is still there."""
    if candidate.status is not None:
        raise UserError(f"{candidate.name} has no file: {candidate.reason}")
    reason = "nothing leads to one"
    for each in sorted(ways(candidate), key=lambda one: words(one) != route):
        try:
            artifact = lab.converter.submit(candidate.source, each, candidate.lowering.batch_size).result()
        except WorkerError as error:
            reason = short(error.reason)
            continue
        if not artifact.path.startswith("live:"):
            return Path(artifact.path)
    raise UserError(f"the file of {candidate.name} could not be made: {reason}")
