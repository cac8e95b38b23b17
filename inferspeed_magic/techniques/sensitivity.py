"""How much each layer's quantization alone changes what a model answers: which ones to leave in float."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.formats.layer_names import layer_of
from inferspeed_magic.techniques.onnx_quantizer import prepared, reader_of
from inferspeed_magic.techniques.openvino_control import relative_rms

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, Any]

_PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
#: Batches that outputs are compared on; ranges are found on all.
_COMPARED = 4
#: Every layer's turn copies the model.
_MOST_BYTES = 1_000_000_000


def onnx(
    state: dict[str, Any],
    *,
    source: str,
    inputs: list[dict[str, Any]],
    batch_size: int | None,
    calibration: str,
    layers: Sequence[str] = (),
    reduce_range: bool = False,
    most: int = 40,
    limit_s: float = 60.0,
) -> list[dict[str, Any]]:
    """Quantize one layer after the other, each alone, and see how far outputs move.

    Ranges are found once, and layers with most multiplications come first.

    Args:
        state: of the converter process (not used).
        source: an ONNX file in float32.
        inputs: names, shapes and dtypes of the inputs.
        batch_size: of the file.
        calibration: folder of samples.
        layers: names of the Keras model's layers, those inside layers too; without them the scopes of operators count
            as layers.
        reduce_range: keep weights to 7 bits, as ``onnx_quantizer.static`` does.
        most: layers.
        limit_s: time; what was not reached by then is missing.

    Returns:
        For each layer its path, its ``nodes``, its multiply-accumulates (``macs``, of one batch; estimated from what is
        known of shapes), and ``error``: the root mean square of the outputs' deviation, relative to their own.

    Raises:
        UnsupportedError: for models of more than 1 GB.
    """
    del state
    import onnx as library
    from onnxruntime.quantization import CalibrationMethod
    from onnxruntime.quantization.calibrate import create_calibrator

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="inferspeed_sensitivity_") as folder:
        file = prepared(source, folder)
        if sum(each.stat().st_size for each in Path(folder).iterdir()) > _MOST_BYTES:
            raise UnsupportedError("sensitivity is not measured for models of more than 1 GB")
        model = library.load(file)
        calibrator = create_calibrator(
            Path(file),
            list(_PRODUCTS),
            augmented_model_path=str(Path(folder) / "augmented.onnx"),
            calibrate_method=CalibrationMethod.MinMax,
        )
        reader = reader_of(source, calibration, batch_size, inputs)
        calibrator.collect_data(reader)
        ranges = calibrator.compute_data()
        feeds = reader.feeds[:_COMPARED]
        expected = _answers(model, feeds)
        found: list[dict[str, Any]] = []
        for layer, (nodes, macs) in list(_groups(model, layers).items())[:most]:
            if found and time.monotonic() - began > limit_s:
                break
            answers = _answers(_quantized(file, nodes, ranges, reduce_range=reduce_range), feeds)
            error = max(relative_rms(mine, theirs) for mine, theirs in zip(answers, expected, strict=True))
            found.append({"layer": layer, "nodes": nodes, "macs": macs, "error": error})
        return found


def _quantized(file: str, nodes: list[str], ranges: Any, *, reduce_range: bool) -> Any:
    """Quantize nothing but these nodes, as ``onnx_quantizer.static`` quantizes everything."""
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
    from onnxruntime.quantization.quant_utils import load_model_with_shape_infer

    quantizer = QDQQuantizer(
        load_model_with_shape_infer(Path(file)),
        True,  # noqa: FBT003  (per channel; older versions take it by position only)
        reduce_range,
        QuantType.QInt8,
        QuantType.QUInt8,
        ranges,
        nodes,
        [],
        list(_PRODUCTS),
        {},
    )
    quantizer.quantize_model()
    return quantizer.model.model


def _answers(model: Any, feeds: list[dict[str, Array]]) -> list[Array]:
    """Run a model on batches; each output, of all of them."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answers = [session.run(None, feed) for feed in feeds]
    return [np.concatenate([np.ravel(each) for each in outputs]) for outputs in zip(*answers, strict=True)]


def _groups(model: Any, layers: Sequence[str]) -> dict[str, tuple[list[str], int]]:
    """Collect the products of each layer, and count their multiply-accumulates; most of these first."""
    constants = {each.name: tuple(each.dims) for each in model.graph.initializer}
    shapes = {
        each.name: tuple(dim.dim_value for dim in each.type.tensor_type.shape.dim)
        for each in [*model.graph.value_info, *model.graph.input, *model.graph.output]
    }
    groups: dict[str, tuple[list[str], int]] = {}
    for node in model.graph.node:
        if node.op_type not in _PRODUCTS or not node.name:
            continue
        layer = layer_of(node.name, layers) or _scope_of(node.name)
        nodes, macs = groups.get(layer, ([], 0))
        groups[layer] = [*nodes, node.name], macs + _macs(node, constants, shapes)
    return dict(sorted(groups.items(), key=lambda group: group[1][1], reverse=True))


def _macs(node: Any, constants: dict[str, tuple[int, ...]], shapes: dict[str, tuple[int, ...]]) -> int:
    """Estimate from what is known: of an output of unknown size only its weights count."""
    weights = constants.get(node.input[1])
    values = int(np.prod([size or 1 for size in shapes.get(node.output[0], ())]))
    if node.op_type in {"MatMul", "Gemm"}:
        first = weights or shapes.get(node.input[1], (1,))
        transposed = any(each.name == "transB" and each.i for each in node.attribute)
        depth = first[-1] if transposed or len(first) == 1 else first[-2]
        return int(max(values, first[-1] if weights else 1) * max(depth, 1))
    # Each value is the sum over one filter; those of a transposed convolution have their outputs second.
    filters = (weights or (1,))[1 if node.op_type == "ConvTranspose" and weights else 0]
    return int(max(values * np.prod(weights or (1,)) / max(filters, 1), np.prod(weights or (1,))))


def _scope_of(operator: str) -> str:
    """Take the layer for what is between the model's name and the operator's own."""
    scopes = operator.strip("/").split("/")
    return "/".join(scopes[1:-1] or scopes[:-1] or scopes)
