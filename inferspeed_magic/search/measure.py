"""How a metric looks at labels and outputs: sample by sample, or at all of them at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, Any]
    #: From labels and outputs to scores, shape ``(samples, ...)``.
    Values = Callable[[Any, Any], Array]
    #: From labels, outputs and weights (or None) to one score.
    Whole = Callable[[Any, Any, Array | None], float]

_ROUNDING = 1e-3
_LOWER = re.compile(
    r"(loss|error|crossentropy|cross_entropy|entropy|divergence|deviance|distance|hinge|perplexity)(_|$)"
    r"|(^|_)(mse|mae|rmse|mape|smape|msle|rmsle|nll|wer|cer|ece|brier|poisson|huber|log_?cosh)(_|$)"
    r"|false_(positives|negatives)"
)


@dataclass(frozen=True)
class Measure:
    """One metric, ready to be computed. It has either ``values`` or ``whole``.

    Attributes:
        name: as the user or Keras calls it.
        higher_is_better: whether a higher score is a better one.
        values: scores of samples (or of their steps and pixels), whose mean is the score; None where it is no mean.
        whole: the score of all samples at once.
        unscaled: whether scores have no natural scale although higher is better, so that drops are shares.
        decisions: number of classes that labels and outputs choose among, where that is what the metric looks at.
        notes: for the report.
    """

    name: str
    higher_is_better: bool
    values: Values | None = None
    whole: Whole | None = None
    unscaled: bool = False
    decisions: int | None = None
    notes: tuple[str, ...] = field(default=())


def snake_case(name: str) -> str:
    """Write ``MeanSquaredError`` as ``mean_squared_error``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def lower_is_better(name: str) -> bool:
    """Tell by its name whether this is an error or a loss."""
    return _LOWER.search(snake_case(name)) is not None


def higher_is_better(metric: Any, name: str) -> bool:
    """Tell whether higher scores are better: by ``greater_is_better``, by what Keras notes, or by the name."""
    stated = getattr(metric, "greater_is_better", None)
    if stated is not None:
        return bool(stated)
    if _is_loss(metric):
        return False
    noted = getattr(metric, "_direction", None)  # Keras 3 knows it for its own metrics
    if noted in {"up", "down"}:
        return bool(noted == "up")
    return not (lower_is_better(name) or lower_is_better(getattr(metric, "__name__", type(metric).__name__)))


def _is_loss(thing: Any) -> bool:
    """Tell losses of Keras, whatever they are called (Dice, CTC): by their class, or where the function is from."""
    if ".losses." in f"{getattr(thing, '__module__', '')}.":
        return True
    return any(each.__name__ == "Loss" for each in type(thing).__mro__)


def per_sample(values: Array, weights: Array | None) -> Array:
    """Average what belongs to one sample (steps, pixels), with the weights of steps where there are such.

    Args:
        values: shape ``(samples, ...)``.
        weights: shape ``(samples,)`` or that of the leading dimensions of ``values``; None for equal ones.
    """
    values = np.asarray(values, np.float64)
    if weights is not None and weights.ndim > 1 and values.shape[: weights.ndim] == weights.shape:
        values = values.reshape(*weights.shape, -1).mean(axis=-1)
        axes = tuple(range(1, weights.ndim))
        total = weights.sum(axis=axes)
        sums: Array = (values * weights).sum(axis=axes)
        means: Array = np.divide(sums, total, out=np.zeros(len(values)), where=total > 0)
        return means
    plain: Array = values.reshape(len(values), -1).mean(axis=1)
    return plain


def of_samples(weights: Array | None) -> Array | None:
    """Give one weight for each sample where steps have weights of their own."""
    return weights if weights is None or weights.ndim == 1 else weights.reshape(len(weights), -1).sum(axis=1)


def aligned(labels: Array, outputs: Array) -> Array:
    """Add or drop a last dimension of 1 in labels where outputs have or lack it."""
    if labels.ndim == outputs.ndim - 1 and outputs.shape[-1] == 1:
        return labels[..., np.newaxis]
    if labels.ndim == outputs.ndim + 1 and labels.shape[-1] == 1:
        return labels[..., 0]
    if labels.ndim == outputs.ndim and labels.shape[-1] == 1 and outputs.shape[-1] > 1:
        return labels[..., 0]
    return labels


def are_indices(labels: Array, outputs: Array) -> bool:
    """Tell whether labels are numbers of classes and outputs have a column for each class."""
    return labels.ndim == outputs.ndim - 1 and outputs.shape[-1] > 1


def one_hot(labels: Array, classes: int) -> Array:
    """Write numbers of classes as rows with a single 1; a number out of range is a row of zeros."""
    rows: Array = (labels.astype(np.int64)[..., np.newaxis] == np.arange(classes)).astype(np.float32)
    return rows


def are_probabilities(outputs: Array) -> bool:
    """Tell whether outputs lie between 0 and 1, rounding aside."""
    numbers = outputs[np.isfinite(outputs)]
    return bool(numbers.size and numbers.min() >= -_ROUNDING and numbers.max() <= 1 + _ROUNDING)


def rows_sum_to_one(outputs: Array) -> bool:
    """Tell whether these are probabilities of classes that exclude each other."""
    return are_probabilities(outputs) and bool(np.allclose(outputs.sum(axis=-1, dtype=np.float64), 1, atol=1e-2))


def squashed(outputs: Array) -> Array:
    """Make probabilities of logits: sigmoid for one column, softmax for several."""
    wide = outputs.astype(np.float64)
    if outputs.shape[-1] == 1:
        return np.exp(-np.logaddexp(0, -wide))
    shifted = np.exp(wide - wide.max(axis=-1, keepdims=True))
    result: Array = shifted / shifted.sum(axis=-1, keepdims=True)
    return result
