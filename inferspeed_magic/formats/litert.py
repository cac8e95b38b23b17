"""SavedModel to LiteRT."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def convert(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> dict[str, Any]:
    """Convert a frozen SavedModel with the converter that comes with TensorFlow.

    Args:
        state: of the converter process (not used).
        source: folder of the SavedModel.
        target: file to write.
        batch_size: that the SavedModel was traced with.
        inputs: not used.
    """
    del state, batch_size, inputs
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(source)
    Path(target).write_bytes(converter.convert())
    return {}
