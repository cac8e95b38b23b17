"""Channels, neurons and heads that matter least are removed: layers become narrower, everywhere."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from inferspeed_magic.techniques.base import Settings, Subject, Technique, step

if TYPE_CHECKING:
    from collections.abc import Mapping


class StructuredPruning(Technique):
    """An ordinary model with fewer channels; without training it loses what they knew."""

    name = "structured_pruning"
    summary = "channels, neurons and heads removed, by their weights"
    pays = "for over-sized models that are trained on afterwards: fewer operations, on every runtime"
    on_model = True
    wants_training = True
    steps = MappingProxyType(
        {"keras": step("channel_pruner:remove", "keras", "channels removed", sparsity_percent=50, multiple_of=1)}
    )

    def variants(self, subject: Subject, made: str) -> Mapping[str, Settings]:
        """Remove less, or more."""
        del subject, made
        return {
            "quarter": {"sparsity_percent": 25},
            "tenth": {"sparsity_percent": 10},
            "three_quarters": {"sparsity_percent": 75},
        }
