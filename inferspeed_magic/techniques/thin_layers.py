"""Layers as matrices, and the pairs of layers that two thin matrices become."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    Array = np.ndarray[Any, Any]

#: Dimensions of a convolution's picture, by the layer's name.
_CONVOLUTIONS: Mapping[str, int] = MappingProxyType({"Conv1D": 1, "Conv2D": 2, "Conv3D": 3})
_EINSUM = re.compile(r"(\.\.\.)?([a-zA-Z]*),([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]*)")


def matrix_of(layer: Any, keras: Any) -> Array | None:
    """Return the weights of a layer as the matrix that it multiplies each sample (or each patch of it) with.

    Args:
        layer: that was built.
        keras: the library it is of.

    Returns:
        m x n; None for a layer that does something else, or that is the user's own.
    """
    name = type(layer).__name__
    plain = getattr(keras.layers, name, None) is type(layer) and not getattr(layer, "quantization_mode", None)
    if not plain or getattr(layer, "lora_enabled", False):
        return None
    if name == "Dense" or (name in _CONVOLUTIONS and layer.groups == 1):
        kernel = layer.kernel.numpy()
        return np.reshape(kernel, (-1, kernel.shape[-1]))
    letters = _letters(layer) if name == "EinsumDense" else None
    if letters is None:
        return None
    kernel = layer.kernel.numpy()
    return np.reshape(kernel, (int(np.prod(kernel.shape[: len(letters[1])])), -1))


def thin(layer: Any, keras: Any, left: Array, right: Array) -> Any:
    """Make two layers that stand for one, as a model of the same name.

    Args:
        layer: one that is a matrix.
        keras: the library it is of.
        left: m x r, the weights of the first one.
        right: r x n, those of the second one, which has the bias and the activation.
    """
    name = type(layer).__name__
    rank = left.shape[1]
    letters = _letters(layer) if name == "EinsumDense" else None
    if letters is not None:
        shape, first, second = _einsum(layer, letters, rank)
    elif name == "Dense":
        shape, first, second = (None, left.shape[0]), {"units": rank}, {"units": layer.units}
    else:
        shape, first, second = _convolutions(layer, rank, _CONVOLUTIONS[name])
    biased = layer.bias is not None
    if letters is None:
        first["use_bias"], second["use_bias"] = False, biased
    policy = {"dtype": layer.dtype_policy if hasattr(layer, "dtype_policy") else layer.dtype}
    narrow = type(layer)(name="narrow", **first, **policy)
    wide = type(layer)(name="wide", activation=layer.activation, **second, **policy)
    narrow.build(shape)
    wide.build(tuple(narrow.compute_output_shape(shape)))
    narrow.set_weights([left.reshape(narrow.kernel.shape)])
    wide.set_weights([right.reshape(wide.kernel.shape), *([layer.bias.numpy()] if biased else [])])
    return keras.Sequential([narrow, wide], name=layer.name)


_Made = tuple[tuple[int | None, ...], dict[str, Any], dict[str, Any]]


def _convolutions(layer: Any, rank: int, dimensions: int) -> _Made:
    """Convolve to few channels, then mix these."""
    channels, last = layer.kernel.shape[-2], layer.data_format == "channels_last"
    picture = (None,) * dimensions
    first = {
        each: getattr(layer, each) for each in ("kernel_size", "strides", "padding", "data_format", "dilation_rate")
    }
    second = {"filters": layer.filters, "kernel_size": 1, "data_format": layer.data_format}
    shape = (None, *picture, channels) if last else (None, channels, *picture)
    return shape, {"filters": rank, **first}, second


def _einsum(layer: Any, letters: tuple[str, str, str], rank: int) -> _Made:
    kept, contracted, new = letters
    dots = "..." if layer.equation.startswith("...") else ""
    between = next(letter for letter in "zyxwvutsrqponm" if letter not in kept + contracted + new)
    # What the ellipsis stands for, or else the batch, is not in the shape that the layer is given.
    free = (None,) * len(kept if dots else kept[1:])
    shape = (None,) * (layer.input_spec.ndim - len(contracted)) + tuple(layer.kernel.shape[: len(contracted)])
    first = {
        "equation": f"{dots}{kept}{contracted},{contracted}{between}->{dots}{kept}{between}",
        "output_shape": (*free, rank),
    }
    second = {
        "equation": f"{dots}{kept}{between},{between}{new}->{dots}{kept}{new}",
        "output_shape": layer.partial_output_shape,
        "bias_axes": layer.bias_axes,
    }
    return shape, first, second


def _letters(layer: Any) -> tuple[str, str, str] | None:
    """Take an equation apart: axes that stay, those summed over, new ones; None where it is no plain product."""
    found = _EINSUM.fullmatch(layer.equation.replace(" ", ""))
    if found is None or getattr(layer, "input_spec", None) is None:
        return None
    before, given, kernel, after, result = found.groups()
    contracted = "".join(letter for letter in kernel if letter in given)
    new = kernel[len(contracted) :]
    kept = given[: len(given) - len(contracted)]
    plain = kernel == contracted + new and given == kept + contracted and result == kept + new and before == after
    return (kept, contracted, new) if plain and contracted and new and (before or kept) else None
