"""int8 for transformers, whose activations have outliers that plain int8 does not hold."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from inferspeed_magic.records import Effect
from inferspeed_magic.techniques.base import Settings, Subject, Technique, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class SmoothQuant(Technique):
    """Outliers of activations are moved into the weights, which bear them better."""

    name = "smooth_quant"
    summary = "int8 weights and activations, outliers moved into the weights, calibrated"
    pays = "for transformers that lose accuracy with plain static int8"
    needs = "calibration"
    steps = MappingProxyType(
        {
            "openvino_ir": step(
                "openvino_smooth:smooth",
                "openvino_ir",
                "NNCF's SmoothQuant",
                calibrated=True,
                computes="int8",
                alpha_percent=50,
            )
        }
    )
    effects = MappingProxyType(dict.fromkeys(steps, Effect("int8", weight_bits=8, activation_bits=8)))
    extras = MappingProxyType({"openvino_ir": ("nncf", 'pip install "inferspeed-magic[openvino]"')})

    def variants(self, subject: Subject, made: str) -> Mapping[str, Settings]:
        """More of the outliers, as NNCF does it for large language models."""
        del subject, made
        return {"strong": {"alpha_percent": 95}}
