"""Large matrices become two thin ones: fewer multiplications where a layer's weights say the same thing twice."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from inferspeed_magic.techniques.base import Settings, Subject, Technique, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class LowRank(Technique):
    """Dense and convolutional layers, each at the rank that keeps a share of its energy; without any training."""

    name = "low_rank"
    summary = "large layers split in two by singular values"
    pays = "for over-sized Dense layers and convolutions of trained models, whose weights need few singular values"
    on_model = True
    steps = MappingProxyType(
        {"keras": step("factorization:factorize", "keras", "low-rank factorization", energy_percent=95)}
    )

    def variants(self, subject: Subject, made: str) -> Mapping[str, Settings]:
        """Less energy and less work, or more of both."""
        del subject, made
        return {"e90": {"energy_percent": 90}, "e99": {"energy_percent": 99}}
