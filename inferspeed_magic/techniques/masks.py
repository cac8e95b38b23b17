"""Zeros in kernels, where weights are smallest; and training that leaves them zero, on any backend of Keras 3.

Source: S. Han and others, "Learning both weights and connections for efficient neural networks", 2015,
https://arxiv.org/abs/1506.02626; two of four: A. Mishra and others, "Accelerating sparse deep neural networks", 2021,
https://arxiv.org/abs/2104.08378.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Array = np.ndarray[Any, Any]

#: Which zeros stand together: none; two of every four along the inputs; blocks of 4 x 4 of a matrix.
Pattern = Literal["unstructured", "two_in_four", "blocks"]

BLOCK = 4
_OF_FOUR, _LEFT_OF_FOUR = 4, 2
#: Of kernels that groups of four inputs are counted in: matrices, and those of pictures.
_GROUPED_RANKS = (2, 4)
_MATRIX = 2


def fits(shape: Sequence[int], pattern: Pattern) -> bool:
    """Tell whether a kernel of this shape can have a pattern."""
    if pattern == "two_in_four":
        return len(shape) in _GROUPED_RANKS and shape[-2] >= _OF_FOUR
    # More than one block in each direction: tfmot cannot do with fewer.
    return pattern == "unstructured" or (len(shape) == _MATRIX and min(shape) > BLOCK)


def mask_of(kernel: Array, sparsity: float, pattern: Pattern = "unstructured") -> Array:
    """Say which weights stay.

    Args:
        kernel: inputs along the last axis but one, outputs along the last.
        sparsity: share of zeros, 0 to 1; two of four are a half whatever it is.
        pattern: of the zeros.

    Returns:
        1 where a weight stays, 0 elsewhere, of the kernel's shape and dtype. All ones where the pattern does not fit.
    """
    if not fits(kernel.shape, pattern):
        return np.ones_like(kernel)
    sizes = np.abs(kernel.astype(np.float64))
    if pattern == "two_in_four":
        return _two_in_four(sizes).astype(kernel.dtype)
    if pattern == "blocks":
        return _blocks(sizes, sparsity).astype(kernel.dtype)
    return _largest(sizes, sparsity).astype(kernel.dtype)


def sparsity_of(arrays: Sequence[Array]) -> float:
    """Return the share of zeros in all arrays together."""
    count = sum(array.size for array in arrays)
    return sum(int((array == 0).sum()) for array in arrays) / count if count else 0.0


@contextlib.contextmanager
def kept_zero(masks: Mapping[int, tuple[Any, Array]]) -> Iterator[None]:
    """Have optimizers of Keras put zeros back after every step.

    Args:
        masks: variables of Keras 3 with their masks, by ``id``.
    """
    before = {key: variable.constraint for key, (variable, _) in masks.items()}
    for key, (variable, mask) in masks.items():
        variable.constraint = _Masked(mask, before[key])
    try:
        yield
    finally:
        for key, (variable, mask) in masks.items():
            variable.constraint = before[key]
            variable.assign(variable.numpy() * mask)  # whatever else may have trained it


class _Masked:
    """A constraint that multiplies by a mask, after the layer's own."""

    def __init__(self, mask: Array, own: Any) -> None:
        self._mask, self._own = mask, own

    def __call__(self, weights: Any) -> Any:
        values = self._own(weights) if self._own is not None else weights
        return values * self._mask


def _largest(sizes: Array, sparsity: float) -> Array:
    kept = max(1, round(sizes.size * (1.0 - sparsity)))
    mask = np.zeros(sizes.size)
    mask[np.argpartition(sizes.ravel(), sizes.size - kept)[sizes.size - kept :]] = 1.0
    return mask.reshape(sizes.shape)


def _two_in_four(sizes: Array) -> Array:
    """Keep the two largest of four neighbours along the inputs; what is left over at the end counts as four, too."""
    moved = np.moveaxis(sizes, -2, -1)
    missing = -moved.shape[-1] % _OF_FOUR
    padded = np.pad(moved, [(0, 0)] * (moved.ndim - 1) + [(0, missing)], constant_values=-1.0)
    groups = padded.reshape(*padded.shape[:-1], -1, _OF_FOUR)
    mask = np.zeros(groups.shape)
    np.put_along_axis(mask, np.argsort(groups, axis=-1)[..., _LEFT_OF_FOUR:], 1.0, axis=-1)
    return np.moveaxis(mask.reshape(padded.shape)[..., : moved.shape[-1]], -1, -2)


def _blocks(sizes: Array, sparsity: float) -> Array:
    rows, columns = sizes.shape
    padded = np.pad(sizes, [(0, -rows % BLOCK), (0, -columns % BLOCK)])
    high, wide = padded.shape[0] // BLOCK, padded.shape[1] // BLOCK
    means = padded.reshape(high, BLOCK, wide, BLOCK).mean(axis=(1, 3))
    spread = np.repeat(np.repeat(_largest(means, sparsity), BLOCK, axis=0), BLOCK, axis=1)
    return spread[:rows, :columns]
