"""Which of two candidates is faster, by how much, and whether the data can tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from inferspeed_magic.diagnosis.estimate import DIFFERENCE, FEWEST_UNITS, Estimate, estimate
from inferspeed_magic.diagnosis.units import Unit, pieces_for, pooled_median_ns, units
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inferspeed_magic.records.measurement import Measurement

_FEWEST_SHARED: Final = 0.5


@dataclass(frozen=True)
class Comparison:
    """Two candidates compared.

    Attributes:
        ratio: p50 of the candidate divided by p50 of the reference; below 1 the candidate is faster. Estimated within
            rounds, so it can differ a little from the quotient of the two p50s, in which drift does not cancel.
        low: lower end of the ratio's 95% interval; NaN when there are too few samples.
        high: upper end.
        significant: whether the interval excludes 1.
        verdict: the comparison in words.
    """

    ratio: float
    low: float
    high: float
    significant: bool
    verdict: str


def compare(candidate: Measurement, reference: Measurement, *, candidate_name: str, reference_name: str) -> Comparison:
    """Compare p50s, pairing the blocks of the same round: they were measured close in time, so drift cancels.

    The estimate is a trimmed mean of log differences, its variance corrected for autocorrelation. The interval also
    holds what processes differ by: as seen between a candidate's processes, blended with an expected 1%. With one
    process for each candidate nothing is seen of it, and differences below about 3% stay undecided; more processes
    lower that bound (about 2% with two). Candidates that share too few rounds are compared unpaired.
    """
    ratio, low, high = _ratio(candidate, reference)
    significant = low > 1.0 or high < 1.0
    return Comparison(ratio, low, high, significant, _verdict(ratio, low, high, candidate_name, reference_name))


def speedup(candidate: Measurement, reference: Measurement) -> Interval:
    """p50 of the reference divided by p50 of the candidate: above 1 the candidate is faster."""
    ratio, low, high = _ratio(candidate, reference)
    return Interval(1.0 / ratio, 1.0 / high, 1.0 / low)


def speedups(measurements: Sequence[Measurement]) -> tuple[tuple[Interval, ...], ...]:
    """Speed-ups of each measurement (rows) over each (columns): for a reader who wants to choose the baseline."""
    cut: dict[tuple[int, int], list[Unit]] = {}

    def once(measurement: Measurement, pieces: int) -> list[Unit]:
        key = (id(measurement), pieces)
        if key not in cut:
            cut[key] = units(measurement, pieces)
        return cut[key]

    table: dict[tuple[int, int], Interval] = {}
    for row, candidate in enumerate(measurements):
        table[row, row] = Interval(1.0, 1.0, 1.0)
        for column, reference in enumerate(measurements[:row]):
            ratio, low, high = _ratio(candidate, reference, once)
            table[row, column] = Interval(1.0 / ratio, 1.0 / high, 1.0 / low)
            table[column, row] = Interval(ratio, low, high)
    places = range(len(measurements))
    return tuple(tuple(table[row, column] for column in places) for row in places)


def _ratio(
    candidate: Measurement, reference: Measurement, cut: Callable[[Measurement, int], list[Unit]] = units
) -> tuple[float, float, float]:
    pieces = min(pieces_for(candidate), pieces_for(reference))
    first, second = cut(candidate, pieces), cut(reference, pieces)
    if min(len(first), len(second)) < FEWEST_UNITS:
        return pooled_median_ns(candidate) / pooled_median_ns(reference), float("nan"), float("nan")
    difference = _difference(first, second)
    half_width = difference.half_width
    log_ends = (difference.value, difference.value - half_width, difference.value + half_width)
    return float(np.exp(log_ends[0])), float(np.exp(log_ends[1])), float(np.exp(log_ends[2]))


def _difference(first: list[Unit], second: list[Unit]) -> Estimate:
    """Log ratio of two series, paired where they share at least half of the shorter one's rounds."""
    pairs = _pairs(first, second)
    if len(pairs) >= max(FEWEST_UNITS, _FEWEST_SHARED * min(len(first), len(second))):
        differences = np.array([one.log_median - other.log_median for one, other in pairs])
        memberships = [[one.process for one, _ in pairs], [other.process for _, other in pairs]]
        return estimate(differences, memberships, DIFFERENCE)
    return _alone(first).minus(_alone(second))


def _pairs(first: list[Unit], second: list[Unit]) -> list[tuple[Unit, Unit]]:
    """Units of the same round, in the order of rounds; several of one round in the order of time."""
    by_round: dict[int, list[Unit]] = {}
    for unit in second:
        by_round.setdefault(unit.round, []).append(unit)
    waiting = {number: iter(members) for number, members in by_round.items()}
    pairs: list[tuple[Unit, Unit]] = []
    for unit in sorted(first, key=lambda unit: unit.round):
        partner = next(waiting.get(unit.round, iter(())), None)
        if partner is not None:
            pairs.append((unit, partner))
    return pairs


def _alone(series: list[Unit]) -> Estimate:
    return estimate(np.array([unit.log_median for unit in series]), [[unit.process for unit in series]], DIFFERENCE)


def _verdict(ratio: float, low: float, high: float, name: str, other: str) -> str:
    if np.isnan(low) or np.isnan(high):
        return f"too few samples to compare {name} with {other}"
    if low <= 1.0 <= high:
        # The larger of the two directions, so that the sentence does not depend on who is named first.
        most = max(high, 1.0 / low) - 1.0
        return f"no difference of more than {_percent(most)} can be seen between {name} and {other}"
    word, factors = ("faster", (1.0 / ratio, 1.0 / high, 1.0 / low)) if high < 1.0 else ("slower", (ratio, low, high))
    digits = _digits(factors)
    shown = [f"{factor:.{digits}f}" for factor in factors]
    return f"{name} is {word} than {other}: {shown[0]}x ({shown[1]}-{shown[2]})"


def _digits(factors: tuple[float, float, float]) -> int:
    """Decimals that keep three figures, and keep an interval that excludes 1 from being printed as 1.00."""
    if factors[1] < 1.005:  # noqa: PLR2004 - rounds to 1.00
        return 4
    return 2 if factors[0] < 10.0 else 1 if factors[0] < 100.0 else 0  # noqa: PLR2004 - figures


def _percent(share: float) -> str:
    percent = 100.0 * share
    return f"{percent:.1f}%" if percent < 100.0 else f"{float(f'{percent:.3g}'):,.0f}%"  # noqa: PLR2004 - figures
