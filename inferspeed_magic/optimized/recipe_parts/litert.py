"""SavedModel to LiteRT with TFLiteConverter, and LiteRT's interpreter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.optimized.recipe_parts.names import in_order
from inferspeed_magic.optimized.recipe_parts.samples import batches
from inferspeed_magic.optimized.recipe_parts.script import BATCH_SIZE, INPUTS, NAMES, THREADS

if TYPE_CHECKING:
    from pathlib import Path


def convert_to_litert(source: Path, target: Path) -> None:
    """Convert the SavedModel as it is."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(source))
    target.write_bytes(converter.convert())


def quantize_float16(source: Path, target: Path) -> None:
    """Store weights in float16."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(source))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    target.write_bytes(converter.convert())


def quantize_dynamic_int8(source: Path, target: Path) -> None:
    """Store weights in int8; activations are quantized while running."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(source))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    target.write_bytes(converter.convert())


def quantize_static_int8(source: Path, target: Path, calibration: Path) -> None:
    """Quantize weights and activations to int8, with the ranges that samples show; inputs and outputs stay float."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(source))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: batches(calibration, BATCH_SIZE, INPUTS, NAMES)
    target.write_bytes(converter.convert())


def quantize_int16x8(source: Path, target: Path, calibration: Path) -> None:
    """Quantize weights to int8 and activations to int16, with the ranges that samples show."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(source))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: batches(calibration, BATCH_SIZE, INPUTS, NAMES)
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
        tf.lite.OpsSet.TFLITE_BUILTINS,
    ]
    target.write_bytes(converter.convert())


def run(file: Path, arrays: list[Any]) -> list[Any]:
    """Open the file with LiteRT and run one batch."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(file), num_threads=THREADS)
    model = interpreter.get_signature_runner()
    outputs = model(**dict(zip(in_order(model.get_input_details()), arrays, strict=True)))
    return [outputs[name] for name in in_order(outputs)]


def run_without_delegate(file: Path, arrays: list[Any]) -> list[Any]:
    """Open the file with LiteRT's own kernels, not those of XNNPACK, and run one batch."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_path=str(file),
        num_threads=THREADS,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    model = interpreter.get_signature_runner()
    outputs = model(**dict(zip(in_order(model.get_input_details()), arrays, strict=True)))
    return [outputs[name] for name in in_order(outputs)]
