"""int8 weights and activations, with ranges found by running samples through the model."""

from __future__ import annotations

from types import MappingProxyType

from inferspeed_magic.techniques.base import Subject, Technique, saturates, step


class PostTrainingStatic(Technique):
    """Pays most where the CPU multiplies int8 by itself (VNNI, AMX, dotprod)."""

    name = "post_training_static"
    summary = "int8 weights and activations, calibrated"
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
    extras = MappingProxyType({"openvino_ir": ("nncf", 'pip install "inferspeed-magic[openvino]"')})

    def settings(self, subject: Subject, made: str) -> dict[str, str | bool | int]:
        """Keep weights to 7 bits where 8 would overflow."""
        return {"reduce_range": saturates(subject)} if made == "onnx" else {}
