import math

import pytest
from hand_made import measured

from inferspeed_magic.diagnosis import compare, median_interval, summarize
from inferspeed_magic.diagnosis.simulation import simulate
from inferspeed_magic.records import Interval


def test_everything_filled_in():
    fast, slow = simulate("quiet", 20, 50, 1.0, 1, 1), simulate("quiet", 20, 50, 2.0, 1, 2)
    summary = summarize(fast, 8, baseline=slow, name="m/litert", baseline_name="m/keras.predict")
    assert summary.samples == 1000
    assert summary.p50_ms == median_interval(fast)
    assert summary.p50_ms.value < summary.p90_ms < summary.p95_ms < summary.p99_ms
    assert summary.throughput_samples_per_s == pytest.approx(8000, rel=0.01)
    assert summary.speedup.low < 2.0 < summary.speedup.high
    result = compare(fast, slow, candidate_name="m/litert", reference_name="m/keras.predict")
    assert summary.verdict == result.verdict
    assert summary.stable
    assert summary.warnings == ()


def test_percentiles_that_the_samples_cannot_support():
    summary = summarize(measured([[1.0] * 10] * 10), 1, baseline=None, name="m/r", baseline_name=None)
    assert summary.p90_ms == pytest.approx(1.0)
    assert summary.p95_ms is None
    assert summary.p99_ms is None


def test_no_baseline():
    summary = summarize(simulate("quiet"), 1, baseline=None, name="m/r", baseline_name=None)
    assert summary.speedup is None
    assert summary.verdict is None


@pytest.mark.parametrize("baseline_name", ["m/r", None])
def test_the_baseline_itself(baseline_name):
    measurement = simulate("quiet")
    summary = summarize(measurement, 1, baseline=measurement, name="m/r", baseline_name=baseline_name)
    assert summary.speedup == Interval(1.0, 1.0, 1.0)
    assert summary.verdict == "baseline"


def test_throughput_is_over_wall_time_not_latency():
    # In the server scenario latencies hold waiting, and overlap.
    measurement = measured([[1.0, 1.0]] * 4)
    waiting = type(measurement)(
        0.0,
        0.0,
        0.0,
        blocks=tuple(
            type(block)(block.round, block.process, block.start_s, 10_000_000, block.latencies_ns)
            for block in measurement.blocks
        ),
    )
    summary = summarize(waiting, 4, baseline=None, name="m/r", baseline_name=None)
    assert summary.throughput_samples_per_s == pytest.approx(4 * 8 / 0.040)


def test_without_a_sample():
    summary = summarize(measured([]), 1, baseline=None, name="m/r", baseline_name=None)
    assert summary.samples == 0
    assert math.isnan(summary.p50_ms.value)
    assert math.isnan(summary.throughput_samples_per_s)
    assert not summary.stable


def test_warnings_make_it_unstable():
    summary = summarize(simulate("quiet"), 1, baseline=None, name="m/r", baseline_name=None, other_load=1.5)
    assert not summary.stable
    assert len(summary.warnings) == 1
