"""How often a model that learns names the class that a label names, where there are classes to name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inferspeed_magic.training.lesson import Labels
    from inferspeed_magic.training.soft_targets import Target

    Array = np.ndarray[Any, Any]

_HALF = 0.5


def correctness(
    labels: Labels, answers: Sequence[Array], targets: Sequence[Target], keras: Any
) -> Callable[[Any, Any], Any] | None:
    """Make a function of labels and answers that gives 1 for each that is right, and 0 for the others.

    Args:
        labels: of some samples, by position or by name; None for none.
        answers: of the teacher to the same samples, one array for each output.
        targets: how each output is read.
        keras: the library.

    Returns:
        A function of tensors; None where there are no labels, several outputs, or no classes.
    """
    if labels is None or len(answers) != 1 or len(labels) != 1:
        return None
    (known,) = labels.values() if isinstance(labels, dict) else labels
    if known.dtype.kind not in "biuf" or len(known) != len(answers[0]):
        return None
    if targets[0].reading == "sigmoid":
        return _sides(keras.ops) if known.size == answers[0].size and set(np.unique(known)) <= {0, 1} else None
    return _classes(known, answers[0], keras.ops) if targets[0].reading in ("probabilities", "logits") else None


def _sides(ops: Any) -> Callable[[Any, Any], Any]:
    def right(y: Any, seen: Any) -> Any:
        return _equal(ops.cast(y, "float32") > _HALF, ops.cast(seen, "float32") > _HALF, ops)

    return right


def _classes(known: Array, answers: Array, ops: Any) -> Callable[[Any, Any], Any] | None:
    if known.shape == answers.shape:
        return lambda y, seen: _equal(ops.argmax(y, axis=-1), ops.argmax(seen, axis=-1), ops)
    if known.size == math.prod(answers.shape[:-1]) and bool(np.all(np.mod(known, 1) == 0)):
        return lambda y, seen: _equal(y, ops.argmax(seen, axis=-1), ops)
    return None


def _equal(one: Any, other: Any, ops: Any) -> Any:
    """Compare whole numbers; labels may have one dimension more or fewer than classes."""
    flat = [ops.cast(ops.reshape(each, (-1,)), "int32") for each in (one, other)]
    return ops.cast(ops.equal(*flat), "float32")
