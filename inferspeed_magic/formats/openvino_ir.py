"""ONNX, SavedModel or LiteRT file to OpenVINO IR, with a fixed batch."""

from __future__ import annotations

from typing import Any


def from_onnx(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> dict[str, Any]:
    """Convert an ONNX file."""
    return _convert(state, source, target, batch_size, inputs)


def from_saved_model(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> dict[str, Any]:
    """Convert a frozen SavedModel."""
    return _convert(state, source, target, batch_size, inputs)


def from_litert(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> dict[str, Any]:
    """Convert a LiteRT file."""
    return _convert(state, source, target, batch_size, inputs)


def _convert(
    state: dict[str, Any], source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> dict[str, Any]:
    del state
    import openvino

    from inferspeed_magic.formats.naming import in_order

    # Not openvino.convert_model: it starts a process that reports its use to the vendor.
    model = openvino.Core().read_model(source)
    ports = in_order(model.inputs, lambda port: port.get_names())
    shapes = {port: [batch_size or -1, *spec["shape"]] for port, spec in zip(ports, inputs, strict=True)}
    model.reshape(shapes)
    # Weights stay float32: the default would halve them, and with that the precision that is reported.
    openvino.save_model(model, target, compress_to_fp16=False)
    return {}
