"""OpenVINO's files, as NNCF takes them and gives them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.techniques.calibration import batches

if TYPE_CHECKING:
    import numpy as np

_SMALL = {"i8", "u8", "i4", "u4"}


def opened(
    source: str, calibration: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> tuple[Any, list[dict[str, np.ndarray[Any, Any]]]]:
    """Read a model, and samples as its inputs take them, batch by batch."""
    from inferspeed_magic.formats.naming import in_order

    model = read(source)
    names = [port.any_name for port in in_order(model.inputs, lambda port: port.get_names())]
    return model, list(batches(calibration, batch_size, inputs, names))


def read(source: str) -> Any:
    """Read a model and compute what follows from constants.

    NNCF quantizes a convolution only if its weights are one; those of depthwise convolutions come out of ONNX files
    through a chain of operators that work out their shape.
    """
    import openvino
    from openvino._offline_transformations import apply_moc_transformations

    model = openvino.Core().read_model(source)
    apply_moc_transformations(model, cf=True, smart_reshape=False)
    return model


def save(model: Any, target: str, *, otherwise: str = "there is nothing in this model that NNCF quantizes") -> None:
    """Write a model that was quantized.

    Raises:
        UnsupportedError: if nothing in it was; says ``otherwise``.
    """
    import openvino

    kinds = {node.get_type_name() for node in model.get_ops()}
    stored = {node.get_element_type().get_type_name() for node in model.get_ops() if node.get_type_name() == "Constant"}
    if "FakeQuantize" not in kinds and not stored & _SMALL:
        raise UnsupportedError(otherwise)
    openvino.save_model(model, target, compress_to_fp16=False)
