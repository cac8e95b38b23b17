"""Chains of operators that have next to nothing to do, and that no runtime fuses. Built in worker processes.

Two kinds, each after itself: a convolution of 1x1 over one place, and the largest of 2x2. Neither can be folded into
its neighbour without knowing their product in advance, and no runtime here tries: chains of matrix products are fused
by OpenVINO (seen: seven of them in one kernel), chains of elementwise operators by most.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, Any]

KINDS = ("convolution", "pooling")
_CHANNELS = 16
_SIDE = 4
_OPSET = 17
_IR_VERSION = 8


def write_onnx_chains(_state: dict[str, Any], *, folder: str, lengths: Sequence[int]) -> list[dict[str, Any]]:
    """Write chains as ONNX; needs ``onnx``.

    Returns:
        For each chain ``path``, ``shape`` of its input, ``length`` and ``kind``.
    """
    found = []
    for kind in KINDS:
        kernel = permutation(1) if kind == "convolution" else None
        shape = [1, 1, _SIDE, _SIDE] if kernel is None else [1, _CHANNELS, 1, 1]
        for length in lengths:
            path = f"{folder}/{kind}_{length}.onnx"
            save_onnx_chain(path, kernel, length, shape)
            found.append({"path": path, "shape": shape, "length": length, "kind": kind})
    return found


def save_onnx_chain(path: str, kernel: Array | None, length: int, shape: Sequence[int]) -> None:
    """Write one operator after itself.

    Args:
        path: of the file.
        kernel: of the convolution, OHWI; None for poolings.
        length: number of operators.
        shape: of the input, NCHW, and of all that follows.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    names = ["x", *(f"value_{number}" for number in range(1, length)), "y"]
    nodes, constants = [], []
    for number in range(length):
        ends = (names[number], names[number + 1])
        if kernel is not None:
            values = np.ascontiguousarray(kernel.transpose(0, 3, 1, 2))
            constants.append(numpy_helper.from_array(values, f"kernel_{number}"))
            padding = {"pads": [side // 2 for side in (*kernel.shape[1:3], *kernel.shape[1:3])]}
            nodes.append(helper.make_node("Conv", [ends[0], f"kernel_{number}"], [ends[1]], **padding))
        else:
            window = {"kernel_shape": [2, 2], "pads": [0, 0, 1, 1]}
            nodes.append(helper.make_node("MaxPool", [ends[0]], [ends[1]], **window))
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "chain", infos[:1], infos[1:], constants)
    opsets = [helper.make_opsetid("", _OPSET)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION), path)


def write_litert_chains(_state: dict[str, Any], *, folder: str, lengths: Sequence[int]) -> list[dict[str, Any]]:
    """Write chains as LiteRT files, through the schema that its package brings along.

    Returns:
        As ``write_onnx_chains``.
    """
    found = []
    for kind in KINDS:
        kernel = permutation(1) if kind == "convolution" else None
        shape = [1, _SIDE, _SIDE, 1] if kernel is None else [1, 1, 1, _CHANNELS]
        for length in lengths:
            path = f"{folder}/{kind}_{length}.tflite"
            save_litert_chain(path, kernel, length, shape)
            found.append({"path": path, "shape": shape, "length": length, "kind": kind})
    return found


def save_litert_chain(path: str, kernel: Array | None, length: int, shape: Sequence[int]) -> None:
    """Write one operator after itself.

    Args:
        path: of the file.
        kernel: of the convolution, OHWI; None for poolings.
        length: number of operators.
        shape: of the input, NHWC, and of all that follows.
    """
    import flatbuffers  # type: ignore[import-untyped]
    from ai_edge_litert import schema_py_generated as schema

    model = _litert_model(schema, kernel, length, shape)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    Path(path).write_bytes(bytes(builder.Output()))


def _litert_model(schema: Any, kernel: Array | None, length: int, shape: Sequence[int]) -> Any:
    """Describe a chain in the tables of schema.fbs (https://ai.google.dev/edge/litert/models/metadata)."""
    model, graph, code = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT()
    model.version, model.subgraphs, model.operatorCodes, model.buffers = 3, [graph], [code], [schema.BufferT()]
    graph.tensors, graph.operators = [], []
    operators = schema.BuiltinOperator
    code.builtinCode = code.deprecatedBuiltinCode = operators.MAX_POOL_2D if kernel is None else operators.CONV_2D
    code.version = 1

    def tensor(name: str, dimensions: Sequence[int], values: Array | None = None) -> int:
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, list(dimensions), schema.TensorType.FLOAT32, 0
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.astype(np.float32).tobytes(), np.uint8)
            model.buffers.append(buffer)
            made.buffer = len(model.buffers) - 1
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    value = tensor("x", shape)
    graph.inputs = [value]
    for number in range(length):
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs = 0, [value]
        options = schema.Pool2DOptionsT() if kernel is None else schema.Conv2DOptionsT()
        options.strideW = options.strideH = 1
        if kernel is not None:
            weights = tensor(f"kernel_{number}", kernel.shape, kernel)
            operator.inputs += [weights, tensor(f"bias_{number}", (len(kernel),), np.zeros(len(kernel)))]
            operator.builtinOptionsType = schema.BuiltinOptions.Conv2DOptions
        else:
            options.filterWidth = options.filterHeight = 2
            operator.builtinOptionsType = schema.BuiltinOptions.Pool2DOptions
        operator.builtinOptions = options
        value = tensor(f"value_{number}", shape)
        operator.outputs = [value]
        graph.operators.append(operator)
    graph.outputs = [value]
    return model


def permutation(side: int, channels: int = _CHANNELS) -> Array:
    """Make the weights of a convolution that keep values from growing or vanishing along a chain.

    Args:
        side: of the window, odd; only its middle is not zero.
        channels: which change places.

    Returns:
        Shape ``(channels, side, side, channels)``, OHWI.
    """
    kernel = np.zeros((channels, side, side, channels), np.float32)
    kernel[:, side // 2, side // 2] = np.roll(np.eye(channels, dtype=np.float32), 1, axis=0)
    return kernel
