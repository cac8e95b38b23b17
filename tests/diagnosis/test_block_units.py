import math

import numpy as np
import pytest
from hand_made import measured

from inferspeed_magic.diagnosis.units import pieces_for, pooled_median_ns, units
from inferspeed_magic.records import Block, Measurement


def test_one_log_median_per_block():
    series = units(measured([[1, 2, 9], [4, 4, 4]], processes=(0, 1)))
    assert [unit.process for unit in series] == [0, 1]
    assert [unit.log_median for unit in series] == pytest.approx([math.log(2e6), math.log(4e6)])


def test_order_is_that_of_time():
    late, early = Block(1, 0, 5.0, 1, (20,)), Block(0, 0, 1.0, 1, (10,))
    series = units(Measurement(0.0, 0.0, 0.0, blocks=(late, early)))
    assert [unit.round for unit in series] == [0, 1]


def test_empty_blocks_are_left_out():
    assert len(units(measured([[1], [], [1]]))) == 2
    assert math.isnan(pooled_median_ns(measured([[]])))


def test_pooled_median_is_the_median_when_blocks_are_equal():
    assert pooled_median_ns(measured([[1, 2], [3, 4]])) == pytest.approx(2.5e6)
    assert pooled_median_ns(measured([[1, 2], [3, 4], [5, 6]])) == pytest.approx(3.5e6)
    latencies = np.random.default_rng(0).lognormal(size=(7, 13))
    assert pooled_median_ns(measured(latencies.tolist())) == pytest.approx(np.median(latencies) * 1e6, rel=1e-5)


def test_a_fast_turn_with_many_latencies_counts_once():
    assert pooled_median_ns(measured([[1.0] * 100, [2.0] * 3, [2.0] * 3])) == pytest.approx(2e6)


@pytest.mark.parametrize(("blocks", "pieces"), [([], 1), ([[1] * 30] * 5, 1), ([[1] * 30] * 4, 2), ([[1] * 3], 3)])
def test_pieces(blocks, pieces):
    assert pieces_for(measured(blocks)) == pieces
