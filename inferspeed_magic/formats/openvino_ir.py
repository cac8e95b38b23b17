"""ONNX, SavedModel or LiteRT file to OpenVINO IR."""

from __future__ import annotations

from typing import Any


def convert(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> None:
    """Convert whatever OpenVINO reads.

    Args:
        state: of the converter process (not used).
        source: an ONNX or LiteRT file, or the folder of a frozen SavedModel.
        target: file to write, ``.xml``; the weights go beside it.
        batch_size: to fix; None leaves it open.
        inputs: names, shapes and dtypes of the inputs, in the order of the signature.
    """
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
