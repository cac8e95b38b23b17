"""Weights in float16: half the file, the same arithmetic on CPUs."""

from __future__ import annotations

from types import MappingProxyType

from inferspeed_magic.records import Effect
from inferspeed_magic.techniques.base import Technique, step


class Float16(Technique):
    """Half the size; CPUs without float16 arithmetic compute in float32 all the same."""

    name = "float16"
    summary = "weights stored in float16, computed in float32"
    pays = "where the file has to be small and no accuracy may be lost: half the size, at the same speed"
    steps = MappingProxyType(
        {
            "litert": step("litert_quantizer:convert", "litert", "TFLiteConverter, float16 weights", kind="float16"),
            "openvino_ir": step("openvino_quantizer:half", "openvino_ir", "weights in float16"),
        }
    )
    effects = MappingProxyType(dict.fromkeys(steps, Effect()))
    # Measured: an MLP as fast as before, CNNs a quarter to a third slower.
    left_out = MappingProxyType(
        {"onnx": "ONNX Runtime computes float16 on CPUs by casting it to float32 and back: it would only get slower"}
    )
