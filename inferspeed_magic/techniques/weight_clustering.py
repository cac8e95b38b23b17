"""Kernels of a few distinct values: as large a model as before, that packs into a fraction of the space."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from inferspeed_magic.techniques.base import Settings, Subject, Technique, step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inferspeed_magic.formats.routes import Step


class WeightClustering(Technique):
    """An ordinary model; runtimes read and multiply every weight as before."""

    name = "weight_clustering"
    summary = "each kernel's weights become 16 distinct values"
    pays = "for files that are compressed afterwards; runtimes unpack the weights, and are no faster for it"
    on_model = True
    wants_training = True
    steps = MappingProxyType({"keras": step("weight_clusterer:cluster", "keras", "weights in clusters", clusters=16)})

    def step_for(self, subject: Subject, made: str, variant: str = "") -> Step:
        """Take the step that trains, where there is something to train with."""
        found = super().step_for(subject, made, variant)
        trains = "inferspeed_magic.techniques.clustering_trainer:cluster"
        return replace(found, call=trains) if found.trained else found

    def variants(self, subject: Subject, made: str) -> Mapping[str, Settings]:
        """Fewer values, or more."""
        del subject, made
        return {"c8": {"clusters": 8}, "c32": {"clusters": 32}}
