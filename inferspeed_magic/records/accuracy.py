"""How good a candidate's answers are, beside those of the model that it was made from."""

from __future__ import annotations

from dataclasses import dataclass

from inferspeed_magic.records.interval import Interval


@dataclass(frozen=True)
class Metric:
    """What accuracy means in a run.

    Attributes:
        name: as the user or Keras calls it; ``top-1 agreement`` and the like without labels.
        higher_is_better: whether a higher score is a better one.
        labelled: whether answers are compared with labels; otherwise with the answers of the original model, which is
            agreement and not accuracy.
        relative: whether a drop is a share of the original's score (errors and losses, which have no natural scale) or
            a difference of scores.
    """

    name: str
    higher_is_better: bool = True
    labelled: bool = True
    relative: bool = False


@dataclass(frozen=True)
class Accuracy:
    """A candidate's score on one part of the data.

    Attributes:
        value: the score.
        original: the score of the model that it was made from, on the same samples.
        drop: how much worse it is than the original, with its 95% interval; negative where it is better; NaN bounds
            where the score comes as a single number.
        samples: number of samples.
    """

    value: float
    original: float
    drop: Interval
    samples: int
