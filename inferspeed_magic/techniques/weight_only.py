"""Weights in 8 or 4 bits, arithmetic in float: for models that wait for memory."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from inferspeed_magic.records import Effect
from inferspeed_magic.techniques.base import Settings, Subject, Technique, step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inferspeed_magic.formats.routes import Step


class _WeightOnly(Technique):
    extras = MappingProxyType({"openvino_ir": ("nncf", 'pip install "inferspeed-magic[openvino]"')})


def _steps(bits: int, block_size: int) -> dict[str, Step]:
    packed = f"MatMulNBits, {bits} bits"
    return {
        # The operator rounds activations to int8 while it multiplies.
        "onnx": step("onnx_weights:pack", "onnx", packed, computes="int8", bits=bits, block_size=block_size),
        "openvino_ir": step("openvino_quantizer:weights", "openvino_ir", f"NNCF's int{bits} weights", bits=bits),
    }


def _effects(bits: int) -> dict[str, Effect]:
    return {
        "onnx": Effect("int8", weight_bits=bits, dense_only=True),
        "openvino_ir": Effect(weight_bits=bits, dense_only=True),
        "keras": Effect(slow="Keras's int4 layers unpack their weights for every inference"),
    }


class WeightOnlyInt8(_WeightOnly):
    """A quarter of the size; nothing is gained where arithmetic is what takes the time."""

    name = "weight_only_int8"
    summary = "weights stored in int8, the rest in float"
    pays = "for large Dense layers at small batch sizes, which wait for their weights: a quarter of the size"
    steps = MappingProxyType(_steps(8, 128))
    effects = MappingProxyType(_effects(8))


class WeightOnlyInt4(_WeightOnly):
    """An eighth of the size, for large matrix products."""

    name = "weight_only_int4"
    summary = "weights stored in int4, the rest in float"
    pays = "for very large Dense layers at small batch sizes: an eighth of the size, at the cost of some accuracy"
    steps = MappingProxyType(
        _steps(4, 32) | {"keras": step("keras_quantizer:quantize", "keras", "Keras's int4 weights", mode="int4")}
    )
    effects = MappingProxyType(_effects(4))

    def variants(self, subject: Subject, made: str) -> Mapping[str, Settings]:
        """Fewer scales: faster, and less exact."""
        del subject
        return {"coarse": {"block_size": 128}} if made == "onnx" else {}
