"""Samples to find the ranges of activations with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


def batches(
    calibration: Path | str, batch_size: int | None, inputs: Sequence[Mapping[str, Any]], names: Sequence[Any]
) -> Iterator[dict[Any, Any]]:
    """Read the samples batch by batch, under these names of the inputs; what does not fill a batch is left out."""
    size = batch_size or 1
    with np.load(calibration, allow_pickle=False) as file:
        arrays = [file[f"arr_{position}"].astype(each["dtype"]) for position, each in enumerate(inputs)]
    count = len(arrays[0])
    if count < size:
        arrays, count = [np.resize(array, (size, *array.shape[1:])) for array in arrays], size
    for start in range(0, count - size + 1, size):
        yield {name: array[start : start + size] for name, array in zip(names, arrays, strict=True)}
