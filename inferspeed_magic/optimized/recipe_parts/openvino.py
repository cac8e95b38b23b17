"""Whatever OpenVINO reads to its own format, NNCF's quantization, and OpenVINO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.optimized.recipe_parts.names import in_order
from inferspeed_magic.optimized.recipe_parts.samples import batches
from inferspeed_magic.optimized.recipe_parts.script import BATCH_SIZE, INPUTS, THREADS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def convert_to_openvino(source: Path, target: Path, batch_size: int | None) -> None:
    """Convert to OpenVINO's format, weights in float32; None as the batch size leaves it open."""
    import openvino

    model = openvino.Core().read_model(source)
    shapes = [[batch_size or -1, *(size or -1 for size in each["shape"])] for each in INPUTS]
    model.reshape(dict(zip(ports_in_order(model.inputs), shapes, strict=True)))
    openvino.save_model(model, target, compress_to_fp16=False)


def read(source: Path) -> Any:
    """Read a model, and compute what follows from constants: NNCF quantizes only weights that are constants."""
    import openvino
    from openvino._offline_transformations import apply_moc_transformations

    model = openvino.Core().read_model(source)
    apply_moc_transformations(model, cf=True, smart_reshape=False)
    return model


def quantize_static_int8(source: Path, target: Path, calibration: Path) -> None:
    """Quantize weights and activations to int8, with the ranges that samples show."""
    import nncf
    import openvino

    model = read(source)
    names = [port.any_name for port in ports_in_order(model.inputs)]
    samples = list(batches(calibration, BATCH_SIZE, INPUTS, names))
    quantized = nncf.quantize(
        model, nncf.Dataset(samples), preset=nncf.QuantizationPreset.PERFORMANCE, subset_size=len(samples)
    )
    openvino.save_model(quantized, target, compress_to_fp16=False)


def compress_int8(source: Path, target: Path) -> None:
    """Store weights in int8 and compute in float."""
    import nncf
    import openvino

    model = read(source)
    model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM)
    openvino.save_model(model, target, compress_to_fp16=False)


def compress_int4(source: Path, target: Path) -> None:
    """Store weights in int4 and compute in float."""
    import nncf
    import openvino

    model = read(source)
    # Layers whose channels do not divide into groups of 128 get smaller groups, or 8 bits.
    fallback = nncf.AdvancedCompressionParameters(group_size_fallback_mode=nncf.GroupSizeFallbackMode.ADJUST)
    model = nncf.compress_weights(
        model, mode=nncf.CompressWeightsMode.INT4_SYM, all_layers=True, advanced_parameters=fallback
    )
    openvino.save_model(model, target, compress_to_fp16=False)


def compress_float16(source: Path, target: Path) -> None:
    """Store weights in float16."""
    import openvino

    openvino.save_model(openvino.Core().read_model(source), target, compress_to_fp16=True)


def run(file: Path, arrays: list[Any]) -> list[Any]:
    """Open the file with OpenVINO and run one batch."""
    import openvino

    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "INFERENCE_NUM_THREADS": THREADS,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    compiled = openvino.Core().compile_model(file, "CPU", settings)
    answer = compiled(dict(zip(ports_in_order(compiled.inputs), arrays, strict=True)))
    return [answer[port] for port in ports_in_order(compiled.outputs)]


def ports_in_order(ports: Iterable[Any]) -> list[Any]:
    """Sort inputs or outputs by the position in their names."""
    named = {next((name for name in port.names if "im_" in name), port.any_name): port for port in ports}
    return [named[name] for name in in_order(named)]
