"""Small ONNX models that are nothing but matrix products of friendly sizes. Built in a worker that has ``onnx``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Products in a row: what happens at the edges of a graph (layout and type conversions) counts for less.
_DEPTH = 4
_MATRIX = 512
#: Channels, and height and width, of images that convolutions of 3x3 are taken of: as in the middle of a ResNet.
_IMAGES = ((64, 56), (256, 14))
_OPSET = 17
_IR_VERSION = 8
#: Quantized values beyond this saturate in the products of processors without VNNI (7 bits; facts of ONNX Runtime).
_LARGEST_INT8 = 63


def write_products(_state: dict[str, Any], *, folder: str, precisions: Sequence[str]) -> list[dict[str, Any]]:
    """Write models of matrix products and of convolutions, large enough for one thread.

    Args:
        _state: of the process.
        folder: where to.
        precisions: ``float32``, ``int8`` (between quantize and dequantize operators, which runtimes fuse).

    Returns:
        For each model ``path``, ``shape`` of its input, ``precision``, ``operations`` (two for each
        multiply-accumulate) and ``kernel``, in words.
    """
    found = []
    for precision in precisions:
        path = f"{folder}/matmul_{precision}.onnx"
        shape = [_MATRIX, _MATRIX]
        _save(path, _Graph(precision, [(_MATRIX, _MATRIX)] * _DEPTH, shape))
        operations = 2.0 * _DEPTH * _MATRIX**3
        kernel = f"MatMul of {_MATRIX} x {_MATRIX} x {_MATRIX}"
        found.append({"path": path, "shape": shape, "precision": precision, "operations": operations, "kernel": kernel})
        for channels, side in _IMAGES:
            path = f"{folder}/conv_{channels}_{precision}.onnx"
            shape = [1, channels, side, side]
            _save(path, _Graph(precision, [(channels, channels, 3, 3)] * _DEPTH, shape))
            operations = 2.0 * _DEPTH * channels * channels * 9 * side * side
            kernel = f"Conv 3x3 of {channels} channels"
            found.append(
                {"path": path, "shape": shape, "precision": precision, "operations": operations, "kernel": kernel}
            )
    return found


class _Graph:
    """A chain of products, one after the other; input and output are float32 and of the same shape."""

    def __init__(self, precision: str, weights: Sequence[tuple[int, ...]], shape: Sequence[int]) -> None:
        from onnx import helper

        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.shape = list(shape)
        self.quantized = precision == "int8"
        self._make = helper.make_node
        random = np.random.default_rng(0)
        value = "x"
        if self.quantized:
            self._constant("scale", np.float32(0.02))
            self._constant("zero", np.uint8(128))
            value = self._through_int8(value, "start")
        for number, dimensions in enumerate(weights):
            value = self._product(value, number, random.standard_normal(dimensions, np.float32))
        self._add("Identity", [value], "y")

    def _product(self, value: str, number: int, weights: np.ndarray[Any, Any]) -> str:
        """Add one product; weights are scaled so that values neither grow nor vanish along the chain."""
        convolution = weights.ndim > 2  # noqa: PLR2004 - a matrix has two
        scale = np.float32(1.0 / np.sqrt(weights.size / weights.shape[0 if convolution else 1]))
        name = f"weights_{number}"
        if self.quantized:
            step = 3.0 / _LARGEST_INT8
            self._constant(
                f"{name}_int8", np.clip(np.rint(weights / step), -_LARGEST_INT8, _LARGEST_INT8).astype(np.int8)
            )
            # Convolutions are quantized by channel, as converters do it.
            steps = np.full(weights.shape[0], step * scale, np.float32) if convolution else np.float32(step * scale)
            self._constant(f"{name}_scale", steps)
            self._constant(f"{name}_zero", np.zeros(np.shape(steps), np.int8))
            parts = [f"{name}_int8", f"{name}_scale", f"{name}_zero"]
            self._add("DequantizeLinear", parts, name, **({"axis": 0} if convolution else {}))
        else:
            self._constant(name, weights * scale)
        product = f"product_{number}"
        if convolution:
            self._add("Conv", [value, name], product, pads=[1, 1, 1, 1])
        else:
            self._add("MatMul", [value, name], product)
        return self._through_int8(product, str(number)) if self.quantized else product

    def _through_int8(self, value: str, name: str) -> str:
        self._add("QuantizeLinear", [value, "scale", "zero"], f"int8_{name}")
        self._add("DequantizeLinear", [f"int8_{name}", "scale", "zero"], f"float_{name}")
        return f"float_{name}"

    def _constant(self, name: str, value: Any) -> None:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(value), name))

    def _add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(self._make(kind, inputs, [output], **attributes))


def _save(path: str, graph: _Graph) -> None:
    import onnx
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, graph.shape) for name in ("x", "y")]
    made = helper.make_graph(graph.nodes, "products", ends[:1], ends[1:], graph.constants)
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION), path)
