"""A smaller model of the user's, trained on the answers of the original."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from inferspeed_magic.techniques.base import Technique, step

if TYPE_CHECKING:
    from inferspeed_magic.techniques.base import Subject


class Distillation(Technique):
    """Another model, which takes the place of the original: as fast as it was built, as good as it learns to be."""

    name = "distillation"
    summary = "a student of yours, trained on the original's answers"
    pays = "where a much smaller architecture can do the same work"
    on_model = True
    wants_training = True
    wants_student = True
    steps = MappingProxyType({"keras": step("distiller:distill", "keras", "student trained")})

    def applies_to(self, subject: Subject, made: str) -> str | None:
        """Say why not: without training data and a student there is nothing to do."""
        reason = super().applies_to(subject, made)
        if reason is None and not subject.taught:
            return "it needs a student() and training data: give student= and train=(x, y)"
        return reason
