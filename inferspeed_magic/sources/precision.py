"""The precision that a Keras model computes in."""

from __future__ import annotations

from typing import Any

#: Lowest first.
_ORDER = ("int4", "int8", "float8", "bfloat16", "float16", "float64", "float32")


def precision_of(model: Any) -> str:
    """Return the lowest precision of any layer: ``float16`` for a mixed one, ``int8`` for a quantized one."""
    found = {str(getattr(model, "compute_dtype", None) or "float32")}
    flatten = getattr(model, "_flatten_layers", None)  # also lists layers inside layers
    for layer in flatten() if flatten else []:
        mode = getattr(layer, "quantization_mode", None)
        if mode:
            found.add("int4" if mode in {"gptq", "awq"} else str(mode))
        elif getattr(layer, "weights", None):
            found.add(str(getattr(layer, "compute_dtype", None) or "float32"))
    return next((each for each in _ORDER if each in found), "float32")
