from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferspeed_magic.diagnosis.batch_fit import batch_fit
from inferspeed_magic.records import Interval


def seen(value, spread=0.03):
    return Interval(value, value * (1 - spread), value * (1 + spread))


@given(fixed=st.floats(0.01, 100), per_sample=st.floats(0.001, 10))
def test_a_line_is_found_again(fixed, per_sample):
    fit = batch_fit("m", "litert", {size: seen(fixed + per_sample * size) for size in (1, 8, 32)})
    assert fit.fixed_ms.value == pytest.approx(fixed, rel=1e-6, abs=1e-9)
    assert fit.per_sample_ms.value == pytest.approx(per_sample, rel=1e-6)
    assert fit.fits


def test_what_is_no_line_is_said_to_be_none():
    fit = batch_fit("m", "litert", {1: seen(1.0), 8: seen(20.0), 32: seen(21.0)})
    assert not fit.fits
    assert fit.fixed_ms.high - fit.fixed_ms.low > 1.0


def test_one_batch_size_is_no_line():
    assert batch_fit("m", "litert", {1: seen(1.0)}) is None


def test_costs_are_not_negative():
    fit = batch_fit("m", "litert", {1: seen(1.0), 8: seen(9.0), 32: seen(40.0)})
    assert fit.fixed_ms.value >= 0.0
    assert fit.fixed_ms.low >= 0.0


def test_intervals_hold_the_truth_as_often_as_they_say():
    draw = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        points = {}
        for size in (1, 8, 32):
            value = (5.0 + 0.4 * size) * (1 + 0.03 / 1.96 * draw.standard_normal())
            points[size] = seen(value)
        fit = batch_fit("m", "litert", points)
        held += fit.fixed_ms.low <= 5.0 <= fit.fixed_ms.high
    assert 0.92 <= held / 400 <= 0.99


def test_unknown_intervals_do_not_break_it():
    fit = batch_fit("m", "litert", {1: Interval(1.0, float("nan"), float("nan")), 8: seen(2.0), 32: seen(5.0)})
    assert np.isfinite(fit.fixed_ms.value)
