"""Where the middle of a series lies, and how uncertain that is when neighbours in time resemble each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TRIM_FROM: Final = 8
_MIN_FREQUENCIES: Final = 2


@dataclass(frozen=True)
class Location:
    """A robust mean of a series in time.

    Attributes:
        value: the trimmed mean.
        influence: what each value contributes to its error, in the order of time; its mean is the error.
        kept: how many values were not trimmed.
    """

    value: float
    influence: NDArray[np.float64]
    kept: int


def trimmed_mean(values: NDArray[np.float64], trim: float) -> Location:
    """Mean without the share ``trim`` at either end; the plain mean below 8 values, where trimming costs too much.

    The influence values are the winsorized values over the share kept (Tukey & McLaughlin 1963; Yuen 1974,
    "The two-sample trimmed t for unequal population variances").
    """
    count = len(values)
    cut = int(trim * count) if count >= _TRIM_FROM else 0
    ordered = np.sort(values)
    winsorized = np.clip(values, ordered[cut], ordered[count - cut - 1])
    kept = count - 2 * cut
    influence = (winsorized - winsorized.mean()) * (count / kept)
    return Location(float(ordered[cut : count - cut].mean()), influence, kept)


def variance_of_mean(
    influence: NDArray[np.float64], *, kept: int, fitted: int, correlated_from: float
) -> tuple[float, float]:
    """Variance of the mean of a series, in its units squared, and the degrees of freedom of that variance.

    Without a sign of autocorrelation this is Yuen's variance. With it, the spectrum at frequency 0 is estimated from
    the first few cosine transforms, whose number is the degrees of freedom (Lazarus, Lewis, Stock & Watson 2018,
    "HAR inference: recommendations for practice"). In simulations of 20 rounds that covers better than the formula
    for an AR(1) with an estimated coefficient.

    Args:
        influence: from ``trimmed_mean``.
        kept: values that were not trimmed.
        fitted: parameters fitted to the series: its mean, and effects of processes.
        correlated_from: lag-1 autocorrelation from which the series counts as autocorrelated.
    """
    count = len(influence)
    df = float(max(1, kept - fitted))
    # Yuen's winsorized sum of squares over h(h - 1), written in influence values.
    variance = float(influence @ influence) * (kept / count) ** 2 / (kept * df)
    if autocorrelation(influence) <= correlated_from:
        return variance, df
    frequencies = min(count - 1, max(_MIN_FREQUENCIES, round(0.4 * count ** (2 / 3))))
    time = (np.arange(count) + 0.5) / count
    cosines = np.sqrt(2.0 / count) * np.cos(np.pi * np.outer(np.arange(1, frequencies + 1), time))
    spectral = float(np.mean((cosines @ influence) ** 2)) / count
    # The larger of the two: an estimate from so few terms is noisy, and positive correlation never helps.
    return max(variance, spectral), min(df, float(frequencies))


def autocorrelation(influence: NDArray[np.float64]) -> float:
    """Lag-1 autocorrelation, corrected for its bias in short series (Kendall 1954); 0 for a constant series."""
    total = float(influence @ influence)
    if total == 0.0:
        return 0.0
    raw = float(influence[1:] @ influence[:-1]) / total
    return raw + (1.0 + 3.0 * raw) / len(influence)
