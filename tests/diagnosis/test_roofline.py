"""A layer's place between the ceilings: the ceiling that takes longest is named, and none where all are far away."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferspeed_magic.diagnosis.roofline import LEAST_SHARE, compute_ceiling, dispatch_ceiling, memory_ceiling, placed
from inferspeed_magic.records.ceilings import Bandwidth, Ceilings
from inferspeed_magic.records.counts import LayerCount
from inferspeed_magic.records.explanation import LayerTime

KB, MB = 1024, 2**20
MACHINE = Ceilings(
    threads=2,
    gflop_per_s={"float32": 100.0, "int8": 400.0},
    bandwidths=(
        Bandwidth(64 * KB, 200.0, "L1d"),
        Bandwidth(2 * MB, 100.0, "L2"),
        Bandwidth(16 * MB, 50.0, "L3"),
        Bandwidth(128 * MB, 10.0, "memory"),
    ),
)


def layer(*, macs=0, weights=0, taken=0, given=0, kernels=1, flops=None, steps=1):
    flops = 2 * macs if flops is None else flops
    return LayerCount("layer", "Dense", 0, macs, flops, weights, weights + taken, given, kernels, steps)


def timed(time_us, operators=("MatMul",), **more):
    return LayerTime("model", "layer", "onnxruntime", time_us, time_us, time_us, operators, **more)


def place(
    time_us, count, *, ceilings=MACHINE, precision="float32", working_set=1 * MB, dispatch_us=0.5, operators=("MatMul",)
):
    return placed(timed(time_us, operators), count, ceilings, precision, working_set, dispatch_us)


def test_many_products_on_few_bytes_are_compute_bound():
    """200 MFLOP at 100 GFLOP/s are 2 ms."""
    found = place(2500.0, layer(macs=100_000_000, weights=100 * KB))
    assert (found.bound, found.level) == ("compute", None)
    assert found.ceiling_share == pytest.approx(0.8)


def test_a_precision_has_its_own_ceiling_and_an_unknown_one_that_of_float32():
    count = layer(macs=100_000_000, weights=100 * KB)
    assert place(2500.0, count, precision="int8").ceiling_share == pytest.approx(0.2)
    assert place(2500.0, count, precision="bfloat16") == place(2500.0, count)


def test_what_is_no_product_is_not_counted_at_the_rate_of_int8():
    only_products, more = layer(macs=1_000_000), layer(macs=1_000_000, flops=3_000_000)
    plain, with_rest = (compute_ceiling(count, MACHINE, "int8").time_us for count in (only_products, more))
    assert with_rest - plain == pytest.approx(1_000_000 / 100.0 / 1e3)


@pytest.mark.parametrize(
    ("working_set", "level", "gb_per_s"), [(1 * MB, "L2", 100.0), (10 * MB, "L3", 50.0), (100 * MB, "memory", 10.0)]
)
def test_weights_come_from_where_the_whole_model_lies(working_set, level, gb_per_s):
    """The same layer, in models of three sizes."""
    ideal_us = 1 * MB / gb_per_s / 1e3
    found = place(1.25 * ideal_us, layer(macs=MB // 4, weights=1 * MB), working_set=working_set)
    assert (found.bound, found.level) == ("memory", level)
    assert found.ceiling_share == pytest.approx(0.8)


def test_activations_come_from_where_they_themselves_fit():
    """An elementwise layer of a large model: its input was just written, and lies in the cache."""
    count = layer(taken=500 * KB, given=500 * KB, flops=125 * KB)
    found = place(12.0, count, working_set=100 * MB)
    assert (found.bound, found.level) == ("memory", "L2")
    assert found.ceiling_share == pytest.approx(1000 * KB / 100.0 / 1e3 / 12.0)


def test_the_level_is_that_of_the_bytes_that_take_longer():
    weights, activations = 1 * MB, 1 * MB  # from memory at 10 GB/s; from the cache at 100 GB/s
    found = memory_ceiling(layer(weights=weights, taken=activations), MACHINE, 100 * MB)
    assert found.level == "memory"
    assert found.time_us == pytest.approx((weights / 10.0 + activations / 100.0) / 1e3)


def test_a_short_operator_is_overhead_bound():
    found = place(0.9, layer(macs=256, weights=KB))
    assert (found.bound, found.level) == ("overhead", None)
    assert found.ceiling_share == pytest.approx(0.5 / 0.9)


def test_an_operator_faster_than_an_empty_one_is_overhead_bound_all_the_same():
    found = place(0.1, layer(macs=256, weights=64), dispatch_us=2.0)
    assert (found.bound, found.ceiling_share) == ("overhead", 1.0)


def test_operators_that_were_fused_do_not_count_as_overhead():
    """Thirty kernels in the graph, one in the runtime: an LSTM that ONNX Runtime runs as one operator."""
    count = layer(macs=10_000, weights=40 * KB, kernels=3000, steps=100)
    assert place(1600.0, count, operators=("LSTM",)).bound is None
    assert place(1600.0, count, operators=("Loop",)).bound == "overhead"
    assert place(500.0, count, operators=("Loop",)).bound is None  # so many cannot have run in that time


def test_far_from_every_ceiling_nothing_is_named():
    found = place(100_000.0, layer(macs=100_000_000, weights=100 * KB))
    assert (found.bound, found.level) == (None, None)
    assert found.ceiling_share == pytest.approx(0.02)


def test_a_level_that_the_time_refutes_is_not_named():
    """4 MB in 100 us are 42 GB/s: not memory's 10."""
    found = place(100.0, layer(macs=MB, weights=4 * MB), working_set=100 * MB)
    assert (found.bound, found.level) == ("memory", "L3")
    assert found.ceiling_share == pytest.approx(4 * MB / 50.0 / 1e3 / 100.0)


def test_bytes_that_cannot_have_been_moved_in_the_time_say_nothing():
    """An activation that was fused away."""
    assert place(1.0, layer(taken=4 * MB, given=4 * MB, flops=MB), dispatch_us=0.01).bound is None


def test_work_that_cannot_have_been_done_in_the_time_says_nothing():
    """Twice as fast as the ceiling is no noise: it ran in another precision, or did not run."""
    count = layer(macs=100_000_000)
    assert place(1700.0, count).bound == "compute"
    assert place(1700.0, count).ceiling_share == 1.0
    assert place(300.0, count, dispatch_us=0.0).ceiling_share is None


@pytest.mark.parametrize(
    "time", [timed(0.0), timed(math.nan), timed(-1.0), timed(5.0, fused_into="other"), timed(math.inf)]
)
def test_layers_without_a_time_of_their_own_have_no_place(time):
    found = placed(time, layer(macs=1000, weights=KB), MACHINE, "float32", MB, 0.5)
    assert (found.bound, found.level, found.ceiling_share) == (None, None, None)


def test_without_ceilings_nothing_is_said():
    found = place(10.0, layer(macs=1000, weights=KB), ceilings=Ceilings(1, {}), dispatch_us=math.nan)
    assert (found.bound, found.level, found.ceiling_share) == (None, None, None)


def test_an_old_word_does_not_stay():
    old = replace(timed(100_000.0), bound="compute", level="L2", ceiling_share=0.9)
    assert placed(old, layer(macs=1000), MACHINE, "float32", MB, 0.5).bound is None


counts = st.builds(
    layer,
    macs=st.integers(0, 10**10),
    weights=st.integers(0, 10**9),
    taken=st.integers(0, 10**8),
    given=st.integers(0, 10**8),
    kernels=st.integers(0, 5000),
)
times = st.floats(0.01, 1e7)
sets = st.integers(0, 10**10)


@given(times, counts, sets)
def test_shares_and_words_go_together(time_us, count, working_set):
    found = place(time_us, count, working_set=working_set)
    share = found.ceiling_share
    assert share is None or 0.0 < share <= 1.0
    assert (found.bound is not None) == (share is not None and share >= LEAST_SHARE)
    assert (found.level is not None) == (found.bound == "memory")


@given(counts, sets, st.floats(1.0, 100.0))
def test_as_long_as_no_ceiling_is_refuted_the_longest_one_over_the_time_is_the_share(count, working_set, slower):
    times_us = {
        "compute": compute_ceiling(count, MACHINE, "float32").time_us,
        "memory": memory_ceiling(count, MACHINE, working_set).time_us,
        "overhead": dispatch_ceiling(count, ("MatMul",), 0.5).time_us,
    }
    longest = max(times_us, key=times_us.__getitem__)
    found = place(times_us[longest] * slower, count, working_set=working_set)
    assert found.ceiling_share == pytest.approx(1.0 / slower)
    if found.bound is not None:
        assert times_us[found.bound] == times_us[longest]


@given(counts, sets, sets)
def test_a_larger_working_set_never_makes_the_memory_ceiling_shorter(count, one, other):
    small, large = sorted((one, other))
    assert memory_ceiling(count, MACHINE, small).time_us <= memory_ceiling(count, MACHINE, large).time_us * (1 + 1e-12)


@given(times, counts, sets, st.sampled_from([0.125, 0.5, 2.0, 8.0]))
def test_units_cancel(time_us, count, working_set, factor):
    """A machine that is twice as fast in everything, and a layer that takes half the time: the same place."""
    faster = Ceilings(
        2,
        {name: rate * factor for name, rate in MACHINE.gflop_per_s.items()},
        tuple(replace(each, gb_per_s=each.gb_per_s * factor) for each in MACHINE.bandwidths),
    )
    here = place(time_us, count, working_set=working_set)
    there = place(time_us / factor, count, ceilings=faster, working_set=working_set, dispatch_us=0.5 / factor)
    assert (there.bound, there.level, there.ceiling_share) == (here.bound, here.level, here.ceiling_share)
