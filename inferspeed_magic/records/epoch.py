"""One pass over the samples that a model is trained with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """What was seen at its end.

    Attributes:
        epoch: its number, from 1.
        loss: mean over the samples that were learned from.
        check_loss: over the others; the same where there are none.
        elapsed_s: since training began.
        check_accuracy: share of the other samples whose class was named right; None without labels or classes.
        stage: of training, from 1: weights of an earlier one than the last are not what was looked for, because more
            was taken from the model later.
        cut_short: whether there was no time for what was to follow.
    """

    epoch: int
    loss: float
    check_loss: float
    elapsed_s: float
    check_accuracy: float | None = None
    stage: int = 1
    cut_short: bool = False
