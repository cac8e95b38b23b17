"""Weights of few distinct values: k-means in one dimension.

Source: S. Han, H. Mao, W. J. Dally, "Deep compression", 2015, https://arxiv.org/abs/1510.00149.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Array = np.ndarray[Any, Any]

_ROUNDS = 25
#: More weights than this say little more about where the centres are.
_LOOKED_AT = 200_000


def clustered(kernel: Array, clusters: int) -> Array:
    """Replace each weight by the centre of its cluster.

    Args:
        kernel: of any shape.
        clusters: how many distinct values are left at most; centres begin evenly spread over the range of the weights,
            which keeps large ones.
    """
    centres = _centres(kernel, clusters)
    bounds = (centres[1:] + centres[:-1]) / 2
    return centres[np.searchsorted(bounds, kernel.ravel())].reshape(kernel.shape).astype(kernel.dtype)


@contextlib.contextmanager
def kept_clustered(variables: Sequence[Any]) -> Iterator[None]:
    """Have optimizers of Keras keep weights that are equal now equal after every step: each cluster moves as one.

    Args:
        variables: of Keras 3, with few distinct values.
    """
    before = [variable.constraint for variable in variables]
    for variable, own in zip(variables, before, strict=True):
        variable.constraint = _Clustered(variable.numpy(), own)
    try:
        yield
    finally:
        for variable, own in zip(variables, before, strict=True):
            variable.constraint = own


class _Clustered:
    """A constraint that gives all weights of a cluster their mean, after the layer's own."""

    def __init__(self, kernel: Array, own: Any) -> None:
        values, places = np.unique(kernel, return_inverse=True)
        self._places = places.ravel().astype("int32")
        self._sizes = np.bincount(self._places, minlength=len(values)).astype(kernel.dtype)
        self._own = own

    def __call__(self, weights: Any) -> Any:
        from keras import ops

        moved = self._own(weights) if self._own is not None else weights
        sums = ops.segment_sum(ops.reshape(moved, (-1,)), self._places, len(self._sizes))
        return ops.reshape(ops.take(sums / self._sizes, self._places), ops.shape(weights))


def distinct(kernel: Array) -> int:
    """Count the distinct values of a kernel."""
    return len(np.unique(kernel))


def _centres(kernel: Array, clusters: int) -> Array:
    values = np.sort(kernel.astype(np.float64).ravel())
    values = values[:: max(1, values.size // _LOOKED_AT)]
    centres = np.linspace(values[0], values[-1], clusters)
    for _ in range(_ROUNDS):
        ends = np.searchsorted(values, (centres[1:] + centres[:-1]) / 2)
        parts = np.split(values, ends)
        moved = np.array([part.mean() if part.size else centre for part, centre in zip(parts, centres, strict=True)])
        if np.allclose(moved, centres):
            break
        centres = np.sort(moved)
    return centres
