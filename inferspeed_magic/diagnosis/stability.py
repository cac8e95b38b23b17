"""Why a measurement may not be trusted: one sentence with numbers for each reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from inferspeed_magic.diagnosis.estimate import LEVEL
from inferspeed_magic.diagnosis.intervals import median_interval
from inferspeed_magic.diagnosis.location import trimmed_mean
from inferspeed_magic.diagnosis.modes import two_modes
from inferspeed_magic.diagnosis.processes import process_effect
from inferspeed_magic.diagnosis.units import filled_blocks, units

if TYPE_CHECKING:
    from inferspeed_magic.diagnosis.units import Unit
    from inferspeed_magic.records.measurement import Measurement

_CHANGE: Final = 0.05
_WIDEST: Final = 0.10
_MICROSECONDS_BELOW_NS: Final = 1e5
_BUSY_CORES: Final = 0.25
_FEWEST_BLOCKS: Final = 6
_TREND: Final = 2.576
_CERTAIN: Final = 0.99


def warnings(
    measurement: Measurement, *, other_load: float | None = None, subnormal_share: float = 0.0
) -> tuple[str, ...]:
    """One sentence for each reason to doubt a measurement; empty when there is none.

    Args:
        measurement: what was timed.
        other_load: mean number of cores that other processes used during the run; None if unknown.
        subnormal_share: share of weights or activations that are subnormal, 0 to 1.
    """
    series = units(measurement)
    found = (
        _too_few(measurement),
        _drift(series),
        _modes(measurement),
        _processes(series),
        _load(other_load),
        _subnormals(subnormal_share),
    )
    return tuple(sentence for sentence in found if sentence is not None)


def _too_few(measurement: Measurement) -> str | None:
    interval = median_interval(measurement)
    samples = sum(len(block.latencies_ns) for block in measurement.blocks)
    if np.isnan(interval.low) or np.isnan(interval.high):
        noun = "sample" if samples == 1 else "samples"
        return f"too few samples: {samples} {noun} cannot give an interval for the median; measure for longer"
    half_width = (interval.high - interval.low) / 2.0 / interval.value
    if half_width <= _WIDEST:
        return None
    return f"too noisy, measure for longer: median ±{half_width:.0%} from {samples:,} samples"


def _drift(series: list[Unit]) -> str | None:
    """Test for a monotone trend: Mann-Kendall at 1%, its size from Theil and Sen (1968)."""
    if len(series) < _FEWEST_BLOCKS:
        return None
    values = np.array([unit.log_median for unit in series])
    count = len(values)
    earlier, later = np.triu_indices(count, 1)
    steps = values[later] - values[earlier]
    trend = float(np.sign(steps).sum()) / np.sqrt(count * (count - 1) * (2 * count + 5) / 18.0)
    change = float(np.expm1(np.median(steps / (later - earlier)) * (count - 1)))
    if abs(trend) < _TREND or abs(change) <= _CHANGE:
        return None
    direction = "rose" if change > 0.0 else "fell"
    return f"the machine's speed drifted: latency {direction} by {abs(change):.0%} in the course of the run"


def _modes(measurement: Measurement) -> str | None:
    blocks = filled_blocks(measurement)
    if not blocks:
        return None
    modes = two_modes(np.concatenate([np.asarray(block.latencies_ns, dtype=np.float64) for block in blocks]))
    if modes is None:
        return None
    size, unit = (1e3, "µs") if modes.slow < _MICROSECONDS_BELOW_NS else (1e6, "ms")
    return (
        "latency has two modes, and the median shows one of them at most: "
        f"{1.0 - modes.slow_share:.0%} of inferences take about {modes.fast / size:.3g} {unit}, "
        f"{modes.slow_share:.0%} about {modes.slow / size:.3g} {unit}"
    )


def _processes(series: list[Unit]) -> str | None:
    """Test the processes' means (F test at 1%), and the gap between the fastest process and the slowest."""
    names = sorted({unit.process for unit in series})
    if len(names) < 2 or len(series) < _FEWEST_BLOCKS:  # noqa: PLR2004 - one process agrees with itself
        return None
    from scipy.special import fdtri

    values = np.array([unit.log_median for unit in series])
    labels = [unit.process for unit in series]
    effect = process_effect(trimmed_mean(values, 0.0).influence, [labels], LEVEL.processes)
    rank, left_over = effect.fitted - 1, len(series) - effect.fitted
    if rank == 0:
        return None
    noise = float(effect.residual @ effect.residual) / left_over
    medians = np.array([np.median(values[np.array(labels) == name]) for name in names])
    gap = float(np.expm1(medians.max() - medians.min()))
    if gap <= _CHANGE or effect.explained / rank <= float(fdtri(rank, left_over, _CERTAIN)) * noise:
        return None
    return (
        f"processes of the same candidate disagree: the slowest of {len(names)} takes {gap:.0%} longer than the fastest"
    )


def _load(other_load: float | None) -> str | None:
    if other_load is None or other_load < _BUSY_CORES:
        return None
    return f"other processes kept {other_load:.2f} cores busy during the run, close them and measure again"


def _subnormals(share: float) -> str | None:
    if share <= 0.0:
        return None
    shown = f"{share:.1%}" if share >= 0.001 else "under 0.1%"  # noqa: PLR2004 - what one decimal shows
    return f"{shown} of the numbers are subnormal, which many processors compute several times slower"
