"""The smallest weights become zeros: as large a model as before, most of it zeros."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from inferspeed_magic.techniques.base import Settings, Subject, Technique, step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inferspeed_magic.formats.routes import Step


class MagnitudePruning(Technique):
    """An ordinary model whose kernels are mostly zeros; kernels of runtimes multiply by them all the same."""

    name = "magnitude_pruning"
    summary = "the smallest weights set to zero"
    pays = (
        "for files that are compressed afterwards; LiteRT and OpenVINO were no faster with up to 95% zeros; "
        "structured_pruning is what makes models faster"
    )
    on_model = True
    wants_training = True
    steps = MappingProxyType(
        {
            "keras": step(
                "magnitude_pruner:prune",
                "keras",
                "smallest weights set to zero",
                sparsity_percent=80,
                pattern="unstructured",
            )
        }
    )

    def step_for(self, subject: Subject, made: str, variant: str = "") -> Step:
        """Take the step that trains, where there is something to train with."""
        found = super().step_for(subject, made, variant)
        trains = "inferspeed_magic.techniques.pruning_trainer:prune"
        return replace(found, call=trains) if found.trained else found

    def variants(self, subject: Subject, made: str) -> Mapping[str, Settings]:
        """Fewer zeros or more, and zeros in patterns that some hardware has kernels for."""
        del subject, made
        return {
            "s50": {"sparsity_percent": 50},
            "s90": {"sparsity_percent": 90},
            "two_in_four": {"sparsity_percent": 50, "pattern": "two_in_four"},
            "blocks": {"pattern": "blocks"},
        }
