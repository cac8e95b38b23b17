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


def targets(taught: Sequence[Array], teacher: Any, loss: Any, keras: Any) -> list[Target]:
    """Tell how each output is to be read, by the answers and by the user's loss.

    Args:
        taught: the teacher's answers, for each output in flat order.
        teacher: that gave them; names of its outputs are those of losses.
        loss: that the user compiled the model with: one, or several by position or name; None without any.
        keras: the library.
    """
    names = list(getattr(teacher, "output_names", []) or [])
    losses = [loss.get(name) for name in names] if isinstance(loss, dict) else keras.tree.flatten(loss or [])
    logits = [bool(getattr(each, "from_logits", False)) for each in losses]
    binary = [type(each).__name__.startswith("Binary") for each in losses]
    if len(losses) != len(taught):  # one for all of them
        logits, binary = ([bool(flags) and all(flags)] * len(taught) for flags in (logits, binary))
    return [
        target(answers, from_logits=logit, binary=yes_or_no)
        for answers, logit, yes_or_no in zip(taught, logits, binary, strict=True)
    ]


def target(answers: Array, *, from_logits: bool = False, binary: bool = False) -> Target:
    """Tell from a teacher's answers how its output is to be read.

    Args:
        answers: to some samples, shape ``(samples, ...)``.
        from_logits: whether the user's loss takes this output for logits.
        binary: whether it takes each value by itself, and not as one of several classes.
    """
    values = np.asarray(answers, np.float64)
    if from_logits and not binary and values.ndim > 1 and values.shape[-1] > 1:
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
