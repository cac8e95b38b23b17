"""What the weights of a live model hold."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np

#: Vectors (biases, statistics) begin at zero, which says nothing.
_MATRIX = 2
#: What lookups take rows from: nothing is multiplied with it.
_TABLE = "embeddings"
#: Modes of Keras's quantization that store weights, and compute in float.
_UNPACKED = ("int4", "gptq", "awq")


def zero_share(model: Any) -> float:
    """Count the exact zeros among the values that inputs are multiplied with; tables of lookups are left out.

    Args:
        model: of Keras 3 or tf_keras, built.

    Returns:
        Their share, 0 to 1; NaN for a model without any.
    """
    zeros = values = 0
    for variable in model.weights:
        with contextlib.suppress(Exception):  # whatever a user's variables raise
            name = str(variable.name).rpartition("/")[2].partition(":")[0]
            array = np.asarray(variable)
            if name != _TABLE and array.ndim >= _MATRIX and array.dtype.kind in "fiu":
                zeros += array.size - int(np.count_nonzero(array))
                values += array.size
    return zeros / values if values else math.nan


def packed(model: Any) -> tuple[float, str]:
    """Find the layers that store their weights in few bits and unpack them for every product.

    Keras does so for int4, GPTQ and AWQ (https://keras.io/guides/quantization_overview/); its int8 multiplies in int8.

    Args:
        model: of Keras 3 or tf_keras, built.

    Returns:
        Their share of the model's parameters, 0 to 1, and the form; 0 and "" where there are none.
    """
    leaves = [layer for layer in _all_layers(model) if not _inside(layer)]
    layers = [layer for layer in leaves if getattr(layer, "quantization_mode", None) in _UNPACKED]
    layers = [layer for layer in layers if not hasattr(layer, _TABLE)]  # a lookup unpacks the rows that it takes
    stored = sum(map(_parameters, layers))
    kinds = " and ".join(dict.fromkeys(layer.quantization_mode for layer in layers))
    return (stored / sum(map(_parameters, leaves)), kinds) if stored else (0.0, "")


def _all_layers(model: Any) -> list[Any]:
    """List layers, those inside of other layers too; none for models of tf_keras, which quantize nothing."""
    flatten = getattr(model, "_flatten_layers", None)
    return list(flatten()) if flatten is not None and hasattr(model, "quantize") else []


def _inside(layer: Any) -> list[Any]:
    return list(layer._flatten_layers(include_self=False, recursive=False))  # noqa: SLF001  (no public way)


def _parameters(layer: Any) -> int:
    """Count parameters, two for each byte that holds weights of four bits."""
    in_four = getattr(layer, "quantization_mode", None) == "int4"
    return sum(
        math.prod(variable.shape) * (2 if in_four and str(variable.dtype) in ("int8", "uint8") else 1)
        for variable in layer.weights
    )


def optimizer_bytes(model: Any) -> int:
    """Size of what a model's optimizer remembers (moments of every weight); 0 without one."""
    size = 0
    with contextlib.suppress(Exception):  # none, or one of the user's own
        variables = model.optimizer.variables
        for variable in variables() if callable(variables) else variables:
            array = np.asarray(variable)
            size += array.size * array.itemsize
    return size
