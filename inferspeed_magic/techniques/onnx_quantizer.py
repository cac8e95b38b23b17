"""The quantization of ONNX Runtime: https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html ."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.techniques.calibration import batches

if TYPE_CHECKING:
    from collections.abc import Iterator


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

    quantize_dynamic(
        _prepared(source, target), target, weight_type=QuantType.QInt8, per_channel=True, reduce_range=reduce_range
    )
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
    reduce_range: bool = False,
) -> None:
    """Quantize weights and activations to int8 with the ranges that samples show (QDQ, per channel).

    Args:
        state: of the converter process (not used).
        source: an ONNX file.
        target: file to write.
        batch_size: of the file.
        inputs: names, shapes and dtypes of the inputs.
        calibration: folder of samples.
        method: ``minmax``, ``entropy`` or ``percentile``.
        reduce_range: keep weights to 7 bits, for CPUs whose int8 products saturate.
    """
    del state
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
        def __init__(self) -> None:
            self._feeds = _feeds(source, calibration, batch_size or 1, inputs)

        def get_next(self) -> dict[str, Any] | None:
            return next(self._feeds, None)

    methods = {
        "minmax": CalibrationMethod.MinMax,
        "entropy": CalibrationMethod.Entropy,
        "percentile": CalibrationMethod.Percentile,
    }
    quantize_static(
        _prepared(source, target),
        target,
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=reduce_range,
        weight_type=QuantType.QInt8,
        activation_type=QuantType.QUInt8,
        calibrate_method=methods[method],
    )
    _assert_changed(target)


def _assert_changed(target: str) -> None:
    import onnx

    kinds = {node.op_type for node in onnx.load(target, load_external_data=False).graph.node}
    if not any("Quantize" in kind or kind.endswith("Integer") for kind in kinds):
        raise UnsupportedError("there is nothing in this model that ONNX Runtime quantizes")


def _feeds(source: str, calibration: str, batch_size: int, inputs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Name the arrays as the file names its inputs, which are in the order of the signature."""
    import onnx

    from inferspeed_magic.formats.naming import in_order

    graph = onnx.load(source, load_external_data=False).graph
    weights = {each.name for each in graph.initializer}
    names = in_order([each.name for each in graph.input if each.name not in weights], lambda name: [name])
    for batch in batches(calibration, batch_size):
        yield {name: array.astype(spec["dtype"]) for name, array, spec in zip(names, batch, inputs, strict=True)}


def _prepared(source: str, target: str) -> str:
    """Fold constants and infer shapes first, where ONNX Runtime can; its quantizer finds more to do then."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = Path(target).with_name("prepared.onnx")
    try:
        quant_pre_process(source, str(prepared), skip_symbolic_shape=True)
    except Exception:  # noqa: BLE001  (it fails on graphs that quantize well without it)
        prepared.unlink(missing_ok=True)
        shutil.copy(source, prepared)
        beside = Path(f"{source}.data")
        if beside.exists():
            shutil.copy(beside, prepared.with_name(beside.name))
    return str(prepared)
