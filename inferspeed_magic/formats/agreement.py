"""Tell whether an artifact is the same model: its outputs have to agree with the source's."""

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
    if theirs.dtype.kind in "bUSO":
        return float(np.mean(mine != theirs)) if theirs.size else 0.0
    left, right = mine.astype(np.float64), theirs.astype(np.float64)
    finite = np.isfinite(right)
    if not np.array_equal(left[~finite], right[~finite], equal_nan=True) or not np.isfinite(left[finite]).all():
        return float("inf")
    deviation = float(np.max(np.abs(left[finite] - right[finite]), initial=0.0))
    magnitude = float(np.max(np.abs(right[finite]), initial=0.0))
    if deviation == 0.0:
        return 0.0
    return deviation / magnitude if magnitude > 0 else float("inf")
