"""The quantization of ONNX Runtime: https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html ."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from pathlib import Path
from typing import Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.techniques.calibration import batches
from inferspeed_magic.techniques.onnx_mixed import in_float, read_floats

#: Methods that draw histograms keep the values of all activations of what they are given at once, and search every
#: histogram: a few samples at a time, and few of them.
_HISTOGRAM_SAMPLES = 32


def dynamic(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    reduce_range: bool = False,
) -> None:
    """Quantize weights to int8 beforehand and activations while running.

    Args:
        state: of the converter process (not used).
        source: an ONNX file.
        target: file to write.
        batch_size: not used.
        inputs: not used.
        reduce_range: keep weights to 7 bits, for CPUs whose int8 products saturate.
    """
    del state, batch_size, inputs
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as place:
        file = prepared(source, place)
        quantize_dynamic(file, target, weight_type=QuantType.QInt8, per_channel=True, reduce_range=reduce_range)
    _assert_changed(target)


def static(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    calibration: str,
    method: str = "minmax",
    per_channel: bool = True,
    reduce_range: bool = False,
    exclude: str = "",
) -> None:
    """Quantize weights and activations to int8 with the ranges that samples show (QDQ).

    Args:
        state: of the converter process (not used).
        source: an ONNX file.
        target: file to write.
        batch_size: of the file.
        inputs: names, shapes and dtypes of the inputs.
        calibration: folder of samples.
        method: ``minmax``; ``entropy`` or ``percentile``, which cut off what is rare, and look at 32 samples only.
        per_channel: whether each channel of a weight has a scale of its own.
        reduce_range: keep weights to 7 bits, for CPUs whose int8 products saturate.
        exclude: what stays in float: names of nodes or paths of layers, one a line; those that are not there are no
            mistake.
    """
    del state
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    methods = {
        "minmax": CalibrationMethod.MinMax,
        "entropy": CalibrationMethod.Entropy,
        "percentile": CalibrationMethod.Percentile,
    }
    most = None if method == "minmax" else max(1, _HISTOGRAM_SAMPLES // (batch_size or 1))
    with tempfile.TemporaryDirectory() as place:
        file = prepared(source, place)
        left = in_float(file, exclude)
        quantize_static(
            file,
            target,
            reader_of(source, calibration, batch_size, inputs, most),
            quant_format=QuantFormat.QDQ,
            per_channel=per_channel,
            reduce_range=reduce_range,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            calibrate_method=methods[method],
            nodes_to_exclude=left,
            extra_options={} if method == "minmax" else {"CalibStridedMinMax": 1},
        )
    if left:
        read_floats(target, left)
    _assert_changed(target)


def reader_of(
    source: str, calibration: str, batch_size: int | None, inputs: list[dict[str, Any]], most: int | None = None
) -> Any:
    """Make what ONNX Runtime reads samples from, batch by batch.

    Args:
        source: an ONNX file, whose inputs are in the order of the signature.
        calibration: folder of samples.
        batch_size: of the file.
        inputs: names, shapes and dtypes of the inputs.
        most: batches; None for all.
    """
    from onnxruntime.quantization import CalibrationDataReader

    found = batches(calibration, batch_size, inputs, _input_names(source))

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
        def __init__(self) -> None:
            self.feeds = list(itertools.islice(found, most))
            self.range = iter(self.feeds)

        def get_next(self) -> dict[str, Any] | None:
            return next(self.range, None)

        def __len__(self) -> int:
            return len(self.feeds)

        def set_range(self, start_index: int, end_index: int) -> None:
            self.range = iter(self.feeds[start_index:end_index])

    return Reader()


def prepared(source: str, folder: str) -> str:
    """Fold constants and infer shapes first, where ONNX Runtime can; its quantizer finds more to do then.

    Returns:
        The file that was written.
    """
    from onnxruntime.quantization.shape_inference import quant_pre_process

    file = Path(folder) / "prepared.onnx"
    try:
        quant_pre_process(source, str(file), skip_symbolic_shape=True)
    except Exception:  # noqa: BLE001  (it fails on graphs that quantize well without it)
        file.unlink(missing_ok=True)
        shutil.copy(source, file)
        beside = Path(f"{source}.data")
        if beside.exists():
            shutil.copy(beside, file.with_name(beside.name))
    return str(file)


def _assert_changed(target: str) -> None:
    import onnx

    kinds = {node.op_type for node in onnx.load(target, load_external_data=False).graph.node}
    if not any("Quantize" in kind or kind.endswith("Integer") for kind in kinds):
        raise UnsupportedError("there is nothing in this model that ONNX Runtime quantizes")


def _input_names(source: str) -> list[str]:
    """Name the file's inputs in the order of the signature."""
    import onnx

    from inferspeed_magic.formats.naming import in_order

    graph = onnx.load(source, load_external_data=False).graph
    weights = {each.name for each in graph.initializer}
    return in_order([each.name for each in graph.input if each.name not in weights], lambda name: [name])
