"""The quantization of NNCF for OpenVINO: https://docs.openvino.ai/2025/openvino-workflow/model-optimization.html ."""

from __future__ import annotations

from typing import Any

from inferspeed_magic.techniques.exclusion import within
from inferspeed_magic.techniques.openvino_control import controlled
from inferspeed_magic.techniques.openvino_files import opened, read, save


def static(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    calibration: str,
    symmetric: bool = True,
    most_error_percent: int = 0,
    exclude: str = "",
) -> None:
    """Quantize weights and activations to int8 with the ranges that samples show.

    Args:
        state: of the converter process (not used).
        source: an IR file.
        target: file to write.
        batch_size: of the file.
        inputs: names, shapes and dtypes of the inputs.
        calibration: folder of samples.
        symmetric: have the ranges of activations centred on zero, too, as NNCF does by itself: fewer operations.
        most_error_percent: leave layers in float until the outputs deviate by no more (``openvino_control``); 0
            quantizes all.
        exclude: what stays in float: names of operators or paths of layers, one a line; those that are not there are
            no mistake.

    Raises:
        UnsupportedError: if nothing can be quantized.
    """
    del state
    import nncf

    model, feeds = opened(source, calibration, batch_size, inputs)
    names = [node.get_friendly_name() for node in model.get_ops()] if exclude else []
    ignored = nncf.IgnoredScope(names=[name for name in names if within(name, exclude.split("\n"))], validate=False)
    if most_error_percent:
        made = controlled(model, feeds, ignored, most_error_percent)
        save(made, target, otherwise=f"no layer can be quantized without changing outputs by {most_error_percent}%")
        return
    preset = nncf.QuantizationPreset.PERFORMANCE if symmetric else nncf.QuantizationPreset.MIXED
    dataset = nncf.Dataset(feeds)
    save(nncf.quantize(model, dataset, preset=preset, subset_size=len(feeds), ignored_scope=ignored), target)


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

    model = read(source)
    if bits == 4:  # noqa: PLR2004
        # Layers whose channels do not divide into groups of 128 get smaller groups, or 8 bits.
        fallback = nncf.AdvancedCompressionParameters(group_size_fallback_mode=nncf.GroupSizeFallbackMode.ADJUST)
        model = nncf.compress_weights(
            model, mode=nncf.CompressWeightsMode.INT4_SYM, all_layers=True, advanced_parameters=fallback
        )
    else:
        model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM)
    save(model, target)


def half(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> None:
    """Store weights in float16 and compute in float32."""
    del state, batch_size, inputs
    import openvino

    openvino.save_model(openvino.Core().read_model(source), target, compress_to_fp16=True)


def as_it_is(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> None:
    """Leave the model alone: the runtime does what there is to do when it compiles it."""
    del state, batch_size, inputs
    import openvino

    openvino.save_model(openvino.Core().read_model(source), target, compress_to_fp16=False)
