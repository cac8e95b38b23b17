"""Whether an artifact is the same model: do its outputs agree with the source's?"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, Any]

#: Largest relative error that rounding can explain, by the precision of the arithmetic.
#: Files with integer weights are rounded again and again on the way, by each runtime in its own manner.
TOLERANCES = {"float64": 1e-3, "float32": 1e-3, "float16": 3e-2, "bfloat16": 1e-1, "int8": 5e-2, "int4": 5e-2}
_FEW = 5


def relative_error(outputs: Sequence[Array], expected: Sequence[Array]) -> float:
    """Return the largest deviation of any output, relative to the largest magnitude in that output.

    Booleans and strings count as the share of elements that differ. A wrong shape, a NaN where none is expected, or a
    wrong number of outputs is an infinite error.
    """
    if len(outputs) != len(expected):
        return float("inf")
    return max((_error(mine, theirs) for mine, theirs in zip(outputs, expected, strict=True)), default=float("inf"))


def best_order(outputs: Sequence[Array], expected: Sequence[Array]) -> tuple[int, ...]:
    """Find the order in which the outputs agree best: some converters sort them by name."""
    straight = tuple(range(len(outputs)))
    if not 1 < len(outputs) <= _FEW or len(outputs) != len(expected):
        return straight
    return min(
        itertools.permutations(straight),
        key=lambda order: relative_error([outputs[position] for position in order], expected),
    )


def _error(mine: Array, theirs: Array) -> float:
    if mine.shape != theirs.shape:
        return float("inf")
    if theirs.size == 0:
        return 0.0
    if theirs.dtype.kind in "bUSO":
        return float(np.mean(mine != theirs))
    left, right = mine.astype(np.float64), theirs.astype(np.float64)
    nan = np.isnan(right)
    if not np.array_equal(np.isnan(left), nan):
        return float("inf")
    infinite = np.isinf(right)
    if not np.array_equal(left[infinite], right[infinite]):
        return float("inf")
    known = ~(nan | infinite)
    if not known.any():
        return 0.0
    deviation = float(np.max(np.abs(left[known] - right[known])))
    magnitude = float(np.max(np.abs(right[known])))
    if deviation == 0.0:
        return 0.0
    return deviation / magnitude if magnitude > 0 else float("inf")
