"""What the charts of ``explain`` draw: layers under the roofs, and latency over batch size."""

from __future__ import annotations

import dataclasses
import math

import pytest
from explanation_records import CEILINGS, EXPLAINED, NAN, count_only, fit, one, two, without_intervals

from inferspeed_magic.panel import explain_charts
from inferspeed_magic.records import Interval
from inferspeed_magic.records.ceilings import Bandwidth


def roofs(**changes):
    made = one(ceilings=dataclasses.replace(CEILINGS, **changes))
    return {roof.tag: roof for roof in explain_charts(made).roofs}


@pytest.mark.parametrize("name", EXPLAINED)
def test_everything_drawn_is_a_number(name):
    charts = explain_charts(EXPLAINED[name]())
    for dot in charts.dots:
        assert dot.x > 0
        assert dot.y > 0
        assert math.isfinite(dot.x * dot.y)
    assert all(math.isfinite(each) for roof in charts.roofs for place in roof.places for each in place)


def test_a_dot_is_what_a_layer_reached():
    made = one()
    dot = next(dot for dot in explain_charts(made).dots if dot.layer == "conv2d_1")
    time = next(each for each in made.layers if each.layer == "conv2d_1")
    flops = sum(
        each.flops for each in made.counts[0].layers if each.layer in ("conv2d_1", "batch_normalization_1", "re_lu_1")
    )
    assert dot.y == pytest.approx(flops / time.time_us / 1e3)
    assert dot.told.endswith("GFLOP/s; held back by compute, 45% of its ceiling")


def test_those_that_take_longest_come_first_and_fused_ones_are_not_drawn():
    charts = explain_charts(two())
    shares = [dot.share for dot in charts.dots]
    assert shares == sorted(shares, reverse=True)
    assert not any(dot.layer.startswith("re_lu") for dot in charts.dots)
    layers = sum(len(count.layers) for count in two().counts)
    assert len(charts.dots) + charts.undrawn == layers


class TestRoofs:
    def test_levels_rise_with_their_bandwidth_up_to_the_peak(self):
        for name, bandwidth in (("L1d", 182.0), ("memory", 13.5)):
            (left, low), (right, high) = roofs()[name].places
            assert low / left == pytest.approx(bandwidth)
            assert high / right == pytest.approx(bandwidth)
            assert high == pytest.approx(118.0)

    def test_arithmetic_is_flat_and_begins_where_the_fastest_level_meets_it(self):
        (left, low), (right, high) = roofs()["float32"].places
        assert low == high == 118.0
        assert left == pytest.approx(118.0 / 182.0)
        assert right > 118.0 / 13.5
        assert roofs()["float32"].main
        assert not roofs()["int8"].main

    def test_a_level_measured_several_times_has_the_median(self):
        """The smallest working sets beyond a cache are half in it."""
        more = (*CEILINGS.bandwidths, Bandwidth(10**9, 13.0, "memory"), Bandwidth(10**7, 30.0, "memory"))
        (left, low), _ = roofs(bandwidths=more)["memory"].places
        assert low / left == pytest.approx(13.5)

    def test_levels_as_fast_as_each_other_share_a_roof(self):
        alike = (*CEILINGS.bandwidths[1:], Bandwidth(2**14, 92.0, "L1d"))
        assert set(roofs(bandwidths=alike)) == {"L1d, L2", "L3", "memory", "float32", "int8"}

    def test_numbers_that_are_none_are_no_roofs(self):
        assert set(roofs(gflop_per_s={"float32": NAN, "int8": 0.0})) == {"L1d", "L2", "L3", "memory"}
        assert set(roofs(bandwidths=())) == {"float32", "int8"}
        assert explain_charts(one(ceilings=None)).roofs == ()


class TestCounted:
    def test_without_times_operations_are_drawn_against_bytes(self):
        charts = explain_charts(count_only())
        assert charts.kind == "work"
        count = next(each for each in count_only().counts[0].layers if each.layer == "conv2d_1")
        dot = next(dot for dot in charts.dots if (dot.model, dot.layer) == ("deep", "conv2d_1"))
        assert dot.x == pytest.approx((count.bytes_read + count.bytes_written) / 1e3)
        assert dot.y == pytest.approx(count.flops / 1e6)

    def test_lines_are_those_of_equal_intensity(self):
        for roof, intensity in zip(explain_charts(count_only()).roofs, (0.1, 1, 10, 100), strict=True):
            assert roof.tag == f"{intensity} FLOP/B"
            (left, low), _ = roof.places
            assert 1e6 * low / (1e3 * left) == pytest.approx(intensity)


class TestFits:
    def test_a_line_begins_at_the_fixed_cost_and_ends_at_the_largest_batch(self):
        charts = explain_charts(two())
        assert list(charts.fits) == ["keras.predict", "onnxruntime"]
        first, second = charts.fits["keras.predict"]
        assert first.line[0] == (0.0, 61.2)
        assert first.line[-1] == (32.0, pytest.approx(61.2 + 32 * 0.4))
        assert first.told == "61.2 ms (58.1-64.3) for the call and 0.400 ms (0.384-0.416) for each sample"
        assert second.told.endswith("no straight line")

    def test_without_a_line_the_points_stay(self):
        (first, _) = explain_charts(without_intervals()).fits["onnxruntime"]
        assert first.line == ()
        assert [size for size, _ in first.points] == [1, 8, 32]

    def test_points_without_a_number_are_left_out(self):
        odd = fit("deep", "litert", 1.0, 0.1)
        odd = dataclasses.replace(odd, points=((1, Interval(NAN, NAN, NAN)), *odd.points[1:]))
        assert [size for size, _ in explain_charts(one(fits=(odd,))).fits["litert"][0].points] == [8, 32]
        nothing = dataclasses.replace(odd, points=())
        assert explain_charts(one(fits=(nothing,))).fits == {}
