"""Samples to find the ranges of activations with, as files that converter processes read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.sources.array_files import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Array = np.ndarray[Any, Any]


def write(folder: Path, samples: Sequence[Array]) -> None:
    """Write samples, the batch dimension first, one file for each input in the order of the signature."""
    folder.mkdir(parents=True)
    for position, array in enumerate(samples):
        np.save(folder / f"{position}.npy", array, allow_pickle=False)


def batches(folder: str, batch_size: int) -> Iterator[list[Array]]:
    """Read them batch by batch; what does not fill a batch is left out, unless nothing else is there."""
    files = sorted(Path(folder).glob("*.npy"), key=lambda file: int(file.stem))
    arrays = [read(str(file)) for file in files]
    count = len(arrays[0])
    if count < batch_size:
        yield [np.resize(array, (batch_size, *array.shape[1:])) for array in arrays]
    for start in range(0, count - batch_size + 1, batch_size):
        yield [array[start : start + batch_size] for array in arrays]
