"""Without labels: how far a candidate's answers agree with the original's. That is not accuracy.

Which kind fits is read off the original's outputs: the same class (top-1), the same decision, the same direction
(cosine), or numbers that lie close together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from inferspeed_magic.search.measure import Measure, are_probabilities, rows_sum_to_one

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Array = np.ndarray[Any, Any]

TOP_1: Final = "top-1 agreement"
DECISION: Final = "decision agreement"
COSINE: Final = "cosine agreement"
CLOSENESS: Final = "closeness"
EQUALITY: Final = "equal answers"
NAMES: Final = (TOP_1, DECISION, COSINE, CLOSENESS, EQUALITY)
#: With fewer numbers than this in a sample's output a direction says little: with one it is a sign.
_FEWEST_FOR_COSINE = 8


def agreement(outputs: Sequence[Array], name: str | None = None, *, regression: bool | None = None) -> Measure:
    """Choose a kind of agreement for each output; the score is the mean over outputs.

    Args:
        outputs: of the original.
        name: one of ``NAMES``, for all outputs; None to choose.
        regression: whether the model's loss says that outputs are numbers to predict (True) or classes (False); None
            where nothing is known.
    """
    kinds = [name or _kind(output, regression=regression) for output in outputs]
    compared = [_COMPARED[kind](output) for kind, output in zip(kinds, outputs, strict=True)]

    def values(expected: Sequence[Array], found: Sequence[Array]) -> Array:
        each = [
            np.asarray(compare(one, other), np.float64).reshape(len(other), -1).mean(axis=1)
            for compare, one, other in zip(compared, expected, found, strict=True)
        ]
        mean: Array = np.mean(each, axis=0)
        return mean

    label = kinds[0] if len(set(kinds)) == 1 else "mean agreement"
    first = outputs[0]
    decisions = first.shape[-1] if kinds == [TOP_1] else 2 if kinds == [DECISION] else None
    return Measure(label, higher_is_better=True, values=values, decisions=decisions)


def _kind(output: Array, *, regression: bool | None) -> str:
    if output.dtype.kind not in "fc":
        return EQUALITY
    columns = output.shape[-1] if output.ndim > 1 else 1
    if regression is not True:
        if columns > 1 and rows_sum_to_one(output):
            return TOP_1
        if are_probabilities(output) and (columns == 1 or (output.ndim == 2 and regression is False)):  # noqa: PLR2004
            return DECISION
        if columns > 1 and output.ndim == 2 and not are_probabilities(output):  # noqa: PLR2004  (samples, classes)
            return TOP_1
    return COSINE if output[:1].size >= _FEWEST_FOR_COSINE else CLOSENESS


def _top_1(_: Array) -> Callable[[Array, Array], Array]:
    return lambda expected, found: expected.argmax(axis=-1) == found.argmax(axis=-1)


def _decision(_: Array) -> Callable[[Array, Array], Array]:
    return lambda expected, found: (expected > 0.5) == (found > 0.5)  # noqa: PLR2004  (of a sigmoid)


def _equality(_: Array) -> Callable[[Array, Array], Array]:
    return lambda expected, found: expected == found


def _cosine(_: Array) -> Callable[[Array, Array], Array]:
    def compare(expected: Array, found: Array) -> Array:
        one, other = (array.reshape(len(array), -1).astype(np.float64) for array in (expected, found))
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        # Two answers that are nothing but zeros agree.
        same = (one == other).all(axis=1).astype(np.float64)
        cosine: Array = np.divide((one * other).sum(axis=1), lengths, out=same, where=lengths > 0)
        return cosine

    return compare


def _closeness(original: Array) -> Callable[[Array, Array], Array]:
    """1 - difference / how much the original's answers differ from sample to sample (standard deviation); least 0."""
    spread = original.astype(np.float64).std(axis=0)
    scale = np.where(spread > 0, spread, np.maximum(np.abs(original).max(axis=0), np.finfo(np.float32).tiny))
    return lambda expected, found: np.maximum(0, 1 - np.abs(found.astype(np.float64) - expected) / scale)


_COMPARED: Final[dict[str, Callable[[Array], Callable[[Array, Array], Array]]]] = {
    TOP_1: _top_1,
    DECISION: _decision,
    COSINE: _cosine,
    CLOSENESS: _closeness,
    EQUALITY: _equality,
}
