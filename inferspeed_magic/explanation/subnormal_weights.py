"""The same model with its subnormal weights set to zero: what computing with them costs."""

from __future__ import annotations

from typing import Any

import numpy as np

from inferspeed_magic.techniques.keras_folder import opened, save


def flush(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> None:
    """Write a model whose subnormal weights are zero, as a step of a conversion.

    Args:
        state: of the converter process (not used).
        source: folder of a portable model, of either Keras.
        target: folder to write.
        batch_size: not used.
        inputs: not used.

    Raises:
        UnsupportedError: for what is no Keras model, or cannot be copied.
    """
    del state, batch_size, inputs
    found = opened(source)
    for variable in found.model.weights:
        array = np.asarray(variable.numpy())
        if array.dtype.kind == "f":
            subnormal = (array != 0) & (np.abs(array) < np.finfo(array.dtype).tiny)
            if subnormal.any():
                variable.assign(np.where(subnormal, np.zeros((), array.dtype), array))
    save(found.model, found, source, target)
