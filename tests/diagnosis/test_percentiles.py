import pytest

from inferspeed_magic.diagnosis.percentiles import percentile_ms, samples_needed, supported


@pytest.mark.parametrize(("percentile", "samples"), [(50, 11), (90, 64), (95, 130), (99, 662), (99.9, 6636)])
def test_bound_of_mlperf(percentile, samples):
    assert samples_needed(percentile) == samples
    assert supported(samples, percentile)
    assert not supported(samples - 1, percentile)


@pytest.mark.parametrize("percentile", [1.0, 5.0, 10.0])
def test_low_percentiles_are_mirrored(percentile):
    assert samples_needed(percentile) == samples_needed(100.0 - percentile)


@pytest.mark.parametrize("percentile", [-1, 0, 100, 101])
def test_what_is_no_percentile(percentile):
    with pytest.raises(ValueError, match="between 0 and 100"):
        samples_needed(percentile)


def test_value_is_in_milliseconds():
    assert percentile_ms([1_000_000 * (index + 1) for index in range(101)], 90) == pytest.approx(91.0)


def test_none_where_unsupported():
    assert percentile_ms([1_000_000] * 63, 90) is None
    assert percentile_ms([], 50) is None
