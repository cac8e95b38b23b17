"""Speed-ups of all over all, and throughput with its interval."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hand_made import measured
from hypothesis import given, settings
from hypothesis import strategies as st

from inferspeed_magic.diagnosis import speedup, speedups, throughput_interval
from inferspeed_magic.records import Block, Measurement


def noisy(p50_ms, seed, *, spread=0.02, rounds=30, count=8, start=0, processes=(0,)):
    draw = np.random.default_rng(seed)
    blocks = draw.lognormal(math.log(p50_ms), spread, (rounds, count))
    return measured(blocks.tolist(), processes, range(start, start + rounds))


EIGHT = (
    noisy(1.0, 0),
    noisy(1.01, 1),
    noisy(0.2, 2, spread=0.3),
    noisy(5.0, 3, processes=(0, 1)),
    noisy(1.5, 4, start=1000),  # shares no round with the others
    noisy(2.0, 5, rounds=4),  # so few blocks that they are cut
    noisy(3.0, 6, rounds=1, count=2),  # too few for an interval
    noisy(1.2, 7, rounds=12),
)


def triple(interval):
    return dataclasses.astuple(interval)


@pytest.fixture(scope="module")
def table():
    return speedups(EIGHT)


@pytest.mark.parametrize("column", range(len(EIGHT)))
@pytest.mark.parametrize("row", range(len(EIGHT)))
def test_each_is_that_of_the_two_alone(table, row, column):
    if row == column:
        assert triple(table[row][column]) == (1.0, 1.0, 1.0)
    else:
        assert triple(table[row][column]) == pytest.approx(
            triple(speedup(EIGHT[row], EIGHT[column])), rel=1e-9, nan_ok=True
        )


def test_the_other_way_round_it_is_the_inverse(table):
    for row, line in enumerate(table):
        for column, one in enumerate(line):
            other = table[column][row]
            assert one.value * other.value == pytest.approx(1.0, rel=1e-12)
            assert math.isnan(one.low) == math.isnan(other.high)
            assert math.isnan(one.low) or one.low * other.high == pytest.approx(1.0, rel=1e-12)


def test_rows_are_faster_than_columns_above_one(table):
    assert table[2][0].low > 4
    assert table[3][0].high < 0.25


def test_too_few_blocks_give_a_value_without_bounds(table):
    assert table[6][0].value == pytest.approx(1 / 3, rel=0.1)
    assert math.isnan(table[6][0].low)
    assert math.isnan(table[6][0].high)


def test_none_and_one():
    assert speedups([]) == ()
    assert [[triple(one) for one in line] for line in speedups(EIGHT[:1])] == [[(1.0, 1.0, 1.0)]]


def test_equal_measurements_are_told_apart():
    # Two objects with the same content, and one object twice.
    twin = dataclasses.replace(EIGHT[0])
    for pair in ([EIGHT[0], twin], [EIGHT[0], EIGHT[0]]):
        found = speedups(pair)[0][1]
        assert found.value == pytest.approx(1.0)
        assert found.low <= 1 <= found.high


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 100), st.integers(1, 12), st.integers(0, 20)), min_size=2, max_size=4))
def test_whatever_the_measurements(made):
    all_of_them = [
        noisy(p50_ms, seed, rounds=rounds, start=start, count=3) for seed, (p50_ms, rounds, start) in enumerate(made)
    ]
    for row, line in enumerate(speedups(all_of_them)):
        for column, one in enumerate(line):
            if row != column:
                expected = triple(speedup(all_of_them[row], all_of_them[column]))
                assert triple(one) == pytest.approx(expected, rel=1e-9, nan_ok=True)


class TestThroughput:
    @settings(max_examples=60, deadline=None)
    @given(st.floats(0.01, 1000), st.floats(0, 2), st.integers(3, 40), st.integers(0, 1000))
    def test_its_interval_holds_it(self, p50_ms, spread, rounds, seed):
        found = throughput_interval(noisy(p50_ms, seed, spread=spread, rounds=rounds), 4)
        assert found.low <= found.value <= found.high

    def test_it_is_what_was_done_in_the_time(self):
        # Two blocks of 10 ms with 4 inferences, one of 40 ms with 2: ten of eight samples in 60 ms.
        blocks = (
            Block(0, 0, 0.0, 10_000_000, (2_000_000,) * 4),
            Block(1, 0, 0.1, 40_000_000, (20_000_000,) * 2),
            Block(2, 0, 0.2, 10_000_000, (2_000_000,) * 4),
        )
        found = throughput_interval(Measurement(0.0, 0.0, 0.0, blocks=blocks), 8)
        assert found.value == pytest.approx(10 * 8 / 0.060)
        assert found.low < found.value < found.high

    def test_noise_widens_it(self):
        widths = []
        for spread in (0.0, 0.2, 1.0):
            found = throughput_interval(noisy(1.0, 1, spread=spread), 1)
            widths.append(math.log(found.high / found.low))
        assert 0 < widths[0] < widths[1] < widths[2]

    def test_more_blocks_narrow_it(self):
        few, many = (throughput_interval(noisy(1.0, 1, spread=0.5, rounds=rounds), 1) for rounds in (6, 200))
        assert many.high / many.low < few.high / few.low

    @pytest.mark.parametrize(("blocks", "known"), [(1, False), (2, False), (3, True)])
    def test_below_three_blocks_there_are_no_bounds(self, blocks, known):
        found = throughput_interval(noisy(1.0, 1, rounds=blocks), 1)
        assert found.value == pytest.approx(1000, rel=0.05)
        assert [math.isfinite(found.low), math.isfinite(found.high)] == [known, known]

    def test_blocks_without_time_or_inferences_do_not_count(self):
        blocks = noisy(1.0, 1, rounds=2).blocks
        odd = (Block(2, 0, 9.0, 0, (1_000_000,)), Block(3, 0, 9.5, 5_000_000, ()))
        found = throughput_interval(Measurement(0.0, 0.0, 0.0, blocks=(*blocks, *odd)), 1)
        assert triple(found) == pytest.approx(
            triple(throughput_interval(noisy(1.0, 1, rounds=2), 1)), rel=1e-12, nan_ok=True
        )
        assert math.isnan(found.low)

    @pytest.mark.parametrize("blocks", [(), (Block(0, 0, 0.0, 0, (5, 5)),), (Block(0, 0, 0.0, 7, ()),)])
    def test_without_time_there_is_none(self, blocks):
        assert all(map(math.isnan, triple(throughput_interval(Measurement(0.0, 0.0, 0.0, blocks=blocks), 1))))

    @pytest.mark.parametrize("batch_size", [2, 32, 1000])
    def test_it_scales_with_the_batch_size(self, batch_size):
        one, more = (throughput_interval(EIGHT[3], size) for size in (1, batch_size))
        assert triple(more) == pytest.approx([batch_size * each for each in triple(one)], rel=1e-9)

    def test_two_processes_that_differ_are_seen(self):
        agreeing = noisy(1.0, 1, rounds=20, processes=(0, 1))
        apart = dataclasses.replace(
            agreeing,
            blocks=tuple(
                dataclasses.replace(block, wall_ns=block.wall_ns * (2 if block.process else 1))
                for block in agreeing.blocks
            ),
        )
        one, other = throughput_interval(agreeing, 1), throughput_interval(apart, 1)
        assert other.high / other.low > one.high / one.low
