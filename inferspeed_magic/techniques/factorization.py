"""Split layers of a Keras model in two by singular values.

After Denton and others, "Exploiting linear structure within convolutional networks for efficient evaluation", 2014,
https://arxiv.org/abs/1404.0736, and Zhang and others, "Accelerating very deep convolutional networks", 2015,
https://arxiv.org/abs/1505.06798 (a k x k convolution to few channels, then a pointwise one).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.techniques.keras_folder import is_graph, opened, save
from inferspeed_magic.techniques.thin_layers import matrix_of, thin

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, Any]


def factorize(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    energy_percent: int,
) -> None:
    """Replace every layer by two that do the same in fewer multiplications, where that keeps enough of its energy.

    Args:
        state: of the converter process (not used).
        source: folder of a portable model.
        target: folder to write.
        batch_size: not used.
        inputs: not used.
        energy_percent: share of a matrix's squared singular values that has to remain.

    Raises:
        UnsupportedError: if no layer gains, or layers cannot be exchanged.
    """
    del state, batch_size, inputs
    found = opened(source)
    keras = sys.modules[found.library]
    if not is_graph(found.model, keras):
        raise UnsupportedError("the layers of a subclassed model cannot be exchanged: only its own code knows them")
    gained: list[str] = []

    def split(layer: Any) -> Any:
        matrix = matrix_of(layer, keras)
        pair = factors(matrix, energy_percent / 100) if matrix is not None and np.isfinite(matrix).all() else None
        if pair is None:
            return layer
        gained.append(layer.name)
        return thin(layer, keras, *pair)

    model = _exchanged(found.model, keras, split, {})
    if not gained:
        raise UnsupportedError(
            f"low-rank factorization gains nothing here: no layer's rank at {energy_percent}% energy is low enough"
        )
    save(model, found, source, target)


def factors(matrix: Array, share: float) -> tuple[Array, Array] | None:
    """Write a matrix as the product of two thin ones, at the lowest rank that keeps a share of its energy.

    Args:
        matrix: m x n.
        share: of the squared singular values' sum.

    Returns:
        m x r and r x n; None where r (m + n) multiplications would not be fewer than m n.
    """
    rows, columns = matrix.shape
    tall = matrix.astype(np.float64) if rows >= columns else matrix.T.astype(np.float64)
    # The smaller Gram matrix has the squared singular values, and takes a fraction of the time of a full decomposition.
    energies, vectors = np.linalg.eigh(tall.T @ tall)
    kept = np.cumsum(energies[::-1].clip(0))
    if not kept[-1] > 0:
        return None
    rank = int(np.searchsorted(kept, share * kept[-1])) + 1
    if rank * (rows + columns) >= rows * columns:
        return None
    chosen = vectors[:, ::-1][:, :rank]
    left, right = tall @ chosen, chosen.T
    if rows < columns:
        left, right = right.T, left.T
    return left.astype(np.float32), right.astype(np.float32)


def _exchanged(model: Any, keras: Any, split: Callable[[Any], Any], done: dict[int, Any]) -> Any:
    """Rebuild a graph of layers with some of them exchanged; shared layers stay shared, all others are kept."""

    def exchange(layer: Any) -> Any:
        if id(layer) not in done:
            inner = is_graph(layer, keras)
            done[id(layer)] = _exchanged(layer, keras, split, done) if inner else split(layer)
        return done[id(layer)]

    return keras.models.clone_model(model, clone_function=exchange)
