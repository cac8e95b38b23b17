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
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    found = []
    for kind in KINDS:
        shape = [1, _CHANNELS, 1, 1] if kind == "convolution" else [1, 1, _SIDE, _SIDE]
        for length in lengths:
            names = ["x", *(f"value_{number}" for number in range(1, length)), "y"]
            nodes, constants = [], []
            for number in range(length):
                ends = (names[number], names[number + 1])
                if kind == "convolution":
                    constants.append(numpy_helper.from_array(_kernel()[..., None, None], f"kernel_{number}"))
                    nodes.append(helper.make_node("Conv", [ends[0], f"kernel_{number}"], [ends[1]]))
                else:
                    window = {"kernel_shape": [2, 2], "pads": [0, 0, 1, 1]}
                    nodes.append(helper.make_node("MaxPool", [ends[0]], [ends[1]], **window))
            infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
            graph = helper.make_graph(nodes, "chain", infos[:1], infos[1:], constants)
            opsets = [helper.make_opsetid("", _OPSET)]
            path = f"{folder}/{kind}_{length}.onnx"
            onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION), path)
            found.append({"path": path, "shape": shape, "length": length, "kind": kind})
    return found


def write_litert_chains(_state: dict[str, Any], *, folder: str, lengths: Sequence[int]) -> list[dict[str, Any]]:
    """Write chains as LiteRT files, through the schema that its package brings along.

    Returns:
        As ``write_onnx_chains``.
    """
    import flatbuffers  # type: ignore[import-untyped]
    from ai_edge_litert import schema_py_generated as schema

    found = []
    for kind in KINDS:
        shape = [1, 1, 1, _CHANNELS] if kind == "convolution" else [1, _SIDE, _SIDE, 1]
        for length in lengths:
            model = _litert_model(schema, kind, length, shape)
            builder = flatbuffers.Builder(1024)
            builder.Finish(model.Pack(builder), b"TFL3")
            path = Path(folder) / f"{kind}_{length}.tflite"
            path.write_bytes(bytes(builder.Output()))
            found.append({"path": str(path), "shape": shape, "length": length, "kind": kind})
    return found


def _litert_model(schema: Any, kind: str, length: int, shape: list[int]) -> Any:
    """Describe a chain in the tables of schema.fbs (https://ai.google.dev/edge/litert/models/metadata)."""
    model, graph, code = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT()
    model.version, model.subgraphs, model.operatorCodes, model.buffers = 3, [graph], [code], [schema.BufferT()]
    graph.tensors, graph.operators = [], []
    convolution = kind == "convolution"
    operators = schema.BuiltinOperator
    code.builtinCode = code.deprecatedBuiltinCode = operators.CONV_2D if convolution else operators.MAX_POOL_2D
    code.version = 1

    def tensor(name: str, dimensions: Sequence[int], values: np.ndarray[Any, Any] | None = None) -> int:
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
        options = schema.Conv2DOptionsT() if convolution else schema.Pool2DOptionsT()
        options.strideW = options.strideH = 1
        if convolution:
            kernel = tensor(f"kernel_{number}", (_CHANNELS, 1, 1, _CHANNELS), _kernel()[:, None, None, :])
            operator.inputs += [kernel, tensor(f"bias_{number}", (_CHANNELS,), np.zeros(_CHANNELS))]
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


def _kernel() -> np.ndarray[Any, Any]:
    """Weights that keep values from growing or vanishing along the chain: a permutation of the channels."""
    return np.roll(np.eye(_CHANNELS, dtype=np.float32), 1, axis=0)
