"""Samples to find the ranges of activations with, as files that converter processes read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.sources.array_files import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Array = np.ndarray[Any, Any]


def write(folder: Path, samples: Sequence[Array]) -> None:
    """Write samples, the batch dimension first, one file for each input in the order of the signature."""
    folder.mkdir(parents=True)
    for position, array in enumerate(samples):
        np.save(folder / f"{position}.npy", array, allow_pickle=False)


def batches(
    folder: str, batch_size: int | None, inputs: Sequence[Mapping[str, Any]], names: Sequence[Any]
) -> Iterator[dict[Any, Array]]:
    """Read them batch by batch; what does not fill a batch is left out, unless nothing else is there.

    Args:
        folder: that ``write`` wrote.
        batch_size: of each; None for 1.
        inputs: specs of the inputs in the order of the signature; what is read gets their ``dtype``.
        names: what the runtime calls these inputs, in the same order.
    """
    size = batch_size or 1
    files = sorted(Path(folder).glob("*.npy"), key=lambda file: int(file.stem))
    arrays = [read(str(file)).astype(spec["dtype"], copy=False) for file, spec in zip(files, inputs, strict=True)]
    count = len(arrays[0])
    if count < size:
        arrays, count = [np.resize(array, (size, *array.shape[1:])) for array in arrays], size
    for start in range(0, count - size + 1, size):
        yield {name: array[start : start + size] for name, array in zip(names, arrays, strict=True)}
