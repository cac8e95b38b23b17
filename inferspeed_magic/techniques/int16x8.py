"""int8 weights and int16 activations: nearly the accuracy of float at a quarter of the size."""

from __future__ import annotations

from types import MappingProxyType

from inferspeed_magic.records import Effect
from inferspeed_magic.techniques.base import Technique, step


class Int16x8(Technique):
    """For models that int8 activations hurt; LiteRT computes it with slower kernels."""

    name = "int16x8"
    summary = "int8 weights and int16 activations, calibrated"
    pays = "where int8 activations cost too much accuracy and size counts more than speed: audio, regression"
    needs = "calibration"
    steps = MappingProxyType(
        {
            "litert": step(
                "litert_quantizer:convert",
                "litert",
                "TFLiteConverter, int16x8",
                calibrated=True,
                computes="int8",
                kind="int16x8",
            ),
        }
    )
    effects = MappingProxyType(
        {"litert": Effect("int8", slow="LiteRT computes int16 activations with slow reference kernels")}
    )
