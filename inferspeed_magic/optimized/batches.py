"""Any number of samples through a session that takes so many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Array = np.ndarray[Any, Any]


def in_batches(
    run: Callable[[list[Array]], list[Array]], arrays: list[Array], batch_size: int, *, fixed: bool
) -> list[Array]:
    """Run all samples, ``batch_size`` at a time.

    Args:
        run: runs one batch.
        arrays: inputs, samples first.
        batch_size: samples of a batch.
        fixed: whether ``run`` takes batches of exactly this size; the last one is then filled up with its last sample,
            whose outputs are left out.

    Returns:
        Outputs, samples first; from one batch that needed no filling, as they are.

    Raises:
        ModelError: if an output cannot be put together, since it does not have the samples first.
    """
    count = len(arrays[0])
    if count == batch_size or (count < batch_size and not fixed):
        return run(arrays)
    collected: list[list[Array]] = []
    for start in range(0, count, batch_size):
        part = [array[start : start + batch_size] for array in arrays]
        there = len(part[0])
        if fixed and there < batch_size:
            part = [_filled(array, batch_size) for array in part]
        results = run(part)
        _check(results, collected, len(part[0]), count)
        # Copied: a session may write the next outputs into the same memory.
        collected.append([np.array(each[:there]) for each in results])
    return [np.concatenate(parts) for parts in zip(*collected, strict=True)]


def _filled(array: Array, batch_size: int) -> Array:
    places = np.minimum(np.arange(batch_size), len(array) - 1)
    filled: Array = array[places]
    return filled


def _check(results: Sequence[Array], before: list[list[Array]], batch_size: int, count: int) -> None:
    for position, result in enumerate(results):
        if result.shape[:1] != (batch_size,):
            raise ModelError(
                f"output {position} does not have the samples as its first dimension (its shape is {result.shape} for "
                f"{batch_size} samples), so {count} samples, which take more than one batch or a part of one, cannot "
                "be put together: give as many samples as the model was optimized for"
            )
        if before and before[0][position].shape[1:] != result.shape[1:]:
            raise ModelError(
                f"output {position} has the shape {before[0][position].shape[1:]} in one batch and {result.shape[1:]} "
                "in another one: call the model for each batch"
            )
