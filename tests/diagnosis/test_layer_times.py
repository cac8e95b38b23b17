"""Times of operators, written by hand, become times of layers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from inferspeed_magic.diagnosis.layer_times import layer_times, profiler_cost_ns
from inferspeed_magic.records.counts import LayerCount, ModelCount
from inferspeed_magic.records.operators import OperatorProfile, OperatorTime

RUNS = 40


def counted(**works):
    """Layers with their multiply-accumulates and other operations."""
    layers = [
        LayerCount(name.replace("__", "/"), "Dense", 0, macs, 2 * macs + more, 0, 0, 0, 1)
        for name, (macs, more) in works.items()
    ]
    return ModelCount("small", 1, tuple(layers))


COUNT = counted(conv=(900, 0), bn=(0, 50), relu=(0, 20), dense=(100, 0), encoder__lstm=(400, 0))


def operator(name, microseconds, *origins, kind="Conv", calls=1):
    times = microseconds if isinstance(microseconds, tuple) else (microseconds,) * RUNS
    return OperatorTime(name, kind, tuple(round(1000 * each) for each in times), calls, origins)


def profiled(*operators, plain=1000.0, slower=1.0):
    runs = len(operators[0].latencies_ns)
    noise = np.random.default_rng(0).normal(1.0, 0.01, (2, runs))
    looked_at, alone = (
        tuple(round(each) for each in 1000.0 * level * row)
        for level, row in zip((plain * slower, plain), noise, strict=True)
    )
    return OperatorProfile("onnxruntime", operators, looked_at, alone)


def scope(name):
    """Stand for formats.layer_names: all but the last of the names."""
    return name.rpartition("/")[0] or None


def rows_of(profile, count=COUNT):
    rows, _ = layer_times(profile, scope, count)
    return {row.layer: row for row in rows}


def test_operators_of_a_layer_are_added_up():
    rows = rows_of(
        profiled(operator("a", 30, "dense/MatMul", kind="MatMul"), operator("b", 5, "dense/Add", kind="Add"))
    )
    assert rows["dense"].time_us == pytest.approx(35)
    assert rows["dense"].operators == ("MatMul", "Add")
    assert (rows["dense"].model, rows["dense"].runtime) == ("small", "onnxruntime")
    assert rows["dense"].fused_into is None
    assert rows["dense"].bound is None


def test_they_are_added_up_within_each_inference():
    # The medians of the two are 10 and 10, that of their sum is 110.
    first, second = (10.0, 100.0) * (RUNS // 2), (100.0, 10.0) * (RUNS // 2)
    rows = rows_of(profiled(operator("a", first, "dense/A"), operator("b", second, "dense/B")))
    assert rows["dense"].time_us == pytest.approx(110)


def test_a_fused_operator_is_time_of_the_layer_with_the_most_multiplications():
    rows = rows_of(profiled(operator("fused", 30, "relu/Relu", "bn/mul", "conv/kernel")))
    assert rows["conv"].time_us == pytest.approx(30)
    assert rows["conv"].fused_into is None
    for name in ("bn", "relu"):
        assert (rows[name].time_us, rows[name].fused_into, rows[name].operators) == (0.0, "conv", ())


def test_where_none_multiplies_it_is_the_one_with_the_most_operations():
    rows = rows_of(profiled(operator("fused", 30, "relu/Relu", "bn/mul")))
    assert rows["bn"].time_us == pytest.approx(30)
    assert rows["relu"].fused_into == "bn"


def test_without_any_work_it_is_the_one_that_the_operator_is_named_after():
    rows = rows_of(profiled(operator("fused", 30, "relu/Relu", "bn/mul")), counted(bn=(0, 0), relu=(0, 0)))
    assert rows["relu"].time_us == pytest.approx(30)


def test_a_layer_with_an_operator_of_its_own_is_not_called_fused():
    rows = rows_of(profiled(operator("fused", 30, "conv/Conv", "bn/mul"), operator("own", 4, "bn/Transpose")))
    assert rows["bn"].time_us == pytest.approx(4)
    assert rows["bn"].fused_into is None
    assert rows["conv"].time_us == pytest.approx(30)


def test_rows_come_in_the_order_of_the_layers():
    profile = profiled(operator("a", 3, "unheard/X"), operator("b", 3, "dense/X"), operator("c", 3, "conv/X", "bn/Y"))
    assert [row.layer for row in layer_times(profile, scope, COUNT)[0]] == ["conv", "bn", "dense", "unheard"]


def test_parts_that_were_not_counted_belong_to_the_layer_around_them():
    rows = rows_of(profiled(operator("a", 30, "encoder/lstm/cell/MatMul"), operator("b", 2, "encoder/lstm/Reshape")))
    assert list(rows) == ["encoder/lstm"]
    assert rows["encoder/lstm"].time_us == pytest.approx(32)


def test_the_median_of_inferences_withstands_a_disturbance():
    times = tuple(5000.0 if number == 7 else 20.0 for number in range(RUNS))
    row = rows_of(profiled(operator("a", times, "dense/MatMul")))["dense"]
    assert row.time_us == pytest.approx(20)


def test_the_interval_holds_the_median_and_is_wider_for_noisier_times():
    draw = np.random.default_rng(1)

    def interval(spread):
        times = tuple(float(each) for each in 50.0 * draw.lognormal(0.0, spread, RUNS))
        row = rows_of(profiled(operator("a", times, "dense/MatMul")))["dense"]
        assert row.low_us < row.time_us < row.high_us
        return row.high_us - row.low_us

    assert interval(0.5) > 2.0 * interval(0.02)


def test_two_inferences_give_no_interval():
    row = rows_of(profiled(operator("a", (20.0, 22.0), "dense/MatMul")))["dense"]
    assert row.time_us == pytest.approx(21)
    assert math.isnan(row.low_us)
    assert math.isnan(row.high_us)


def test_what_no_layer_made_is_unmapped():
    profile = profiled(
        operator("a", 60, "dense/MatMul"), operator("ReorderOutput", 15), operator("b", 25, "Transpose__3")
    )
    rows, overhead = layer_times(profile, scope, COUNT)
    assert [row.layer for row in rows] == ["dense"]
    assert overhead.unmapped_share == pytest.approx(0.4)


def test_what_lies_outside_of_operators_is_the_rest_of_an_inference_without_the_profiler():
    _, overhead = layer_times(profiled(operator("a", 250, "dense/MatMul"), slower=3.0), scope, COUNT)
    assert overhead.outside_share == pytest.approx(0.75, abs=0.01)


def test_the_cost_of_profiling_is_a_share_with_an_interval():
    _, overhead = layer_times(profiled(operator("a", 250, "dense/MatMul"), slower=1.3), scope, COUNT)
    assert overhead.share.value == pytest.approx(0.3, abs=0.02)
    assert overhead.share.low < overhead.share.value < overhead.share.high
    assert overhead.share.low > 0.2


def small_ones(plain):
    """Nine operators that do next to nothing and one that works, each with 4 us of the profiler's in it."""
    small = [operator(f"s{number}", 4.5, f"relu/{number}", kind="Relu") for number in range(9)]
    return profiled(operator("big", 104, "dense/MatMul"), *small, plain=plain, slower=20.0)


def test_the_profilers_own_time_is_taken_off_where_operators_take_longer_than_the_inference():
    profile = small_ones(plain=104.5)
    assert profiler_cost_ns(profile) == pytest.approx(4000, rel=0.05)
    rows, overhead = layer_times(profile, scope, COUNT)
    times = {row.layer: row.time_us for row in rows}
    assert times["dense"] == pytest.approx(100, rel=0.01)
    assert times["relu"] == pytest.approx(4.5, rel=0.3)
    assert overhead.outside_share == pytest.approx(0.0, abs=0.01)


def test_it_is_left_where_there_is_room_for_it():
    assert profiler_cost_ns(small_ones(plain=200.0)) == 0.0


def test_no_more_is_taken_off_than_profiling_costs():
    noisy = profiled(operator("a", 150, "dense/A"), operator("b", 150, "dense/B"), plain=100.0, slower=1.1)
    assert profiler_cost_ns(noisy) == pytest.approx(5000, rel=0.1)


def test_no_more_is_taken_off_than_the_shortest_operator_takes():
    assert profiler_cost_ns(small_ones(plain=10.0)) == pytest.approx(4500)
    assert min(row.time_us for row in rows_of(small_ones(plain=10.0)).values()) >= 0.0


def test_calls_within_an_inference_bear_it_each():
    loop = operator("body", 90.0, "encoder/lstm/MatMul", calls=20)
    once = operator("head", 10.0, "dense/MatMul")
    profile = profiled(once, loop, plain=58.0, slower=3.0)
    assert profiler_cost_ns(profile) == pytest.approx(2000, rel=0.05)
    assert rows_of(profile)["encoder/lstm"].time_us == pytest.approx(50, rel=0.05)
