"""int8 weights, activations quantized while running: no data is needed."""

from __future__ import annotations

from types import MappingProxyType

from inferspeed_magic.records import Effect
from inferspeed_magic.techniques.base import Settings, Subject, Technique, saturates, step


class PostTrainingDynamic(Technique):
    """Pays where weights are large and memory is slow: Dense layers, recurrent ones."""

    name = "post_training_dynamic"
    summary = "int8 weights, activations quantized while running"
    pays = "where weights are large and memory is slow: Dense layers and recurrent ones, rarely convolutions"
    steps = MappingProxyType(
        {
            "litert": step(
                "litert_quantizer:convert", "litert", "TFLiteConverter, dynamic int8", kind="dynamic", computes="int8"
            ),
            "onnx": step("onnx_quantizer:dynamic", "onnx", "ONNX Runtime's dynamic int8", computes="int8"),
            "keras": step("keras_quantizer:quantize", "keras", "Keras's int8", computes="int8", mode="int8"),
        }
    )

    effects = MappingProxyType(
        {
            "litert": Effect("int8", weight_bits=8, converts=True, slow_for=("Depthwise", "Separable")),
            "onnx": Effect("int8", weight_bits=8, converts=True, slow_for=("Conv",)),
            "keras": Effect("int8", slow="Keras's quantized layers convert activations in operators of their own"),
        }
    )

    def settings(self, subject: Subject, made: str) -> Settings:
        """Keep weights to 7 bits where 8 would overflow."""
        return {"reduce_range": saturates(subject)} if made == "onnx" else {}
