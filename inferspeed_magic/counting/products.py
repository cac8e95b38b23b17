"""Multiply-accumulates of matrix products and convolutions.

A convolution counts every position of its kernel, also where that lies in the padding: the convention of the papers
that state counts (He et al. 2016, Sandler et al. 2018), and of TensorFlow's own counter.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from inferspeed_magic.counting.flat_graph import Node, Tensor


class UnknownSizeError(ValueError):
    """A tensor has a size that the graph does not tell."""


def sizes(tensor: Tensor) -> tuple[int, ...]:
    """Return the shape of a tensor.

    Raises:
        UnknownSizeError: if it is not known.
    """
    known = [size for size in tensor.shape or () if size is not None]
    if tensor.shape is None or len(known) != len(tensor.shape):
        raise UnknownSizeError
    return tuple(known)


def elements(tensor: Tensor) -> int:
    """Return the number of elements.

    Raises:
        UnknownSizeError: if it is not known.
    """
    return math.prod(sizes(tensor))


def _matrix(node: Node) -> int:
    transposed = node.attributes.get("transpose_a") or node.attributes.get("adj_x")
    inner = sizes(node.inputs[0])[-2 if transposed else -1]
    return elements(node.outputs[0]) * inner


def _einsum(node: Node) -> int:
    """Multiply the sizes of all indices, as if nothing were summed beforehand; with one operand there is no product."""
    if len(node.inputs) < 2:  # noqa: PLR2004  (a product has two sides)
        return 0
    terms = str(node.attributes["equation"]).partition("->")[0].replace(" ", "").split(",")
    known: dict[str, int] = {}
    for term, tensor in zip(terms, node.inputs, strict=True):
        shape = sizes(tensor)
        before, dots, after = term.partition("...")
        # What the dots stand for ends where the named indices after them begin.
        free = len(shape) - len(before) - len(after) if dots else 0
        names = [*before, *[f"...{free - place}" for place in range(free)], *after]
        for name, size in zip(names, shape, strict=True):
            known[name] = max(size, known.get(name, 1))
    return math.prod(known.values()) * (len(node.inputs) - 1)


def _convolution(node: Node) -> int:
    """Each output takes the whole kernel of its channel; kernel (..., channels of a group, outputs)."""
    kernel = sizes(node.inputs[1])
    return elements(node.outputs[0]) * math.prod(kernel[:-1])


def _depthwise(node: Node) -> int:
    """Each output takes one channel; kernel (height, width, channels, multiplier)."""
    return elements(node.outputs[0]) * math.prod(sizes(node.inputs[1])[:2])


def _transposed(node: Node) -> int:
    """Each input is spread over the whole kernel of its channel; kernel (..., outputs of a group, inputs)."""
    return elements(node.inputs[2]) * math.prod(sizes(node.inputs[1])[:-1])


def _transposed_depthwise(node: Node) -> int:
    return elements(node.inputs[2]) * math.prod(sizes(node.inputs[1])[:2])


#: Kind of operator to its multiply-accumulates.
PRODUCTS: dict[str, Callable[[Node], int]] = {
    **dict.fromkeys(("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"), _matrix),
    "Einsum": _einsum,
    "XlaEinsum": _einsum,
    **dict.fromkeys(("Conv", "Conv2D", "Conv3D"), _convolution),
    "DepthwiseConv2dNative": _depthwise,
    **dict.fromkeys(("Conv2DBackpropInput", "Conv3DBackpropInput", "Conv3DBackpropInputV2"), _transposed),
    "DepthwiseConv2dNativeBackpropInput": _transposed_depthwise,
}

#: What the rules above and those of ``counting.arithmetic`` read from an operator.
ATTRIBUTES = {
    "MatMul": ("transpose_a",),
    **dict.fromkeys(("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"), ("adj_x",)),
    "Einsum": ("equation",),
    "XlaEinsum": ("equation",),
    **dict.fromkeys(("AvgPool", "MaxPool", "AvgPool3D", "MaxPool3D", "MaxPoolWithArgmax"), ("ksize",)),
    "Bucketize": ("boundaries",),
    "LRN": ("depth_radius",),
    "FusedBatchNormV3": ("is_training",),
    "ScaleAndTranslate": ("kernel_type", "antialias"),
}
