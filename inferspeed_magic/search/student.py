"""A smaller model of the user's: made sure that it can take the original's place before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import ModelError, OptionError, UnsupportedError
from inferspeed_magic.sources import live
from inferspeed_magic.sources.fingerprint import of_model
from inferspeed_magic.sources.quiet import quiet
from inferspeed_magic.training import STUDENT
from inferspeed_magic.training.features import check_features

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from inferspeed_magic.sources.source import Source

    Array = np.ndarray[Any, Any]


def check_student(
    student: Any, source: Source, part: Source, name: str = "", *, features: Mapping[str, str] | None = None
) -> None:
    """Run a student as the original is run, and compare what they take and answer.

    Args:
        student: what the user's function returned.
        source: the original.
        part: of it that is trained; the original itself where that is all of it.
        name: which of several students it is; empty for the only one.
        features: layers of the original, and which of the student's learns from each.

    Raises:
        OptionError: for what cannot take the original's place.
    """
    import keras

    if not isinstance(student, keras.Model):
        what = f"student {name}" if name else "student()"
        raise OptionError(f"{what} has to return a Keras 3 model, and returned a {type(student).__name__}")
    if part is not source:
        raise OptionError(
            "the original's text and lookup layers stay in Keras, and a student learns only what comes after them: "
            "leave student= out, or optimize a model without such layers"
        )
    _check_inputs(student, source)
    batch = source.signature.fixed_batch or 1
    sample = [np.resize(array[:batch], (batch, *array.shape[1:])) for array in source.samples(batch, seed=0)]
    in_its_place = replace(source, name="student", model=student)
    try:
        mine = _outputs(in_its_place, sample)
    except ModelError as error:
        raise OptionError(
            f"the student cannot be run on the original's inputs: {str(error).partition(': ')[2]}"
        ) from error
    theirs = _outputs(source, sample)
    if mine != theirs:
        raise OptionError(f"the student answers a sample with {mine}, and the original with {theirs}: make them alike")
    if features:
        try:
            check_features(source.model, student, features)
        except UnsupportedError as error:
            raise OptionError(f"features: {error}") from error


def write_student(student: Any, source: Source, folder: Path, name: str = "") -> str:
    """Write the user's smaller model beside the lesson; gives its hash.

    Raises:
        OptionError: where another process could not read it.
        OSError: where there is no room.
    """
    try:
        with quiet():
            place = folder / STUDENT / name
            place.parent.mkdir(exist_ok=True)
            live.write(place, student, "keras", live.manifest("keras", source.signature, source.template))
    except OSError:
        raise
    except Exception as error:
        raise OptionError(f"the student cannot be sent to the process that trains: {error}") from error
    return of_model(student, "keras")


def _check_inputs(student: Any, source: Source) -> None:
    try:
        made = live.describe("student", student)
    except ModelError as error:
        raise OptionError(str(error)) from error
    takes = [spec.shape for spec in made[0].inputs] if made is not None else None
    given = [spec.shape for spec in source.signature.inputs]
    if takes is not None and not (len(takes) == len(given) and all(map(_fits, takes, given))):
        expected = ", ".join(str(spec.shape) for spec in source.signature.inputs)
        raise OptionError(f"the student takes {', '.join(map(str, takes))}, and the original {expected}")


def _fits(one: Sequence[int | None], other: Sequence[int | None]) -> bool:
    """Whether two shapes may be the same; sizes that are not fixed fit all."""
    return len(one) == len(other) and all(None in pair or pair[0] == pair[1] for pair in zip(one, other, strict=True))


def _outputs(source: Source, sample: list[Array]) -> str:
    """Write the shapes of what a model answers, by name where it gives names."""
    shapes = [str(array.shape[1:]) for array in source.outputs(sample)]
    nest = source.output_template()
    names = sorted(nest["dict"]) if isinstance(nest, dict) and "dict" in nest else []
    if len(names) != len(shapes):
        return ", ".join(shapes)
    # Dictionaries are flattened in the order of their keys.
    return ", ".join(f"{name}: {shape}" for name, shape in zip(names, shapes, strict=True))
