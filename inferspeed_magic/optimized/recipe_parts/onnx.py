"""Graph of TensorFlow to ONNX with tf2onnx, the quantizers of ONNX Runtime, and ONNX Runtime."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from inferspeed_magic.optimized.recipe_parts.names import in_order
from inferspeed_magic.optimized.recipe_parts.samples import batches
from inferspeed_magic.optimized.recipe_parts.script import BATCH_SIZE, INPUTS, NAMES, THREADS, extra_operators, tune

OPSET = 17


def convert_to_onnx(frozen: Any, target: Path) -> None:
    """Convert a frozen graph."""
    import onnx
    import tf2onnx

    graph = frozen.graph.as_graph_def()
    functions = graph.library.function
    # Keras marks convolutions for XLA, and tf2onnx does not look into what is marked.
    for holder in [*graph.node, *functions, *(node for function in functions for node in function.node_def)]:
        for mark in ("_XlaMustCompile", "_noinline"):
            if mark in holder.attr:
                del holder.attr[mark]
    inputs = [each.name for each in frozen.inputs]
    outputs = [each.name for each in frozen.outputs]
    named = [*NAMES, *(f"im_out_{position:03d}_" for position in range(len(outputs)))]
    model, _ = tf2onnx.convert.from_graph_def(
        graph,
        input_names=inputs,
        output_names=outputs,
        opset=OPSET,
        custom_op_handlers=extra_operators(),
        tensors_to_rename=dict(zip([*inputs, *outputs], named, strict=True)),
    )
    target.write_bytes(model.SerializeToString())
    onnx.checker.check_model(str(target))


def erfc_too() -> dict[str, Any]:
    """Give tf2onnx a handler for the complement of the error function, which exact GELU is computed with."""
    from inferspeed_magic.formats.onnx_operators import _erfc

    return {"Erfc": (_erfc, [])}


def fix_batch(source: Path, target: Path) -> None:
    """Write the batch size into the inputs: with known shapes ONNX Runtime fuses more."""
    import onnx

    model = onnx.load(source)
    weights = {each.name for each in model.graph.initializer}
    inputs = {each.name: each for each in model.graph.input if each.name not in weights}
    for name, spec in zip(in_order(inputs), INPUTS, strict=True):
        dimensions = inputs[name].type.tensor_type.shape.dim
        for dimension, size in zip(dimensions, [BATCH_SIZE, *spec["shape"]], strict=True):
            if size is not None:
                dimension.dim_value = size
    # Shapes that were noted for any batch contradict the new one.
    del model.graph.value_info[:]
    for each in model.graph.output:
        for dimension in each.type.tensor_type.shape.dim:
            if dimension.dim_param:
                dimension.ClearField("dim_param")
    onnx.save(model, target)


def convert_litert_to_onnx(source: Path, target: Path) -> None:
    """Convert a LiteRT file."""
    import tf2onnx

    model, _ = tf2onnx.convert.from_tflite(str(source), opset=OPSET)
    target.write_bytes(model.SerializeToString())


def quantize_dynamic_int8(source: Path, target: Path, *, reduce_range: bool) -> None:
    """Quantize weights to int8 beforehand and activations while running.

    With ``reduce_range`` weights keep to 7 bits: on CPUs without VNNI, products of 8 bits overflow.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(source, Path(folder))
        quantize_dynamic(prepared, target, weight_type=QuantType.QInt8, per_channel=True, reduce_range=reduce_range)


def quantize_static_int8(source: Path, target: Path, calibration: Path, *, reduce_range: bool) -> None:
    """Quantize weights and activations to int8, with the ranges that samples show.

    With ``reduce_range`` weights keep to 7 bits: on CPUs without VNNI, products of 8 bits overflow.
    """
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    graph = onnx.load(source, load_external_data=False).graph
    weights = {each.name for each in graph.initializer}
    names = in_order([each.name for each in graph.input if each.name not in weights])

    class Samples(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
        def __init__(self) -> None:
            self._batches = batches(calibration, BATCH_SIZE, INPUTS, names)

        def get_next(self) -> dict[str, Any] | None:
            return next(self._batches, None)

    with tempfile.TemporaryDirectory() as folder:
        quantize_static(
            prepare(source, Path(folder)),
            target,
            Samples(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=reduce_range,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )


def prepare(source: Path, folder: Path) -> str:
    """Fold constants and infer shapes, where ONNX Runtime can; its quantizer finds more to do then."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = folder / source.name
    try:
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    except Exception:  # noqa: BLE001  (it fails on graphs that quantize well without it)
        shutil.copy(source, prepared)
        beside = source.with_name(f"{source.name}.data")
        if beside.exists():
            shutil.copy(beside, folder)
    return str(prepared)


def run(file: Path, arrays: list[Any]) -> list[Any]:
    """Open the file with ONNX Runtime and run one batch."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    tune(options)
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    inputs = in_order(each.name for each in session.get_inputs())
    outputs = in_order(each.name for each in session.get_outputs())
    answer: list[Any] = session.run(outputs, dict(zip(inputs, arrays, strict=True)))
    return answer
