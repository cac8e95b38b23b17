"""How much worse a candidate's answers are, and how sure that is: from scores of samples, pure numpy.

The same samples go through the original and the candidate, so what they have in common cancels: all intervals are of
paired differences. Where few answers change, a plain bootstrap fails: 0 of 50 changed would be a drop of 0.0%
(0.0-0.0). So two made-up samples join the n seen, one that got worse and one that got better by as much as any.

* Right or wrong answers: the normal interval of these n + 2, which is that of Bonett and Price (2012, "Adjusted Wald
  confidence interval for a difference of binomial proportions based on paired data", J. Educ. Behav. Stat.
  37:479-488), with the quantile of Student's t. No changes give about +-2.8/n, close to the rule of three. Percentiles
  of a bootstrap are worse here: they jump in steps of 1/n (90% in place of 95% for some rates and 30 samples).
* Errors and losses: percentiles of the paired bootstrap (Efron, 1979) of these n + 2, which follow the skew.
* Scores that are no mean over samples: the bootstrap's standard error.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Callable

    Values = np.ndarray[Any, np.dtype[np.float64]]
    Indices = np.ndarray[Any, np.dtype[np.intp]]

REPLICATES: Final = 2000
RESCORED: Final = 200
_FEWEST_RESCORED: Final = 20
_MADE_UP: Final = 2
_Z: Final = 1.959964
_TAILS: Final = (0.025, 0.975)
_AT_ONCE: Final = 2_000_000
"""Numbers drawn at once: 16 MB."""
#: Two-sided McNemar tests at 5% need this many answers that change, all for the worse.
_FEWEST_CHANGES: Final = 6


def drop_of(original: float, value: float, *, higher_is_better: bool, relative: bool) -> float:
    """Give how much worse ``value`` is: a difference, or a share of the original where that is asked and not zero."""
    worse = original - value if higher_is_better else value - original
    return worse / abs(original) if relative and original else worse


def drop_interval(
    original: Values,
    candidate: Values,
    *,
    higher_is_better: bool,
    relative: bool,
    weights: Values | None = None,
    seed: int = 0,
) -> Interval:
    """Drop of a score that is a mean over samples, with its 95% interval.

    Args:
        original: score of each sample, shape ``(samples,)``.
        candidate: the same samples' scores with the candidate.
        higher_is_better: whether higher scores are better.
        relative: whether the drop is a share of the original's mean (absolute where that is 0).
        weights: of samples; None for equal ones.
        seed: of the bootstrap.

    Returns:
        NaN bounds with fewer than 2 samples.
    """
    share = np.ones(len(original)) if weights is None else np.asarray(weights, np.float64)
    worse = (original - candidate) if higher_is_better else (candidate - original)
    value = drop_of(
        float(np.average(original, weights=share)),
        float(np.average(candidate, weights=share)),
        higher_is_better=higher_is_better,
        relative=relative,
    )
    if len(original) < 2:  # noqa: PLR2004
        return Interval(value, math.nan, math.nan)
    base = share * original if relative and np.average(original, weights=share) else share
    decisions = _right_or_wrong(original) and _right_or_wrong(candidate)
    # Where no error changed at all: as much as errors differ from each other.
    most = 1.0 if decisions else float(np.abs(worse).max()) or float(np.std(original))
    # Heavy samples change the score most: the weight of the sample that a unit of weight belongs to.
    pairs = _with_made_up(worse * share, base, most * float(np.average(share, weights=share)))
    low, high = _normal(pairs) if decisions else np.quantile(_resampled(pairs, seed), _TAILS)
    return Interval(value, min(float(low), value), max(float(high), value))


def _right_or_wrong(values: Values) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())


def _with_made_up(worse: Values, base: Values, most: float) -> Values:
    """Add a sample that got worse and one that got better by ``most``; shape ``(samples + 2, 2)``."""
    middle = float(base.mean())
    return np.stack([np.append(worse, (most, -most)), np.append(base, (middle, middle))], axis=1)


def _normal(pairs: Values) -> tuple[float, float]:
    """Interval of a ratio of means by its linear part (for equal weights the plain interval of a mean)."""
    from scipy.special import stdtrit  # loaded here: its first import takes long

    worse, base = pairs.T
    ratio = worse.mean() / base.mean()
    error = math.sqrt(float(np.mean((worse - ratio * base) ** 2)) / len(pairs)) / abs(float(base.mean()))
    half_width = float(stdtrit(len(pairs) - _MADE_UP - 1, _TAILS[1])) * error
    return ratio - half_width, ratio + half_width


def _resampled(pairs: Values, seed: int) -> Values:
    """Draw the samples anew, ``REPLICATES`` times, and give the ratios of sums."""
    draw = np.random.default_rng(seed)
    rows = max(1, _AT_ONCE // len(pairs))
    sums = np.concatenate([_sums(pairs, draw, min(rows, REPLICATES - start)) for start in range(0, REPLICATES, rows)])
    below = np.abs(sums[:, 1])
    ratios: Values = np.divide(sums[:, 0], below, out=np.zeros(len(sums)), where=below > 0)
    return ratios


def _sums(pairs: Values, draw: np.random.Generator, rows: int) -> Values:
    chosen = draw.integers(0, len(pairs), (rows, len(pairs)), dtype=np.int32)
    return np.stack([np.take(column, chosen).sum(axis=1) for column in np.ascontiguousarray(pairs.T)], axis=1)


def rescored_interval(
    rescored: Callable[[Indices], float],
    samples: int,
    *,
    seed: int,
    step: float = 0.0,
    enough: Callable[[], bool] = lambda: False,
) -> Interval:
    """Drop of a score that is no mean over samples (AUC, F1), with its 95% interval.

    The value with the normal interval of the bootstrap's standard error: that needs fewer replicates than percentiles
    do. Two made-up samples add their part to the variance, as in ``drop_interval``.

    Args:
        rescored: drop on the samples at these indices (repeated ones among them); may be NaN where a resample leaves
            out a class.
        samples: number of samples.
        seed: of the bootstrap.
        step: what one sample's answer makes of the drop, about ``1 / samples`` where answers are right or wrong.
        enough: asked before each replicate, true where time is up.

    Returns:
        NaN bounds with fewer than 20 replicates, or fewer than 2 samples.
    """
    value = rescored(np.arange(samples))
    if samples < 2 or not math.isfinite(value):  # noqa: PLR2004
        return Interval(value, math.nan, math.nan)
    draw = np.random.default_rng(seed)
    drops: list[float] = []
    for _ in range(RESCORED):
        if enough():
            break
        drop = rescored(draw.integers(0, samples, samples))
        if math.isfinite(drop):
            drops.append(drop)
    if len(drops) < _FEWEST_RESCORED:
        return Interval(value, math.nan, math.nan)
    half_width = _Z * math.sqrt(float(np.var(drops, ddof=1)) + _MADE_UP * step**2)
    return Interval(value, value - half_width, value + half_width)


def resolution(samples: int, discordance: float = 0.0) -> float:
    """Smallest drop of a share of right answers that this many samples can tell from none; NaN without samples.

    A drop's interval excludes 0 if it is larger than ``1.96 * sqrt(changed + 2)`` samples (that of Bonett and Price),
    where ``changed`` counts answers that went either way; never with fewer than 6 changed (McNemar's exact test).

    Args:
        samples: number of samples.
        discordance: share of samples (0-1) that only one of the two models gets right; 0 for the best case.
    """
    if samples < 1:
        return math.nan
    needed = max(_FEWEST_CHANGES, math.ceil(_Z * math.sqrt(discordance * samples + _MADE_UP)))
    return min(1.0, needed / samples)
