"""int8 weights and activations, with ranges found by running samples through the model."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from inferspeed_magic.records import Effect
from inferspeed_magic.techniques.base import Settings, Subject, Technique, saturates, step

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIANTS: Mapping[str, Mapping[str, Settings]] = MappingProxyType(
    {
        "onnx": {
            # Faster: one scale for a whole weight.
            "per_tensor": {"per_channel": False},
            # More exact where a few activations are far from all others.
            "entropy": {"method": "entropy"},
            "percentile": {"method": "percentile"},
        },
        "openvino_ir": {
            # More exact where activations lie on one side of zero.
            "asymmetric": {"symmetric": False},
            "accuracy_control": {"most_error_percent": 2},
        },
    }
)


class PostTrainingStatic(Technique):
    """Pays most where the CPU multiplies int8 by itself (VNNI, AMX, dotprod)."""

    name = "post_training_static"
    summary = "int8 weights and activations, calibrated"
    pays = "for convolutions and large Dense layers, most of all on CPUs that multiply int8 (VNNI, AMX, dotprod)"
    needs = "calibration"
    steps = MappingProxyType(
        {
            "litert": step(
                "litert_quantizer:convert",
                "litert",
                "TFLiteConverter, static int8",
                calibrated=True,
                computes="int8",
                kind="int8",
            ),
            "onnx": step(
                "onnx_quantizer:static", "onnx", "ONNX Runtime's static int8", calibrated=True, computes="int8"
            ),
            "openvino_ir": step(
                "openvino_quantizer:static", "openvino_ir", "NNCF's int8", calibrated=True, computes="int8"
            ),
        }
    )
    effects = MappingProxyType(
        {
            "litert": Effect("int8", weight_bits=8, activation_bits=8, slow_for=("LSTM",)),
            "onnx": Effect("int8", weight_bits=8, activation_bits=8),
            "openvino_ir": Effect("int8", weight_bits=8, activation_bits=8),
        }
    )
    extras = MappingProxyType({"openvino_ir": ("nncf", 'pip install "inferspeed-magic[openvino]"')})

    def settings(self, subject: Subject, made: str) -> Settings:
        """Keep weights to 7 bits where 8 would overflow."""
        return {"reduce_range": saturates(subject)} if made == "onnx" else {}

    def variants(self, subject: Subject, made: str) -> Mapping[str, Settings]:
        """Other ranges, other scales, and layers left in float."""
        del subject
        return _VARIANTS.get(made, {})
