"""What a model learns from its teacher: the teacher's answers to the same samples, softened.

Source: G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", arXiv:1503.02531, 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Array = np.ndarray[Any, Any]

#: How an output is to be read: as probabilities of classes, each by itself, as logits, or as numbers.
Reading = Literal["probabilities", "sigmoid", "logits", "numbers"]
#: Softness of the teacher's answers; the library's own default.
TEMPERATURE = 3.0
_SUM = 1e-3
_FEW = 256
_LEAST = 1e-7


@dataclass(frozen=True)
class Target:
    """How one output is learned.

    Attributes:
        reading: of its values.
        variance: of the teacher's answers, by which errors of numbers are divided.
    """

    reading: Reading
    variance: float = 1.0


def target(answers: Array, *, from_logits: bool = False) -> Target:
    """Tell from a teacher's answers how its output is to be read.

    Args:
        answers: to some samples, shape ``(samples, ...)``.
        from_logits: whether the user's loss takes this output for logits.
    """
    values = np.asarray(answers, np.float64)
    if from_logits and values.ndim > 1 and values.shape[-1] > 1:
        return Target("logits")
    if values.size and values.min() >= 0.0 and values.max() <= 1.0 + _SUM and not from_logits:
        classes = values.ndim > 1 and values.shape[-1] > 1
        if classes and np.abs(values.sum(-1) - 1.0).max() < _SUM:
            return Target("probabilities")
        if np.unique(values[:_FEW]).size > 1:
            return Target("sigmoid")
    return Target("numbers", float(values.var()) or 1.0)


def soft_loss(targets: Sequence[Target], keras: Any, temperature: float = TEMPERATURE) -> Callable[[Any, Any], Any]:
    """Make the loss between a teacher's and a student's answers.

    Args:
        targets: of each output, in flat order.
        keras: the library.
        temperature: of what is read as classes.

    Returns:
        Takes flat lists of the teacher's and of the student's answers; gives the mean over outputs.
    """
    ops = keras.ops
    # Its softmax undoes the logarithm where the answers are probabilities already. By its default, a name, Keras 3.15
    # compares logits without any softmax, and finds no difference between those below zero: it wants the object.
    classes = keras.distillation.LogitsDistillation(temperature, loss=keras.losses.KLDivergence())

    def one(each: Target, taught: Any, seen: Any) -> Any:
        taught, seen = ops.cast(taught, "float32"), ops.cast(seen, "float32")
        if each.reading == "logits":
            return classes.compute_loss(taught, seen)
        if each.reading == "probabilities":
            logits = [ops.log(ops.maximum(value, _LEAST)) for value in (taught, seen)]
            return classes.compute_loss(*logits)
        if each.reading == "sigmoid":
            return ops.mean(keras.losses.binary_crossentropy(taught, seen))
        return ops.mean(ops.square(taught - seen)) / each.variance

    def loss(taught: Any, seen: Any) -> Any:
        return sum(one(*each) for each in zip(targets, taught, seen, strict=True)) / len(targets)

    return loss
