"""How numbers read."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferspeed_magic.panel import numbers
from inferspeed_magic.records import Interval


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0931, "0.0931"),
        (0.09996, "0.100"),
        (0.9996, "1.00"),
        (1.0, "1.00"),
        (12.34, "12.3"),
        (99.96, "100"),
        (123.4, "123"),
        (1152.0, "1,150"),
        (1234567.0, "1,230,000"),
        (0.0, "0"),
        (None, "-"),
        (math.nan, "-"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
    ],
)
def test_three_significant_digits(value, shown):
    assert numbers.number(value) == shown


@given(st.floats(1e-6, 1e9))
def test_what_is_shown_is_within_half_a_percent(value):
    assert float(numbers.number(value).replace(",", "")) == pytest.approx(value, rel=0.0051)


def test_bounds_are_shown_to_the_place_of_the_value():
    assert numbers.with_interval(Interval(12.34, 9.871, 14.82), " ms") == "12.3 ms (9.9-14.8)"
    assert numbers.with_interval(Interval(1152.0, 1097.0, 1203.0)) == "1,150 (1,100-1,200)"


def test_a_bound_never_rounds_away_to_zero():
    assert numbers.interval_range(Interval(1152.0, 0.4, 1203.0)) == "(0.400-1,200)"


def test_no_interval_is_shown_where_there_is_none():
    assert numbers.with_interval(Interval(1.5, math.nan, math.nan), " ms") == "1.50 ms"


def test_ratios():
    assert numbers.ratio(Interval(1.92, 1.85, 1.99)) == ("1.92x", "(1.85-1.99)")
    assert numbers.ratio(Interval(1.01, 0.98, 1.04)) == ("1.01x", "(0.98-1.04)")


def test_a_ratio_that_is_not_one_is_not_shown_as_one():
    assert numbers.ratio(Interval(1.004, 1.002, 1.006)) == ("1.0040x", "(1.0020-1.0060)")


@pytest.mark.parametrize(
    ("latencies", "unit"),
    [([0.0931, 107.0], "ms"), ([0.002, 0.09], "µs"), ([1200.0, 4000.0], "s"), ([math.nan], "ms"), ([], "ms")],
)
def test_one_unit_for_all_latencies(latencies, unit):
    assert numbers.time_unit(latencies).name == unit


def test_errors_and_waiting_times():
    assert [numbers.error(value) for value in (2.14e-7, 0.0, None, math.nan)] == ["2.1e-07", "0", "-", "-"]
    assert [numbers.seconds(value) for value in (-1, 12.4, 125)] == ["0 s", "12 s", "2 min 05 s"]
