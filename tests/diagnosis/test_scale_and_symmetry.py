"""Properties that hold whatever the latencies."""

from dataclasses import replace

import pytest
from hand_made import measured
from hypothesis import given, settings
from hypothesis import strategies as st

from inferspeed_magic import diagnosis
from inferspeed_magic.diagnosis import compare, median_interval, percentile_ms
from inferspeed_magic.measurement.warm_up import detect, settled
from inferspeed_magic.records import Measurement

LATENCY_NS = st.integers(min_value=10_000, max_value=10_000_000_000)


@st.composite
def measurements(draw, fewest=3, most=24):
    counts = draw(st.lists(st.integers(1, 6), min_size=fewest, max_size=most))
    processes = draw(st.integers(1, 3))
    blocks = [[draw(LATENCY_NS) / 1e6 for _ in range(count)] for count in counts]
    return measured(blocks, tuple(range(processes)))


def scaled(measurement: Measurement, factor: int) -> Measurement:
    return replace(
        measurement,
        blocks=tuple(
            replace(block, latencies_ns=tuple(factor * value for value in block.latencies_ns), wall_ns=factor)
            for block in measurement.blocks
        ),
    )


def versus(first, second):
    return compare(first, second, candidate_name="A", reference_name="B")


@settings(max_examples=60, deadline=None)
@given(measurements(), st.integers(2, 1000))
def test_the_interval_scales_with_the_latencies(measurement, factor):
    before, after = median_interval(measurement), median_interval(scaled(measurement, factor))
    assert after.value == pytest.approx(factor * before.value, rel=1e-9)
    assert after.low == pytest.approx(factor * before.low, rel=1e-6)
    assert after.high == pytest.approx(factor * before.high, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(measurements(), st.randoms(use_true_random=False))
def test_order_within_a_block_does_not_matter(measurement, random):
    blocks = tuple(
        replace(block, latencies_ns=tuple(random.sample(block.latencies_ns, len(block.latencies_ns))))
        for block in measurement.blocks
    )
    # With fewer than five blocks these are cut into pieces, and then order tells.
    if len(blocks) >= 5:
        assert median_interval(replace(measurement, blocks=blocks)) == median_interval(measurement)


@settings(max_examples=60, deadline=None)
@given(measurements(), st.randoms(use_true_random=False))
def test_order_of_the_records_does_not_matter(measurement, random):
    shuffled = replace(measurement, blocks=tuple(random.sample(measurement.blocks, len(measurement.blocks))))
    assert median_interval(shuffled) == median_interval(measurement)


@settings(max_examples=60, deadline=None)
@given(measurements(), st.permutations(range(3)))
def test_numbers_of_processes_are_only_names(measurement, names):
    renamed = replace(measurement, blocks=tuple(replace(b, process=names[b.process]) for b in measurement.blocks))
    before, after = median_interval(measurement), median_interval(renamed)
    assert after.low == pytest.approx(before.low, rel=1e-6)
    assert after.high == pytest.approx(before.high, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(measurements())
def test_the_value_lies_among_the_latencies_and_in_the_interval(measurement):
    latencies = [value / 1e6 for block in measurement.blocks for value in block.latencies_ns]
    interval = median_interval(measurement)
    assert min(latencies) <= interval.value <= max(latencies)
    assert interval.low <= interval.value <= interval.high


@settings(max_examples=100, deadline=None)
@given(measurements(), measurements())
def test_swapping_the_candidates_inverts_the_ratio(first, second):
    one, other = versus(first, second), versus(second, first)
    assert one.ratio * other.ratio == pytest.approx(1.0, rel=1e-9)
    assert one.low * other.high == pytest.approx(1.0, rel=1e-6)
    assert one.significant == other.significant
    if not one.significant:
        assert other.verdict == one.verdict
    else:
        word, opposite = ("faster", "slower") if "faster" in one.verdict else ("slower", "faster")
        assert other.verdict == one.verdict.replace(f"A is {word} than B", f"A is {opposite} than B")


@settings(max_examples=60, deadline=None)
@given(measurements(), st.integers(2, 1000))
def test_ratio_of_a_scaled_candidate(measurement, factor):
    result = versus(scaled(measurement, factor), measurement)
    assert result.ratio == pytest.approx(factor, rel=1e-9)
    assert result.low < factor < result.high


@settings(max_examples=100, deadline=None)
@given(st.lists(LATENCY_NS, min_size=64, max_size=200), st.floats(10.0, 90.0))
def test_a_percentile_lies_among_the_latencies(latencies, percentile):
    value = percentile_ms(latencies, percentile)
    assert min(latencies) / 1e6 * (1 - 1e-12) <= value <= max(latencies) / 1e6 * (1 + 1e-12)


@settings(max_examples=100, deadline=None)
@given(st.lists(LATENCY_NS, max_size=80), st.integers(2, 50))
def test_warm_up_does_not_depend_on_the_unit(latencies, factor):
    multiplied = [factor * value for value in latencies]
    assert 0 <= detect(latencies) <= len(latencies)
    assert isinstance(settled(latencies), bool)
    assert settled(multiplied) == settled(latencies)


def test_every_public_name_can_be_loaded():
    for name in diagnosis.__all__:
        assert getattr(diagnosis, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = diagnosis.nothing
