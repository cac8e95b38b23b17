"""The quantization of NNCF for OpenVINO: https://docs.openvino.ai/2025/openvino-workflow/model-optimization.html ."""

from __future__ import annotations

from typing import Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.techniques.calibration import batches


def static(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    calibration: str,
) -> None:
    """Quantize weights and activations to int8 with the ranges that samples show.

    Args:
        state: of the converter process (not used).
        source: an IR file.
        target: file to write.
        batch_size: of the file.
        inputs: names, shapes and dtypes of the inputs.
        calibration: folder of samples.
    """
    del state
    import nncf
    import openvino

    from inferspeed_magic.formats.naming import in_order

    model = openvino.Core().read_model(source)
    ports = in_order(model.inputs, lambda port: port.get_names())
    feeds = [
        {port.any_name: array.astype(spec["dtype"]) for port, array, spec in zip(ports, batch, inputs, strict=True)}
        for batch in batches(calibration, batch_size or 1)
    ]
    quantized = nncf.quantize(model, nncf.Dataset(feeds), preset=nncf.QuantizationPreset.MIXED, subset_size=len(feeds))
    _save(quantized, target)


def weights(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]], bits: int
) -> None:
    """Store weights in few bits and compute in float.

    Args:
        state: of the converter process (not used).
        source: an IR file.
        target: file to write.
        batch_size: not used.
        inputs: not used.
        bits: 8 or 4.
    """
    del state, batch_size, inputs
    import nncf
    import openvino

    model = openvino.Core().read_model(source)
    if bits == 4:  # noqa: PLR2004
        # Layers whose channels do not divide into groups of 128 get smaller groups, or 8 bits.
        fallback = nncf.AdvancedCompressionParameters(group_size_fallback_mode=nncf.GroupSizeFallbackMode.ADJUST)
        model = nncf.compress_weights(
            model, mode=nncf.CompressWeightsMode.INT4_SYM, all_layers=True, advanced_parameters=fallback
        )
    else:
        model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM)
    _save(model, target)


def half(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> None:
    """Store weights in float16 and compute in float32."""
    del state, batch_size, inputs
    import openvino

    openvino.save_model(openvino.Core().read_model(source), target, compress_to_fp16=True)


def _save(model: Any, target: str) -> None:
    import openvino

    small = {"i8", "u8", "i4", "u4"}
    kinds = {node.get_type_name() for node in model.get_ops()}
    stored = {node.get_element_type().get_type_name() for node in model.get_ops() if node.get_type_name() == "Constant"}
    if "FakeQuantize" not in kinds and not stored & small:
        raise UnsupportedError("there is nothing in this model that NNCF quantizes")
    openvino.save_model(model, target, compress_to_fp16=False)
