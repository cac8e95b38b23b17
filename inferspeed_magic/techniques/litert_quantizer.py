"""The quantization of TFLiteConverter: https://ai.google.dev/edge/litert/models/post_training_quantization ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.formats.naming import input_name
from inferspeed_magic.techniques.calibration import batches

#: What weights and activations become.
_SMALL = (np.int8, np.uint8, np.int16, np.float16)


def convert(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    kind: str,
    calibration: str | None = None,
) -> None:
    """Convert a frozen SavedModel and quantize it on the way; inputs and outputs stay float.

    Args:
        state: of the converter process (not used).
        source: folder of the SavedModel.
        target: file to write.
        batch_size: that the SavedModel was traced with.
        inputs: names, shapes and dtypes of the inputs.
        kind: ``float16`` (weights), ``dynamic`` (int8 weights), ``int8`` (weights and activations), ``int16x8``
            (activations in 16 bits).
        calibration: folder of samples to find the ranges of activations with.
    """
    del state
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(source)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if calibration is not None:
        names = [input_name(position, spec["name"]) for position, spec in enumerate(inputs)]
        converter.representative_dataset = lambda: batches(calibration, batch_size, inputs, names)
    if kind == "int16x8":
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
            tf.lite.OpsSet.TFLITE_BUILTINS,
        ]
    made = converter.convert()
    details = tf.lite.Interpreter(model_content=made).get_tensor_details()
    if not any(each["dtype"] in _SMALL and len(each["shape"]) > 0 for each in details):
        raise UnsupportedError(f"{kind} changes nothing: the converter leaves weights of fewer than 1,024 values alone")
    Path(target).write_bytes(made)
