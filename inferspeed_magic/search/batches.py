"""Data that comes in batches (tf.data, PyDataset, DataLoader, generators), put together into arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import InputError
from inferspeed_magic.sources.structure import Template, flatten, pack

if TYPE_CHECKING:
    from collections.abc import Iterator

    Array = np.ndarray[Any, Any]

MOST_SAMPLES = 10_000
MOST_BYTES = 2**31
_PARTS = 3


def comes_in_batches(data: Any) -> bool:
    """Tell whether this is to be walked through, and no array or nest of arrays."""
    if isinstance(data, list | tuple | dict | str | bytes) or hasattr(data, "__array__") or hasattr(data, "shape"):
        return False
    return hasattr(data, "__iter__") or (hasattr(data, "__getitem__") and hasattr(data, "__len__"))


def gathered(data: Any, most_samples: int | None = MOST_SAMPLES) -> tuple[tuple[Any, ...], str | None]:
    """Walk through batches of ``x``, ``(x, y)`` or ``(x, y, sample_weight)``, as Keras reads them, and join them.

    Single samples in place of batches (a tf.data.Dataset that was not batched, a torch Dataset) are stacked.

    Args:
        data: what gives batches.
        most_samples: where to stop; None for no bound but that on memory, and the end of an epoch.

    Returns:
        One to three nests of arrays, samples first; and a note where not everything was read.

    Raises:
        InputError: for no samples, or for batches that differ in their parts or shapes.
    """
    collected: list[list[Array]] = []
    template: Template | None = None
    samples = size = 0
    note = None
    for batch in _walk(data):
        parts = tuple(batch) if isinstance(batch, list | tuple) else (batch,)
        if not 0 < len(parts) <= _PARTS:
            raise InputError(f"a batch of the data has {len(parts)} parts: it should be x, (x, y) or (x, y, weights)")
        leaves, shape = flatten(parts)
        arrays = _batched([as_numpy(leaf) for leaf in leaves])
        if template is None:
            template = shape
        elif shape != template:
            raise InputError("the batches of the data are not put together alike: each has to have the same parts")
        collected.append(arrays)
        samples += len(arrays[0])
        size += sum(array.nbytes for array in arrays)
        if (most_samples is not None and samples >= most_samples) or size >= MOST_BYTES:
            note = f"the first {samples:,} samples of the data were used"
            break
    if template is None or not samples:
        raise InputError("the data holds no samples (a generator that was read before is empty: make it anew)")
    return tuple(pack(template, [_joined(list(leaf)) for leaf in zip(*collected, strict=True)])), note


def _walk(data: Any) -> Iterator[Any]:
    """Give batches; Keras's own datasets by their number, as they need not end by themselves."""
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        for position in range(len(data)):
            yield data[position]
    else:
        yield from data


def _batched(arrays: list[Array]) -> list[Array]:
    """Make a batch of one of what is a single sample: its parts have no first dimension in common."""
    lengths = {array.shape[:1] for array in arrays}
    return arrays if len(lengths) == 1 and () not in lengths else [array[np.newaxis] for array in arrays]


def _joined(arrays: list[Array]) -> Array:
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) > 1:
        one, other = sorted(shapes, key=str)[:2]
        raise InputError(f"the batches of the data differ in shape, {one} and {other}: pad them to one length")
    return np.concatenate(arrays)


def as_numpy(value: Any) -> Array:
    """Make an array of what any library calls one; strings of bytes become strings.

    Raises:
        InputError: for what is none.
    """
    if hasattr(value, "detach"):  # torch
        value = value.detach().cpu()
    if hasattr(value, "toarray"):  # sparse matrices
        value = value.toarray()
    try:
        array = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
    except Exception as error:
        raise InputError(
            f"data must be arrays of numbers or strings, not a {type(value).__name__} (rows of different length?)"
        ) from error
    if array.dtype.kind == "S" or (array.dtype == object and all(isinstance(each, bytes) for each in array.ravel())):
        return np.char.decode(array.astype("S"), "utf-8")
    return array
