"""Arithmetic in bfloat16, where the CPU has it."""

from __future__ import annotations

from types import MappingProxyType

from inferspeed_magic.records import Effect
from inferspeed_magic.techniques.base import Subject, Technique, step

_UNITS = ("AVX-512 BF16", "AMX-BF16", "BF16")


class BFloat16(Technique):
    """A lowering: the file stays as it is, and the runtime rounds to bfloat16 when it compiles it."""

    name = "bfloat16"
    summary = "computed in bfloat16, on CPUs that have it"
    pays = "on CPUs that multiply bfloat16 (AMX, AVX-512 BF16), for large layers; the file stays as large as it was"
    steps = MappingProxyType(
        {
            "openvino_ir": step(
                "openvino_quantizer:as_it_is", "openvino_ir", "computed in bfloat16", computes="bfloat16"
            ),
        }
    )
    effects = MappingProxyType({"openvino_ir": Effect("bfloat16", weight_bits=16, activation_bits=16)})

    def applies_to(self, subject: Subject, made: str) -> str | None:
        """Refuse CPUs that would have to emulate it."""
        against = super().applies_to(subject, made)
        if against is None and not set(subject.instruction_sets).intersection(_UNITS):
            return "this CPU has no bfloat16 arithmetic (AVX-512 BF16, AMX-BF16 or Arm's BF16)"
        return against
