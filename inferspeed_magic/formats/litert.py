"""SavedModel to LiteRT."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def convert(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> None:
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
    try:
        made = converter.convert()
    except Exception as error:
        # The message repeats the whole call stack of the graph; the operator and what it lacks are in it once.
        found = re.search(r"'tf\.\w+' op [^\n]+", str(error))
        raise (ValueError(found.group(0)) if found else error) from error
    Path(target).write_bytes(made)
