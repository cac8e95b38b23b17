"""Zeros in the kernels of a Keras model, as a step of a conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.techniques.keras_folder import opened, save
from inferspeed_magic.techniques.kernels import FEWEST, kernels_of
from inferspeed_magic.techniques.masks import fits, mask_of

if TYPE_CHECKING:
    from inferspeed_magic.sources.portable import PortableModel
    from inferspeed_magic.techniques.masks import Pattern


def prune(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    sparsity_percent: int,
    pattern: Pattern,
) -> None:
    """Set the smallest weights of every kernel to zero, all at once.

    Args:
        state: of the converter process (not used).
        source: folder of a portable model.
        target: folder to write.
        batch_size: not used.
        inputs: not used.
        sparsity_percent: share of zeros in each kernel.
        pattern: of the zeros.

    Raises:
        UnsupportedError: for models of tf_keras, and those without a kernel that could have such zeros.
    """
    del state, batch_size, inputs
    found = prunable(source, pattern)
    zero(found.model, sparsity_percent / 100, pattern)
    save(found.model, found, source, target)


def prunable(source: str, pattern: Pattern) -> PortableModel:
    """Read a model that has kernels for a pattern.

    Raises:
        UnsupportedError: for any other one.
    """
    found = opened(source)
    if found.library != "keras":
        raise UnsupportedError("weights are set to zero in models of Keras 3, and this is one of tf_keras")
    if not any(fits(variable.shape, pattern) for _, variable in kernels_of(found.model)):
        raise UnsupportedError(f"no layer has a kernel of at least {FEWEST} weights that can be pruned ({pattern})")
    return found


def zero(model: Any, sparsity: float, pattern: Pattern) -> dict[int, tuple[Any, Any]]:
    """Set the smallest weights to zero; gives the masks of all kernels."""
    masks = {}
    for _, variable in kernels_of(model):
        values = variable.numpy()
        mask = mask_of(values, sparsity, pattern)
        variable.assign(values * mask)
        masks[id(variable)] = (variable, mask)
    return masks
