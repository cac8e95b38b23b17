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
#: Values this many times the median, and as large as this, are constants that mask (-1e9 in attention), not a scale for
#: the others. Tails of activations are as far from the median, but small.
_OUTLYING = 1e4
_MASKING = 5e3
#: A column (boxes, scores: the last axis) counts by itself where it has this many values and deviates by more than
#: this share of its own magnitude and of the whole output's: more than rounding does to columns that are nearly zero.
_LONG_COLUMN = 8
_OF_COLUMN, _OF_OUTPUT = 0.1, 1e-4


def relative_error(outputs: Sequence[Array], expected: Sequence[Array]) -> float:
    """Return the largest deviation of any output, relative to the largest magnitude in that output.

    Magnitudes far beyond the median count for themselves only, so that a mask of -1e9 hides nothing; and so do columns
    that deviate grossly, so that boxes do not hide scores. Integers (by more than 1, if they have 8 bits: pictures are
    rounded), booleans and strings count as the share of elements that differ. A wrong shape, a NaN where none is
    expected, or a wrong number of outputs is an infinite error.
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
    if theirs.dtype.kind in "iu" and mine.dtype.kind in "iu":
        return _share_that_differs(mine, theirs)
    wide = np.complex128 if "c" in (mine.dtype.kind, theirs.dtype.kind) else np.float64
    left, right = mine.astype(wide), theirs.astype(wide)
    finite = np.isfinite(right)
    if not np.array_equal(left[~finite], right[~finite], equal_nan=True) or not np.isfinite(left[finite]).all():
        return float("inf")
    deviation, magnitude = np.zeros(right.shape), np.zeros(right.shape)
    deviation[finite], magnitude[finite] = np.abs(left[finite] - right[finite]), np.abs(right[finite])
    if not deviation.any():
        return 0.0
    scale = _scale(magnitude)
    with np.errstate(divide="ignore", over="ignore"):
        error = float(np.max(deviation / np.maximum(magnitude, scale), where=deviation > 0, initial=0.0))
    return max(error, _error_of_columns(deviation, magnitude, scale))


def _share_that_differs(mine: Array, theirs: Array) -> float:
    """Compare whole numbers as such: they name things, and 64 bits do not fit into a float."""
    differ = mine != theirs
    if theirs.dtype.itemsize == 1:
        differ &= np.abs(mine.astype(np.int64) - theirs.astype(np.int64)) > 1
    return float(np.mean(differ)) if theirs.size else 0.0


def _scale(magnitude: Array) -> float:
    """Give the largest magnitude that is no outlier."""
    there = magnitude[magnitude > 0]
    if not there.size:
        return 0.0
    return float(np.max(there[there <= max(_MASKING, _OUTLYING * float(np.median(there)))], initial=0.0))


def _error_of_columns(deviation: Array, magnitude: Array, scale: float) -> float:
    """Give the error of the worst column that deviates grossly; 0 where none does."""
    if deviation.ndim < 2 or deviation[..., 0].size < _LONG_COLUMN:  # noqa: PLR2004  (a batch and something in it)
        return 0.0
    above = tuple(range(deviation.ndim - 1))
    largest, own = deviation.max(axis=above), magnitude.max(axis=above)
    gross = (largest > _OF_COLUMN * own) & (largest > _OF_OUTPUT * scale)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.max(largest / own, where=gross, initial=0.0))
