import math

import pytest
from hand_made import measured

from inferspeed_magic.diagnosis import median_interval


def test_constant_latencies_leave_what_processes_differ_by():
    interval = median_interval(measured([[2.0] * 10] * 20))
    assert interval.value == pytest.approx(2.0)
    assert interval.low == pytest.approx(2.0 * math.exp(-0.019 * 2.2281), rel=1e-4)  # t(10) at 97.5%
    assert interval.high == pytest.approx(2.0 * math.exp(0.019 * 2.2281), rel=1e-4)


def test_more_processes_narrow_it():
    one = median_interval(measured([[2.0] * 10] * 20))
    two = median_interval(measured([[2.0] * 10] * 20, processes=(0, 1)))
    assert two.high - two.low < 0.75 * (one.high - one.low)


@pytest.mark.parametrize("blocks", [[], [[3.0]], [[3.0], [3.0]]])
def test_undefined_with_fewer_than_three_values(blocks):
    interval = median_interval(measured(blocks))
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)
    assert math.isnan(interval.value) if not blocks else interval.value == pytest.approx(3.0)


def test_three_single_samples_have_an_interval():
    interval = median_interval(measured([[100.0], [103.0], [98.0]]))
    assert interval.low < 98.0
    assert interval.high > 103.0
    assert interval.value == pytest.approx(100.0)


def test_one_block_is_cut_in_pieces():
    interval = median_interval(measured([[1.0, 1.1, 0.9, 1.05] * 10]))
    assert 0.9 < interval.low < interval.value < interval.high < 1.2


def test_the_value_is_inside_although_blocks_have_two_modes():
    interval = median_interval(measured([[1.0]] * 13 + [[1.5]] * 7))
    assert interval.value == pytest.approx(1.0)
    assert interval.low <= 1.0 <= interval.high


def test_one_wild_block_hardly_moves_it():
    calm = [[1.0 + 0.001 * (index * 7 % 20)] * 9 for index in range(20)]
    wild = [*calm[:10], [50.0] * 9, *calm[11:]]
    before, after = median_interval(measured(calm)), median_interval(measured(wild))
    assert after.value == pytest.approx(before.value, rel=0.005)
    assert after.high == pytest.approx(before.high, rel=0.01)
