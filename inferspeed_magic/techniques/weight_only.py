"""Weights in 8 or 4 bits, arithmetic in float: for models that wait for memory."""

from __future__ import annotations

from types import MappingProxyType

from inferspeed_magic.techniques.base import Technique, step

_EXTRAS = MappingProxyType({"openvino_ir": ("nncf", 'pip install "inferspeed-magic[openvino]"')})


class WeightOnlyInt8(Technique):
    """A quarter of the size; nothing is gained where arithmetic is what takes the time."""

    name = "weight_only_int8"
    summary = "weights stored in int8, computed in float"
    steps = MappingProxyType(
        {"openvino_ir": step("openvino_quantizer:weights", "openvino_ir", "NNCF's int8 weights", bits=8)}
    )
    extras = _EXTRAS


class WeightOnlyInt4(Technique):
    """An eighth of the size, for large matrix products."""

    name = "weight_only_int4"
    summary = "weights stored in int4, computed in float"
    steps = MappingProxyType(
        {"openvino_ir": step("openvino_quantizer:weights", "openvino_ir", "NNCF's int4 weights", bits=4)}
    )
    extras = _EXTRAS
