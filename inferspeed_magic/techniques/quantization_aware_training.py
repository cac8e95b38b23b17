"""int8 weights and activations, with a model that learned to do with them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from inferspeed_magic.records import Effect
from inferspeed_magic.techniques.base import Settings, Subject, Technique, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class QuantizationAwareTraining(Technique):
    """What static int8 loses, training brings back; as fast as static int8."""

    name = "quantization_aware_training"
    summary = "int8 weights and activations, learned in training"
    pays = (
        "where int8 is fast, and post_training_static loses too much accuracy: small networks, depthwise convolutions"
    )
    wants_training = True
    trains_in_tf_keras = True
    steps = MappingProxyType(
        {
            "litert": step(
                "aware_quantizer:train",
                "litert",
                "quantization-aware training, TFLiteConverter",
                from_model=True,
                computes="int8",
                preserve="nothing",
            )
        }
    )
    effects = MappingProxyType({"litert": Effect("int8", weight_bits=8, activation_bits=8, slow_for=("LSTM",))})
    left_out = MappingProxyType(
        {
            "onnx": "tfmot, which trains with int8, writes LiteRT files",
            "openvino_ir": "tfmot, which trains with int8, writes LiteRT files",
        }
    )

    def applies_to(self, subject: Subject, made: str) -> str | None:
        """Ask for a Keras 3 model and something to train with, beside what every technique asks for."""
        against = super().applies_to(subject, made)
        if against is None and subject.kind != "keras":
            return "it trains models of Keras 3, and this is none"
        if against is None and not subject.taught:
            return "it learns from samples, and there is nothing to train with"
        if against is None and not subject.samples:
            return "fine_tune takes models of Keras 3, and this trains one of tf_keras: give train=(x, y) beside it"
        return against

    def variants(self, subject: Subject, made: str) -> Mapping[str, Settings]:
        """Zeros, few distinct values, or both, that int8 leaves as they are."""
        del subject, made
        return {
            "pruned": {"preserve": "zeros"},
            "clustered": {"preserve": "clusters"},
            "pruned_clustered": {"preserve": "both"},
        }
