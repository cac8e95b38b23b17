"""Tensors of TensorFlow, PyTorch and JAX to NumPy and back. Who has none of these libraries never imports one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

_LIBRARIES = {"tensorflow": "tensorflow", "torch": "torch", "jax": "jax", "jaxlib": "jax"}


def library_of(value: Any) -> str | None:
    """Name the library that a tensor is of: ``tensorflow``, ``torch`` or ``jax``; None for everything else."""
    for kind in type(value).__mro__:
        found = _LIBRARIES.get(kind.__module__.partition(".")[0])
        if found is not None:
            return found
    return None


def to_numpy(value: Any) -> Array:
    """Bring a tensor to the host.

    Raises:
        Exception: whatever the library raises for a tensor without values (one inside ``tf.function`` or ``jax.jit``).
    """
    library = library_of(value)
    if library == "torch":
        # NumPy has no bfloat16 that PyTorch knows of.
        array: Array = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy(force=True)
        return array
    return np.asarray(value.numpy() if library == "tensorflow" else value)


def like(tensor: Any, array: Array) -> Any:
    """Turn an array into a tensor of the same library as this one, on the same device (TensorFlow, JAX: its default).

    Args:
        tensor: that shows which library; None for NumPy.
        array: the values.
    """
    library = library_of(tensor)
    if library is None:
        return array
    if library == "tensorflow":
        return sys.modules["tensorflow"].convert_to_tensor(array)
    if library == "jax":
        return sys.modules["jax"].numpy.asarray(array)
    torch = sys.modules["torch"]
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.astype(np.float32)).to(tensor.device, torch.bfloat16)
    return torch.from_numpy(array if array.flags.writeable else array.copy()).to(tensor.device)
