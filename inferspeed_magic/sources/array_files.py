"""Arrays on their way to another process and back. Numpy's files hold bfloat16, and forget its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

_NAMELESS = np.dtype("V2")


def read(path: str) -> Array:
    """Read an input of a model from an ``.npy`` file: nothing else in it has two bytes and no name."""
    array: Array = np.load(path, allow_pickle=False)
    if array.dtype != _NAMELESS:
        return array
    import ml_dtypes

    return array.view(ml_dtypes.bfloat16)


def plain(array: Array) -> Array:
    """Turn what files cannot hold into what they can: bfloat16 into float32, strings as objects into numpy's."""
    if array.dtype.name == "bfloat16":
        return array.astype(np.float32)
    if array.dtype != object:
        return array
    return np.array([each.decode() if isinstance(each, bytes) else str(each) for each in array.ravel()]).reshape(
        array.shape
    )
