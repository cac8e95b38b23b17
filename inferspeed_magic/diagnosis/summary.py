"""Everything that a table shows of one measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.diagnosis.comparison import compare
from inferspeed_magic.diagnosis.intervals import median_interval, throughput_interval
from inferspeed_magic.diagnosis.percentiles import percentile_ms
from inferspeed_magic.diagnosis.stability import warnings
from inferspeed_magic.records.interval import Interval
from inferspeed_magic.records.result import Summary

if TYPE_CHECKING:
    from inferspeed_magic.records.measurement import Measurement


def summarize(
    measurement: Measurement,
    batch_size: int,
    *,
    baseline: Measurement | None,
    name: str,
    baseline_name: str | None,
    other_load: float | None = None,
    subnormal_share: float = 0.0,
) -> Summary:
    """Derive percentiles, throughput, speed-up and warnings.

    Args:
        measurement: what was timed; in the ``server`` scenario its latencies include waiting.
        batch_size: samples per inference.
        baseline: what the speed-up refers to; None for no speed-up. May be ``measurement`` itself.
        name: of the candidate, for the verdict.
        baseline_name: of the baseline, for the verdict.
        other_load: mean number of cores that other processes used during the run.
        subnormal_share: share of weights or activations that are subnormal, 0 to 1.
    """
    latencies_ns = [latency for block in measurement.blocks for latency in block.latencies_ns]
    # As for p50: a turn in which the machine was fast holds more latencies, and must not count more for it.
    weights = [1.0 / len(block.latencies_ns) for block in measurement.blocks for _ in block.latencies_ns]
    throughput = throughput_interval(measurement, batch_size)
    speedup, verdict = against(measurement, baseline, name, baseline_name)
    doubts = warnings(measurement, other_load=other_load, subnormal_share=subnormal_share)
    return Summary(
        samples=len(latencies_ns),
        p50_ms=median_interval(measurement),
        p90_ms=percentile_ms(latencies_ns, 90.0, weights),
        p95_ms=percentile_ms(latencies_ns, 95.0, weights),
        p99_ms=percentile_ms(latencies_ns, 99.0, weights),
        throughput_samples_per_s=throughput.value,
        throughput=throughput,
        speedup=speedup,
        verdict=verdict,
        stable=not doubts,
        warnings=doubts,
    )


def against(
    measurement: Measurement, baseline: Measurement | None, name: str, baseline_name: str | None
) -> tuple[Interval | None, str | None]:
    """Give the speed-up over the baseline and its verdict; None and None without a baseline."""
    if baseline is None:
        return None, None
    if baseline is measurement or name == baseline_name:
        return Interval(1.0, 1.0, 1.0), "baseline"
    result = compare(measurement, baseline, candidate_name=name, reference_name=baseline_name or "the baseline")
    return Interval(1.0 / result.ratio, 1.0 / result.high, 1.0 / result.low), result.verdict
