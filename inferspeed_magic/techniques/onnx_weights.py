"""Weights of matrix products in 4 or 8 bits, for ONNX Runtime's operator ``MatMulNBits``.

What it takes is in https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits
and written here directly: ONNX Runtime's own quantizer needs a package that is not installed with it (``onnx-ir``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import UnsupportedError

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

#: Smaller ones are left alone: they take no memory, and less time as they are.
_FEWEST_VALUES = 1024
#: How the operator multiplies: activations in int8, block by block. In float32 it is slower than the float model.
_ACCURACY_LEVEL = 4
#: Files above this hold their weights beside them (protobuf cannot hold more than 2 GB).
_BESIDE_BYTES = 1_500_000_000


def pack(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    bits: int,
    block_size: int,
) -> None:
    """Put products with constant matrices (``MatMul``, ``Gemm``) into few bits; everything else stays in float.

    Args:
        state: of the converter process (not used).
        source: an ONNX file.
        target: file to write.
        batch_size: not used.
        inputs: not used.
        bits: 4 or 8.
        block_size: values that share a scale: a power of two, 16 or more.

    Raises:
        UnsupportedError: if there is no such product.
    """
    del state, batch_size, inputs
    import onnx

    model = onnx.load(source)
    graph = model.graph
    matrices = {
        each.name: onnx.numpy_helper.to_array(each)
        for each in graph.initializer
        if len(each.dims) == 2 and each.data_type == onnx.TensorProto.FLOAT and np.prod(each.dims) >= _FEWEST_VALUES  # noqa: PLR2004
    }
    nodes: list[Any] = []
    packed: dict[tuple[str, bool], dict[str, Any]] = {}
    for node in graph.node:
        product = _product(node, matrices)
        if product is None:
            nodes.append(node)
            continue
        name, transposed = product
        if product not in packed:
            matrix = matrices[name].T if transposed else matrices[name]
            packed[product] = _add_packed(graph, f"{name}_{len(packed)}", matrix, bits, block_size)
        nodes += _in_few_bits(node, packed[product])
    if not packed:
        raise UnsupportedError("there is no product with a large constant matrix in this model")
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in graph.node for name in node.input} | {each.name for each in graph.output}
    for unused in [each for each in graph.initializer if each.name in matrices and each.name not in used]:
        graph.initializer.remove(unused)
    if all(each.domain != "com.microsoft" for each in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    onnx.save_model(
        model,
        target,
        save_as_external_data=model.ByteSize() > _BESIDE_BYTES,
        location=f"{target.rpartition('/')[2]}.data",
    )


def blocks(matrix: Array, bits: int, block_size: int) -> tuple[Array, Array]:
    """Round a matrix to whole numbers, block by block down each column; the largest magnitude of a block is exact.

    Args:
        matrix: K x N.
        bits: 4 or 8.
        block_size: values that share a scale; the last block of a column is filled up with zeros.

    Returns:
        N x blocks x bytes of unsigned numbers around ``2 ** (bits - 1)``, two in a byte for 4 bits, the first one
        lower; and N x blocks scales.
    """
    rows, columns = matrix.shape
    count = -(-rows // block_size)
    padded = np.zeros((count * block_size, columns), np.float32)
    padded[:rows] = matrix
    values = padded.T.reshape(columns, count, block_size)
    largest = np.take_along_axis(values, np.abs(values).argmax(-1)[..., None], -1)
    middle = 2 ** (bits - 1)
    # There is one more number below the middle than above it, so the largest magnitude becomes the lowest one.
    scales = largest / -middle
    whole = np.divide(values, scales, out=np.zeros_like(values), where=scales != 0)
    numbers = np.clip(np.round(whole) + middle, 0, 2**bits - 1).astype(np.uint8)
    if bits == 4:  # noqa: PLR2004
        numbers = numbers[..., 0::2] | (numbers[..., 1::2] << 4)
    return numbers, scales[..., 0].astype(np.float32)


def _product(node: Any, matrices: dict[str, Array]) -> tuple[str, bool] | None:
    """Name the matrix that a node multiplies with, and tell whether it is to be transposed; None for other nodes."""
    if node.op_type not in {"MatMul", "Gemm"} or node.input[1] not in matrices or node.input[0] in matrices:
        return None
    flags = {each.name: each.f if each.name in {"alpha", "beta"} else each.i for each in node.attribute}
    if flags.get("transA", 0) or flags.get("alpha", 1) != 1 or flags.get("beta", 1) != 1:
        return None
    return node.input[1], bool(flags.get("transB", 0))


def _add_packed(graph: Any, name: str, matrix: Array, bits: int, block_size: int) -> dict[str, Any]:
    from onnx import numpy_helper

    numbers, scales = blocks(matrix, bits, block_size)
    graph.initializer.append(numpy_helper.from_array(numbers, f"{name}_numbers"))
    graph.initializer.append(numpy_helper.from_array(scales, f"{name}_scales"))
    rows, columns = matrix.shape
    size = {"K": rows, "N": columns, "bits": bits, "block_size": block_size, "accuracy_level": _ACCURACY_LEVEL}
    return {"inputs": [f"{name}_numbers", f"{name}_scales"], "attributes": size}


def _in_few_bits(node: Any, packed: dict[str, Any]) -> list[Any]:
    """Make the nodes that stand for a product, under the same name."""
    from onnx import helper

    bias = node.input[2] if node.op_type == "Gemm" and len(node.input) == 3 and node.input[2] else None  # noqa: PLR2004
    product = f"{node.output[0]}_before_bias" if bias else node.output[0]
    made = [
        helper.make_node(
            "MatMulNBits",
            [node.input[0], *packed["inputs"]],
            [product],
            name=node.name,
            domain="com.microsoft",
            **packed["attributes"],
        )
    ]
    if bias:
        made.append(helper.make_node("Add", [product, bias], [node.output[0]], name=f"{node.name}/bias"))
    return made
