"""What a model is trained with: samples, labels, and how the user trains it; as files that another process reads."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.sources.array_files import read
from inferspeed_magic.sources.fingerprint import of_objects, reduced_loss
from inferspeed_magic.training.soft_targets import TEMPERATURE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Array = np.ndarray[Any, Any]
    #: Of each output, by position or by name; None without labels.
    Labels = list[Array] | dict[str, Array] | None

#: Where each epoch is written down while the training goes on, one JSON object a line.
LOG = "epochs.jsonl"
#: The folder of the model that learns, in that of the lesson, where it is one of the user's.
STUDENT = "student"
_FACTS = "lesson.json"
_PLAIN = ("epochs", "batch_size", "limit_s", "seed", "temperature", "features")
_PICKLED = "lesson.pkl"


@dataclass(frozen=True)
class Lesson:
    """How a model is trained.

    Attributes:
        inputs: one array for each input in flat order, samples first.
        labels: for each output, by position or by name; None where only the teacher's answers are learned.
        weights: of samples; None for equal ones.
        check_inputs, check_labels: other samples, which tell when to stop.
        epochs: at most so many; None for as many as the time allows.
        batch_size: samples of one step.
        limit_s: seconds that training may take.
        seed: of the order of the samples, and of whatever the model draws.
        loss, loss_weights: that the user compiled the model with; None without any.
        optimizer: configuration of the user's, as ``keras.optimizers.serialize`` gives it; None without any.
        fine_tune: the user's own training: it takes a model and trains it in place, or returns another one.
        temperature: by which the teacher's answers are softened.
        features: layers of the teacher, and which layer of a student of the user's learns from each.
    """

    inputs: list[Array]
    labels: Labels = None
    weights: Array | None = None
    check_inputs: list[Array] = field(default_factory=list)
    check_labels: Labels = None
    epochs: int | None = None
    batch_size: int = 32
    limit_s: float = 60.0
    seed: int = 0
    loss: Any = None
    loss_weights: Any = None
    optimizer: dict[str, Any] | None = None
    fine_tune: Callable[[Any], Any] | None = None
    temperature: float = TEMPERATURE
    features: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.inputs[0]) if self.inputs else 0


def write_lesson(folder: Path, lesson: Lesson) -> None:
    """Write a lesson for another process; nothing but this run reads it.

    Args:
        folder: that is made.
        lesson: what is written.

    Raises:
        Exception: whatever pickle raises for a loss or a function that it cannot take apart.
    """
    objects = pickled(lesson)  # first: what cannot be pickled leaves nothing behind
    folder.mkdir(parents=True)
    (folder / _PICKLED).write_bytes(objects)
    facts: dict[str, Any] = {name: getattr(lesson, name) for name in _PLAIN}
    facts["arrays"] = {
        "inputs": _saved(folder, "input", lesson.inputs),
        "labels": _saved(folder, "label", lesson.labels),
        "weights": _saved(folder, "weight", None if lesson.weights is None else [lesson.weights]),
        "check_inputs": _saved(folder, "check_input", lesson.check_inputs),
        "check_labels": _saved(folder, "check_label", lesson.check_labels),
    }
    (folder / _FACTS).write_text(json.dumps(facts))


def pickled(lesson: Lesson) -> bytes:
    """Pickle what of a lesson is no array.

    Raises:
        Exception: whatever pickle raises for a loss or a function that it cannot take apart.
    """
    import cloudpickle
    import keras

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        """Takes losses for the plain objects that they are."""

        def reducer_override(self, thing: Any) -> Any:
            return reduced_loss(thing) if isinstance(thing, keras.losses.Loss) else super().reducer_override(thing)

    stream = io.BytesIO()
    Pickler(stream).dump(_objects(lesson))
    return stream.getvalue()


def hash_of_objects(lesson: Lesson) -> str:
    """Hash what of a lesson is no array: by its code, and that of the modules that it comes from.

    Raises:
        Exception: whatever pickle raises for a loss or a function that it cannot take apart.
    """
    return of_objects(_objects(lesson))


def _objects(lesson: Lesson) -> dict[str, Any]:
    return {name: getattr(lesson, name) for name in ("loss", "loss_weights", "optimizer", "fine_tune")}


def read_lesson(folder: str | Path) -> Lesson:
    """Read what ``write_lesson`` wrote."""
    import cloudpickle

    there = Path(folder)
    facts = json.loads((there / _FACTS).read_text())
    arrays = {name: _loaded(there, names) for name, names in facts.pop("arrays").items()}
    weights = arrays.pop("weights")
    # Written by this run, into a folder of its own.
    objects = cloudpickle.loads((there / _PICKLED).read_bytes())
    return Lesson(**arrays, **facts, **objects, weights=weights[0] if weights else None)


def _saved(folder: Path, kind: str, arrays: Labels | Sequence[Array]) -> list[str] | dict[str, str] | None:
    """Write arrays; gives their files in the same nest."""
    if arrays is None:
        return None
    values = list(arrays.values()) if isinstance(arrays, dict) else list(arrays)
    files = [f"{kind}_{position}.npy" for position in range(len(values))]
    for file, array in zip(files, values, strict=True):
        np.save(folder / file, array, allow_pickle=False)
    return dict(zip(arrays, files, strict=True)) if isinstance(arrays, dict) else files


def _loaded(folder: Path, names: list[str] | dict[str, str] | None) -> Any:
    if names is None:
        return None
    if isinstance(names, dict):
        return {key: read(str(folder / name)) for key, name in names.items()}
    return [read(str(folder / name)) for name in names]
