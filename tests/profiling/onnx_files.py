"""ONNX files made by hand: a run from a file needs no TensorFlow and takes seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path


def perceptron(path: Path, *, width: int = 32, depth: int = 3, inputs: tuple[str, ...] = ("x",)) -> Path:
    """Write layers of MatMul and Tanh on the sum of the inputs."""
    draw = np.random.default_rng(0)
    nodes, weights, last = [], [], inputs[0]
    for name in inputs[1:]:
        nodes.append(helper.make_node("Sub", [last, name], [f"less_{name}"]))
        last = f"less_{name}"
    for number in range(depth):
        values = (draw.standard_normal((width, width)) / np.sqrt(width)).astype(np.float32)
        weights.append(numpy_helper.from_array(values, f"w{number}"))
        nodes.append(helper.make_node("MatMul", [last, f"w{number}"], [f"m{number}"]))
        nodes.append(helper.make_node("Tanh", [f"m{number}"], [f"y{number}"]))
        last = f"y{number}"

    def tensor(name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])

    graph = helper.make_graph(nodes, "perceptron", [tensor(name) for name in inputs], [tensor(last)], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path
