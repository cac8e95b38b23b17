"""How a score, a drop or an expectation is written, in the panel's own way, before there is a whole record."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from inferspeed_magic.panel.numbers import ratio
from inferspeed_magic.panel.scores import Scores

if TYPE_CHECKING:
    from inferspeed_magic.records.accuracy import Accuracy, Metric
    from inferspeed_magic.records.prediction import Prediction

_MOST_DECIMALS = 6


def is_share(metric: Metric, score: float) -> bool:
    """Tell whether this score reads as percent."""
    return not metric.relative and 0 <= score <= 1


def writing_of_score(metric: Metric, score: float, samples: int) -> Scores:
    """Give how to write a score found on so many samples."""
    decimals = min(3, max(1, math.ceil(math.log10(max(1, samples))) - 2))
    return Scores(metric, percent=is_share(metric, score), decimals=decimals, drop_decimals=None)


def writing_of(metric: Metric, accuracy: Accuracy) -> Scores:
    """Give how to write this accuracy: drops with two digits of what the interval leaves open."""
    if metric.relative and not accuracy.original:  # of nothing there are no shares
        metric = replace(metric, relative=False)
    writing = writing_of_score(metric, accuracy.original, accuracy.samples)
    if metric.higher_is_better is False and not metric.relative:
        writing = replace(writing, percent=False)
    width = writing.drop_scale * (accuracy.drop.high - accuracy.drop.low) / 2
    if not (math.isfinite(width) and width > 0):
        return writing
    return replace(writing, drop_decimals=min(_MOST_DECIMALS, max(0, 1 - math.floor(math.log10(width)))))


def expectation(expected: Prediction | None) -> str:
    """Say in a line of progress what a candidate is expected to bring; nothing where nothing was foretold."""
    if expected is None:
        return ""
    if expected.expected is None:
        return f", expected to be slower: {expected.reason}"
    return f", expected to be {' '.join(ratio(expected.expected))} as fast as in float32: {expected.reason}"
