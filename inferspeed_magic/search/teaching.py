"""What models are trained with during a search: the user's samples, loss and functions, checked and written down."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import InputError, OptionError
from inferspeed_magic.search.data import checked_data, unpacked
from inferspeed_magic.search.student import write_student
from inferspeed_magic.sources.fingerprint import of_arrays
from inferspeed_magic.sources.live import custom_objects
from inferspeed_magic.sources.source import LessonFiles
from inferspeed_magic.sources.structure import leaves
from inferspeed_magic.training import Lesson, hash_of_objects, pickled, write_lesson
from inferspeed_magic.training.soft_targets import TEMPERATURE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from inferspeed_magic.search.asked import Asked
    from inferspeed_magic.search.splitting import Part
    from inferspeed_magic.sources.source import Source

    Array = np.ndarray[Any, Any]

#: Of the budget, what one training may take: three of them, and everything else; and all students together.
_SHARE, _STUDENTS_SHARE = 0.2, 0.3
_FEW, _SMALL_BATCH, _BATCH = 2000, 32, 64
#: Samples that are compared with those that accuracy is measured on.
_COMPARED = 200
_MUCH = 0.05


def lesson(asked: Asked, source: Source, check: Part) -> tuple[Lesson, tuple[str, ...]]:
    """Put together what to train with, for the whole model.

    Args:
        asked: training data, epochs, and the user's function.
        source: the model; what it was compiled with is taken over.
        check: samples that tell when to stop.

    Returns:
        The lesson, and notes for the report.

    Raises:
        InputError: for training data that does not fit the model.
        OptionError: for what is no Keras 3 model.
    """
    if source.kind != "keras":
        raise OptionError("only Keras 3 models can be trained: leave train=, fine_tune= and student= out")
    loss, weights, optimizer = _compiled(source.model)
    facts: dict[str, Any] = {
        "epochs": asked.epochs,
        "limit_s": min(_SHARE, _STUDENTS_SHARE / max(1, len(asked.students))) * asked.goal.budget_s,
        "seed": asked.request.seed,
        "loss": loss,
        "loss_weights": weights,
        "optimizer": optimizer,
        "fine_tune": asked.fine_tune,
        "temperature": asked.temperature,
        "features": dict(asked.features),
    }
    if asked.train is None:
        return Lesson([], **facts), ()
    try:
        samples = checked_data(source, unpacked(asked.train, most_samples=None), asked.request.seed, most_samples=None)
    except InputError as error:
        raise InputError(f"train: {error}") from None
    supervised = loss is not None and samples.labels is not None
    notes = samples.notes
    if samples.labels is not None and loss is None:
        notes += ("the model is not compiled, so training learns the original's answers and leaves the labels aside",)
    return Lesson(
        samples.inputs,
        samples.labels,
        samples.weights,
        check_inputs=check.inputs,
        # Without labels there is no telling how well the user's loss is doing.
        check_labels=check.labels if supervised else None,
        batch_size=_BATCH if len(samples) > _FEW else _SMALL_BATCH,
        **facts,
    ), notes


def distilling_words(asked: Asked) -> tuple[str, ...]:
    """Say what students learn, where it is not the usual."""
    said = [] if asked.temperature == TEMPERATURE else [f"answers are softened at temperature {asked.temperature:g}"]
    said += [f"what its layer {learned} makes is to be like what {taught} makes" for taught, learned in asked.features]
    return (f"how a student learns: {'; '.join(said)}",) if said and asked.students else ()


def written(found: Lesson, source: Source, folder: Path, students: Mapping[str, Any]) -> LessonFiles:
    """Write a lesson for the process that trains, with the inputs that this part of the model takes.

    Args:
        found: the lesson for the whole model.
        source: the model, or the part of it that is trained.
        folder: to write.
        students: Keras 3 models that are to learn, as ``check_student`` left them, by name; the name of an only one
            may be empty.

    Raises:
        OptionError: for a loss, a function or a student that cannot be sent to another process, and where there is no
            room for what to train with.
    """
    if source.whole is not None:
        found = _for_part(found, source)
    try:
        digest = hashlib.sha256(hash_of_objects(found).encode())
        pickled(found)
    except Exception as error:
        what = "fine_tune" if found.fine_tune is not None else "the model's loss"
        raise OptionError(
            f"{what} cannot be sent to the process that trains ({type(error).__name__}: {str(error)[:200]}): "
            "have it use what it makes or imports itself"
        ) from error
    arrays = [*found.inputs, *leaves(found.labels), *found.check_inputs, *leaves(found.check_labels)]
    digest.update(of_arrays(arrays if found.weights is None else [*arrays, found.weights]).encode())
    try:
        write_lesson(folder, found)
        for name, student in students.items():
            digest.update(f"{name}{write_student(student, source, folder, name)}".encode())
    except OSError as error:
        raise OptionError(
            f"what to train with cannot be written ({error}): free space, set TMPDIR elsewhere, or train with less"
        ) from error
    numbers = [found.epochs, found.batch_size, found.limit_s, found.seed, found.temperature, [*found.features.items()]]
    digest.update(repr(numbers).encode())
    return LessonFiles(
        folder,
        digest.hexdigest()[:32],
        found.limit_s,
        fine_tune=found.fine_tune is not None,
        samples=len(found),
        students=tuple(students),
        custom={name: custom_objects(student, "keras") for name, student in students.items()},
    )


def overlap(found: Lesson, split: list[Array]) -> str | None:
    """Warn where samples that accuracy is measured on are among those that are trained with.

    Args:
        found: what is trained with.
        split: inputs that accuracy is measured on.
    """
    if not found.inputs or not split:
        return None
    known = {_hash(found.inputs, place) for place in range(len(found))}
    looked_at = min(_COMPARED, len(split[0]))
    share = sum(_hash(split, place) in known for place in range(looked_at)) / max(1, looked_at)
    if share < _MUCH:
        return None
    return (
        f"{share:.0%} of the samples that accuracy is measured on are among those that are trained with: trained "
        "candidates look better than they are; give other samples as data"
    )


def _hash(arrays: list[Array], place: int) -> bytes:
    digest = hashlib.blake2b(digest_size=12)
    for array in arrays:
        digest.update(np.ascontiguousarray(array[place]).tobytes())
    return digest.digest()


def _for_part(found: Lesson, source: Source) -> Lesson:
    feed = source.feed
    return replace(
        found,
        inputs=feed(found.inputs) if found.inputs else [],
        check_inputs=feed(found.check_inputs) if found.check_inputs else [],
    )


def _compiled(model: Any) -> tuple[Any, Any, Any]:
    """Read off a live model what it was compiled with: loss, weights of losses, and the optimizer's configuration."""
    if not getattr(model, "compiled", False):
        return None, None, None
    import keras

    weights = getattr(getattr(model, "_compile_loss", None), "_user_loss_weights", None)
    optimizer = getattr(model, "optimizer", None)
    return model.loss, weights, keras.optimizers.serialize(optimizer) if optimizer is not None else None
