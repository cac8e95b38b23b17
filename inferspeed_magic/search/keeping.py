"""Artifacts outlive the run that made them, so that a report can hand out models."""

from __future__ import annotations

import shutil
import weakref
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from inferspeed_magic.errors import OptionError
from inferspeed_magic.optimized import OptimizedModel, Package
from inferspeed_magic.profiling.conversion import link
from inferspeed_magic.sources.fingerprint import beside
from inferspeed_magic.workers.crew import new_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.records import Result
    from inferspeed_magic.sources.source import Source
    from inferspeed_magic.sources.structure import Template


class Shelf:
    """A folder of artifacts that lives as long as this object, which every model made from it holds on to.

    Raises:
        UserError: where no temporary files can be written.
    """

    def __init__(self) -> None:
        self._folder, lock = new_folder()
        self._kept: dict[str, Path] = {}
        weakref.finalize(self, _remove, self._folder, lock)

    def keep(self, path: str, made_in: Path) -> Path | None:
        """Take over an artifact with what belongs to it; None for what has no file, or no room.

        Args:
            path: of the artifact.
            made_in: the folder of this run: what lies elsewhere is the user's own.
        """
        if path.startswith("live:"):
            return None
        if path not in self._kept:
            artifact, folder = Path(path), self._folder / str(len(self._kept))
            try:
                folder.mkdir()
                if artifact.is_dir():
                    shutil.copytree(artifact, folder / artifact.name, copy_function=link)
                elif artifact.is_relative_to(made_in):  # alone in its folder with what belongs to it
                    shutil.copytree(artifact.parent, folder, copy_function=link, dirs_exist_ok=True)
                else:  # a link would change with the user's file
                    for file in [artifact, *beside(artifact)]:
                        shutil.copy2(file, folder / file.name)
            except OSError:
                shutil.rmtree(folder, ignore_errors=True)
                return None
            self._kept[path] = folder / artifact.name
        return self._kept[path]

    def kept(self, path: str) -> Path | None:
        """Find what was kept of an artifact."""
        return self._kept.get(path)


def _remove(folder: Path, lock: IO[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock.close()


def optimized(
    candidate: Candidate,
    result: Result,
    shelf: Shelf,
    output_template: Template,
    *,
    metric: str,
    compared: bool,
    fingerprint: str | None,
) -> OptimizedModel | None:
    """Make a model that can be called of a candidate; None where its artifact could not be kept.

    Args:
        candidate: that was measured.
        result: of it, for people to read.
        shelf: where its artifact lies.
        output_template: how the model's outputs are nested.
        metric: what accuracy means.
        compared: whether the original was measured, so that speed-ups mean something.
        fingerprint: of the model when it was optimized; None where it has none.
    """
    if candidate.artifact is None:
        return None
    kept = shelf.kept(candidate.artifact.path)
    if kept is None:
        return None
    source = candidate.source
    whole = source.whole or source
    package = Package(
        name=candidate.name,
        artifact=kept,
        runtime=candidate.runtime.name,
        lowering=replace(candidate.lowering, precision=candidate.precision),
        batch_in_file="static" if whole.signature.fixed_batch is not None else candidate.batch_in_file,
        inputs=whole.signature.inputs,
        input_template=whole.template,
        output_template=output_template,
        route=candidate.artifact.route,
        settings=candidate.settings,
        facts=_facts(result, metric, compared=compared),
    )
    feed = source.feed if source.whole is not None else None
    return OptimizedModel(package, feed=feed, owner=shelf, recipe=_recipe(candidate, source, fingerprint, shelf))


def _recipe(candidate: Candidate, source: Source, fingerprint: str | None, shelf: Shelf) -> Callable[[], str]:
    def write() -> str:
        if fingerprint is not None and source.fingerprint() != fingerprint:
            raise OptionError(f"`{source.name}` has changed since it was optimized: optimize it again for its recipe")
        from inferspeed_magic.optimized.recipe import recipe
        from inferspeed_magic.optimized.recipe_inputs import write_inputs, write_lesson
        from inferspeed_magic.sources.live import custom_objects

        model_file, calibration_file, expected_file = write_inputs(source)
        lesson, custom = None, dict(custom_objects(source.model, source.kind)) if source.model is not None else {}
        if source.lesson is not None and any(step.trained for step in candidate.made_by):
            kept = shelf.kept(str(source.lesson.folder))
            if kept is None:
                raise OptionError("there was no room to keep what it was trained with, so no script can train it again")
            lesson = write_lesson(kept, source.lesson.key)
            custom = both(custom, _students_own(candidate, source))
        return recipe(
            name=candidate.name,
            kind=source.kind,
            route=candidate.made_by,
            runtime=candidate.runtime.name,
            lowering=candidate.lowering,
            batch_in_file=candidate.batch_in_file,
            inputs=source.signature.inputs,
            template=source.template,
            model_file=model_file,
            calibration_file=calibration_file,
            expected_file=expected_file,
            custom=custom,
            lesson=lesson,
        )

    return write


def _students_own(candidate: Candidate, source: Source) -> dict[str, Any]:
    """Give the classes of the student that takes the model's place; none where none does."""
    from inferspeed_magic.optimized.recipe import DISTILLING

    known = source.lesson.custom if source.lesson is not None else {}
    named = [dict(step.settings).get("student", "") for step in candidate.made_by if step.call == DISTILLING]
    return {name: thing for each in named for name, thing in known.get(str(each), {}).items()}


def both(originals: Mapping[str, Any], students: Mapping[str, Any]) -> dict[str, Any]:
    """Put together the classes of two models for one script.

    Raises:
        OptionError: where a name means one thing in the one and another in the other.
    """
    from inferspeed_magic.optimized.recipe_custom import source_text

    known = {getattr(thing, "__name__", name): thing for name, thing in originals.items()}
    for name, thing in students.items():
        own = getattr(thing, "__name__", name)
        other = known.get(own, thing)
        # A cell that is run again defines the same thing anew.
        if other is not thing and (source_text(other) or other) != (source_text(thing) or thing):
            raise OptionError(
                f"the student and the original each have their own {own}, and a script can have one of them: "
                "give the student's another name"
            )
    return {**originals, **students}


def _facts(result: Result, metric: str, *, compared: bool) -> dict[str, object]:
    """Collect what was measured, as plain JSON."""
    facts: dict[str, object] = {"artifact_mb": result.artifact_mb, "relative_error": result.relative_error}
    best_known = result.held_out or result.selection
    if best_known is not None:
        facts |= {"metric": metric, "accuracy": best_known.value, "accuracy_drop": best_known.drop.value}
    if result.summary is not None:
        p50 = result.summary.p50_ms
        facts |= {"p50_ms": p50.value, "p50_low_ms": p50.low, "p50_high_ms": p50.high}
        if result.summary.speedup is not None and compared:
            facts["speedup"] = result.summary.speedup.value
    for part, accuracy in (("selection", result.selection), ("held_out", result.held_out)):
        if accuracy is not None:
            facts[part] = {
                "value": accuracy.value,
                "original": accuracy.original,
                "drop": accuracy.drop.value,
                "drop_low": accuracy.drop.low,
                "drop_high": accuracy.drop.high,
                "samples": accuracy.samples,
            }
    return facts
