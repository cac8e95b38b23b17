"""The commonest metrics in NumPy, sample by sample, as Keras defines them: they need no Keras and no float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from inferspeed_magic.errors import InputError
from inferspeed_magic.search.measure import Measure, aligned, are_indices, are_probabilities, snake_case

if TYPE_CHECKING:
    from inferspeed_magic.search.measure import Values

    Array = np.ndarray[Any, Any]

ACCURACY = ("accuracy", "acc")
_SHORT = {
    "mae": "mean_absolute_error",
    "mse": "mean_squared_error",
    "rmse": "root_mean_squared_error",
}


def named(name: str, labels: Array, outputs: Array) -> Measure | None:
    """Give the metric of this name; None where it is none of these.

    ``accuracy`` becomes binary, categorical or sparse by the shapes, as in Keras.
    """
    asked = snake_case(name)
    kind = _SHORT.get(asked, asked)
    if kind in ACCURACY:
        kind = _accuracy_for(labels, outputs)
    if kind == "binary_accuracy":
        return binary_accuracy(name, outputs)
    if kind == "categorical_accuracy" and are_indices(aligned(labels, outputs), outputs):
        kind = "sparse_categorical_accuracy"
    if kind == "root_mean_squared_error":
        return Measure(name, higher_is_better=False, whole=_root_mean_squared)
    if kind.endswith("categorical_accuracy") and (outputs.ndim == 1 or outputs.shape[-1] == 1):
        raise InputError(f"{name} needs a column of outputs for each class, there is one: try binary_accuracy")
    if kind.endswith("categorical_accuracy") and are_indices(aligned(labels, outputs), outputs):
        check_classes(labels, outputs)
    values = _VALUES.get(kind)
    if values is None:
        return None
    right = kind.endswith("accuracy")
    return Measure(name, higher_is_better=right, values=values, decisions=outputs.shape[-1] if right else None)


def inferred(labels: Array, outputs: Array) -> tuple[Measure, str]:
    """Choose a metric by what labels and outputs look like, and say which and why."""
    matched = aligned(labels, outputs)
    whole = labels.dtype.kind in "biu" or bool(np.array_equal(labels, np.round(labels)))
    if are_indices(matched, outputs) and whole:
        return _must("sparse_categorical_accuracy", labels, outputs), "labels are numbers of classes"
    if matched.shape != outputs.shape:
        raise InputError(
            f"labels of shape {labels.shape} and outputs of shape {outputs.shape} do not go together: "
            "name the metric, or give a function metric(y_true, y_pred)"
        )
    several = outputs.ndim > 1 and outputs.shape[-1] > 1
    zero_or_one = whole and bool(np.isin(matched, (0, 1)).all())
    if zero_or_one and several and bool((matched.sum(axis=-1) == 1).all()):
        return _must("categorical_accuracy", labels, outputs), "labels are one-hot"
    if zero_or_one:
        return _must("binary_accuracy", labels, outputs), "labels are 0 or 1"
    return _must("mean_absolute_error", labels, outputs), "labels are numbers, not classes"


def binary_accuracy(name: str, outputs: Array, threshold: float | None = None) -> Measure:
    """Share of right decisions between 0 and 1.

    Args:
        name: for the report.
        outputs: of the original: the decision is at 0.5 where these are probabilities, at 0 where they are logits.
        threshold: where the decision is, if that is known.
    """
    notes: tuple[str, ...] = ()
    if threshold is None:
        logits = not are_probabilities(outputs) and bool((np.abs(outputs - 0.5) > 1).any())
        threshold = 0.0 if logits else 0.5
        notes = ("outputs are taken for logits: the decision is at 0",) if logits else ()
    return Measure(
        name,
        higher_is_better=True,
        values=lambda labels, found: (found > threshold) == (aligned(labels, found) > 0.5),  # noqa: PLR2004
        decisions=2,
        notes=notes,
    )


def check_classes(labels: Array, outputs: Array) -> None:
    """Refuse numbers of classes that outputs have no column for.

    Raises:
        InputError: naming the range.
    """
    low, high, classes = labels.min(), labels.max(), outputs.shape[-1]
    if low < 0 or high >= classes:
        mend = "; classes count from 0" if high == classes and low > 0 else ""
        raise InputError(f"labels go from {low:g} to {high:g}, the outputs have {classes} classes{mend}")


def _accuracy_for(labels: Array, outputs: Array) -> str:
    """Choose as ``keras.src.trainers.compile_utils.get_metric`` does."""
    if outputs.ndim == 1 or outputs.shape[-1] == 1:
        return "binary_accuracy"
    if labels.ndim < outputs.ndim or labels.shape[-1] == 1:
        return "sparse_categorical_accuracy"
    return "categorical_accuracy"


def _must(name: str, labels: Array, outputs: Array) -> Measure:
    measure = named(name, labels, outputs)
    assert measure is not None  # noqa: S101  (called with names from above)
    return measure


def _sparse(labels: Array, outputs: Array) -> Array:
    matched = aligned(labels, outputs)
    if matched.shape == outputs.shape:  # one-hot labels, where the sparse metric was asked for
        matched = matched.argmax(axis=-1)
    right: Array = outputs.argmax(axis=-1) == matched
    return right


def _categorical(labels: Array, outputs: Array) -> Array:
    right: Array = outputs.argmax(axis=-1) == labels.argmax(axis=-1)
    return right


def _absolute(labels: Array, outputs: Array) -> Array:
    return np.abs(outputs.astype(np.float64) - aligned(labels, outputs))


def _squared(labels: Array, outputs: Array) -> Array:
    return np.square(outputs.astype(np.float64) - aligned(labels, outputs))


def _root_mean_squared(labels: Array, outputs: Array, weights: Array | None) -> float:
    squares = _squared(labels, outputs)
    squares = squares.reshape(len(squares), -1).mean(axis=1)
    return float(np.sqrt(np.average(squares, weights=weights)))


_VALUES: Final[dict[str, Values]] = {
    "sparse_categorical_accuracy": _sparse,
    "categorical_accuracy": _categorical,
    "mean_absolute_error": _absolute,
    "mean_squared_error": _squared,
}
