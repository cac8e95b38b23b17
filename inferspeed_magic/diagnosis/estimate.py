"""A logarithm with its uncertainty: noise between blocks plus differences between processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from inferspeed_magic.diagnosis.location import trimmed_mean, variance_of_mean
from inferspeed_magic.diagnosis.processes import Expected, process_effect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CONFIDENCE: Final = 0.95
FEWEST_UNITS: Final = 3
"""Fewest values that give an interval: a t-interval of two is 13 standard errors wide to either side."""


@dataclass(frozen=True)
class Calibration:
    """The choices that simulations settled (``tests/diagnosis/test_interval_coverage.py`` repeats them)."""

    trim: float
    correlated_from: float
    processes: Expected


LEVEL: Final = Calibration(0.2, 0.0, Expected(sd=0.019, weight=4.0, df=10.0))
"""For a latency by itself: drift stays in it, and medians of few samples are skewed, so trim a lot and trust little."""

DIFFERENCE: Final = Calibration(0.35, 0.35, Expected(sd=0.0118, weight=10.0, df=30.0))
"""For differences within rounds: drift cancels, but on a shared machine a neighbour's work falls into one of the two
turns in up to a third of the rounds. With known delays put into a runtime on such a machine, a trim of 0.1 found 5% in
60% of runs and a trim of 0.35 in all."""


@dataclass(frozen=True)
class Estimate:
    """A value and the independent parts of its variance, each with its degrees of freedom."""

    value: float
    parts: tuple[tuple[float, float], ...]

    def minus(self, other: Estimate) -> Estimate:
        """Difference from an independent estimate."""
        return Estimate(self.value - other.value, self.parts + other.parts)

    @property
    def half_width(self) -> float:
        """Half the width of the 95% interval, degrees of freedom after Welch and Satterthwaite (1946)."""
        # Loaded here: the first import of scipy takes longer than everything else in this package.
        from scipy.special import stdtrit

        variance = sum(part for part, _ in self.parts)
        if variance == 0.0:
            return 0.0
        # Shares, not squares of variances: those underflow for latencies that hardly vary.
        df = 1.0 / sum((part / variance) ** 2 / part_df for part, part_df in self.parts)
        return float(stdtrit(df, 0.5 + CONFIDENCE / 2.0) * np.sqrt(variance))


def estimate(values: NDArray[np.float64], memberships: Sequence[Sequence[int]], calibration: Calibration) -> Estimate:
    """Robust mean of at least 3 values in the order of time, with its uncertainty for processes not yet seen."""
    location = trimmed_mean(values, calibration.trim)
    effect = process_effect(location.influence, memberships, calibration.processes)
    noise = variance_of_mean(
        effect.residual, kept=location.kept, fitted=effect.fitted, correlated_from=calibration.correlated_from
    )
    return Estimate(location.value, (noise, (effect.variance, effect.df)))
