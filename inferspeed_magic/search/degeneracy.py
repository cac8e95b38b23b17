"""Does the original itself answer anything? An accuracy drop of an untrained model says nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.search.measure import rows_sum_to_one
from inferspeed_magic.search.wording import writing_of_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.search.scorer import Scorer
    from inferspeed_magic.search.splitting import Labels

    Array = np.ndarray[Any, Any]

_FEWEST = 10
#: Outputs that differ by less than this share of their magnitude from sample to sample are the same.
_SAME = 1e-3
#: Mean probability of the class that wins, times the number of classes: 1 if all were equally likely.
_UNDECIDED = 1.2
_Z = 1.959964


def degenerate(outputs: Sequence[Array], labels: Labels, scorer: Scorer) -> str | None:
    """Say why the original looks untrained; None where it does not, or with fewer than 10 samples.

    Args:
        outputs: of the original.
        labels: of the same samples; None without any.
        scorer: the metric.
    """
    if len(outputs[0]) < _FEWEST:
        return None
    found = _same_for_all(outputs) or _of_chance(outputs, labels, scorer) or _undecided(outputs)
    if found is None:
        return None
    if labels is None:  # with inputs that are unlike real ones a trained model may answer so, too
        return f"agreement says little here: {found}; is the model trained, and are the inputs like real ones?"
    return f"the model looks untrained: {found}; drops of accuracy say little about it"


def _same_for_all(outputs: Sequence[Array]) -> str | None:
    floats = [output for output in outputs if output.dtype.kind == "f" and output.size]
    if not floats or len(floats) < len(outputs):
        return None
    for output in floats:
        rows = output.reshape(len(output), -1).astype(np.float64)
        if not np.isfinite(rows).all():
            return "its outputs hold NaN or infinite numbers"
        if rows.std(axis=0).max() > _SAME * np.abs(rows).max():
            return None
    return "its outputs hardly differ from sample to sample"


def _of_chance(outputs: Sequence[Array], labels: Labels, scorer: Scorer) -> str | None:
    classes = scorer.measure.decisions
    if classes is None:
        return None
    if labels is None:
        return _one_class(outputs[0], classes)
    y, p = scorer.pick(labels, outputs)
    alike = _one_class(p, classes)
    if alike is not None and len(np.unique(y, axis=0 if y.ndim > 1 else None)) > 1:
        return f"{alike}, though labels differ"
    score, count = scorer.score(labels, outputs), len(p)
    if _wilson_low(score, count) <= 1 / classes:
        shown = writing_of_score(scorer.metric, score, count).score(score)
        chance = f"chance ({100 / classes:.3g}%)"
        return f"{scorer.metric.name} of {shown} on {count:,} samples is not better than {chance}"
    return None


def _one_class(output: Array, classes: int) -> str | None:
    """Tell whether all samples get the same class: a fifth of the samples has to, for anything else to be seen."""
    columns = output.shape[-1] if output.ndim > 1 else 1
    if columns != classes or columns == 1:
        return None
    return "it gives all samples the same class" if len(np.unique(output.argmax(axis=-1))) == 1 else None


def _undecided(outputs: Sequence[Array]) -> str | None:
    output = outputs[0]
    if output.ndim < 2 or output.shape[-1] < 3 or output.dtype.kind != "f" or not rows_sum_to_one(output):  # noqa: PLR2004
        return None
    if float(output.max(axis=-1).mean()) * output.shape[-1] < _UNDECIDED:
        return "it finds all classes about equally likely"
    return None


def _wilson_low(share: float, count: int) -> float:
    """Lower end of the 95% interval of a share (Wilson, 1927)."""
    square = _Z**2
    middle = share + square / (2 * count)
    spread = _Z * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return (middle - spread) / (1 + square / count)
