"""How much processes differ that run the same thing, and what that adds to the uncertainty.

A process keeps for its life what it drew at its start: where its memory lies, where its threads run (Mytkowicz et al.
2009, "Producing wrong data without doing anything obviously wrong!"; Kalibera & Jones 2013, "Rigorous benchmarking in
reasonable time"). One process shows nothing of this and a few show little, so the variance seen is blended with an
expected one, as in empirical Bayes (Smyth 2004, "Linear models and empirical Bayes methods", limma).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FEWEST_RESIDUALS: Final = 3
_RANK_TOLERANCE: Final = 1e-9


@dataclass(frozen=True)
class Expected:
    """What is expected of processes before any is seen.

    Attributes:
        sd: standard deviation between processes, of the logarithm of latency.
        weight: how many degrees of freedom of evidence this expectation is worth.
        df: degrees of freedom of the interval when only the expectation is known.
    """

    sd: float
    weight: float
    df: float


@dataclass(frozen=True)
class ProcessEffect:
    """What processes do to a mean over blocks.

    Attributes:
        variance: that they add to the mean.
        df: degrees of freedom of that variance.
        residual: the series without the effects of processes.
        fitted: parameters that were fitted, the mean included.
        explained: sum of squares that processes explain.
    """

    variance: float
    df: float
    residual: NDArray[np.float64]
    fitted: int
    explained: float


def process_effect(
    influence: NDArray[np.float64], memberships: Sequence[Sequence[int]], expected: Expected
) -> ProcessEffect:
    """Variance that processes add to the mean of a centred series.

    Args:
        influence: the centred series, one value for each block or pair of blocks.
        memberships: the process of each value; for a difference of two candidates, one list for each candidate.
        expected: what is expected of processes.
    """
    designs = [_indicators(labels) for labels in memberships]
    # A mean over blocks weighs each process by its share of them.
    exposure = sum(float(np.sum(design.mean(axis=0) ** 2)) for design in designs)
    fit = _projection(designs)
    rank = round(float(np.trace(fit)))
    left_over = len(influence) - 1 - rank
    if rank == 0 or left_over < _FEWEST_RESIDUALS:
        return ProcessEffect(expected.sd**2 * exposure, expected.df, influence, 1, 0.0)
    effects = fit @ influence
    residual = influence - effects
    explained = float(effects @ effects)
    noise = float(residual @ residual) / left_over
    # Moments (Henderson 1953): E[explained] = rank * noise + variance between processes * gain. The design of a
    # difference need not be balanced, and both candidates may change process in step; the trace takes care of it.
    gain = sum(float(np.sum((fit @ design) ** 2)) for design in designs)
    seen = max(0.0, (explained - rank * noise) / gain)
    blended = (expected.weight * expected.sd**2 + rank * seen) / (expected.weight + rank)
    return ProcessEffect(blended * exposure, expected.df + rank, residual, 1 + rank, explained)


def _indicators(labels: Sequence[int]) -> NDArray[np.float64]:
    """One column for each process, 1 where it ran the block."""
    column = np.asarray(labels)
    return np.asarray(column[:, None] == np.unique(column)[None, :], dtype=np.float64)


def _projection(designs: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Projection on what processes can explain beyond the mean."""
    stacked = np.hstack([design - design.mean(axis=0) for design in designs])
    left, singular, _ = np.linalg.svd(stacked, full_matrices=False)
    basis = left[:, singular > _RANK_TOLERANCE * len(stacked)]
    return np.asarray(basis @ basis.T, dtype=np.float64)
