"""Expected gains of techniques, on models whose bottleneck is known by construction."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferspeed_magic.diagnosis.prediction import expect
from inferspeed_magic.records import Bandwidth, Ceilings, DispatchCost, Effect, LayerCount, ModelCount

STATIC = Effect("int8", weight_bits=8, activation_bits=8)
DYNAMIC = Effect("int8", weight_bits=8, converts=True, slow_for=("Conv",))
PACKED = Effect("int8", weight_bits=4, dense_only=True)
MACHINE = Ceilings(
    2,
    {"float32": 100.0, "int8": 350.0},
    (Bandwidth(2**20, 100.0, "L2"), Bandwidth(2**25, 40.0, "L3"), Bandwidth(2**30, 10.0, "memory")),
    (DispatchCost("onnxruntime", 1.0, 4.0),),
)


def layer(kind, macs, weights, activations, name="layer"):
    return LayerCount(name, kind, weights // 4, macs, 2 * macs, weights, weights + activations, activations, 1)


def model(*layers):
    return ModelCount("m", 1, layers, activation_bytes=max(each.bytes_written for each in layers))


# 2 GFLOP on 100 kB: 20 ms of arithmetic, next to no memory.
CONVOLUTION = layer("Conv2D", 10**9, 50_000, 50_000)
# 400 MB of weights, each used once: 40 ms of memory, 2 ms of arithmetic.
DENSE = layer("Dense", 10**8, 4 * 10**8, 4000)


def test_arithmetic_gains_what_the_machine_gains():
    gain, reason = expect(model(CONVOLUTION), MACHINE, "onnxruntime", 20_005.0, STATIC)
    assert gain.value == pytest.approx(3.5, rel=0.01)
    assert reason == "100% of what has to be done is arithmetic, at up to 3.5 times the rate in int8"


def test_memory_gains_what_the_weights_shrink_by():
    gain, reason = expect(model(DENSE), MACHINE, "onnxruntime", 40_005.0, STATIC)
    assert gain.value == pytest.approx(4.0, rel=0.01)
    assert reason == "100% of what has to be done is moving bytes, most of them weights, which take 8 bits"
    packed, _ = expect(model(DENSE), MACHINE, "onnxruntime", 40_005.0, PACKED)
    assert packed.value > 1.5 * gain.value


def test_calls_stay_what_they_are():
    tiny = model(layer("Dense", 1000, 4000, 40))
    gain, reason = expect(tiny, MACHINE, "onnxruntime", 5.1, STATIC)
    assert gain.high < 1.1
    assert "the call and the start of operators" in reason


def test_what_no_ceiling_explains_makes_it_uncertain():
    sure, _ = expect(model(CONVOLUTION), MACHINE, "onnxruntime", 20_005.0, STATIC)
    unsure, _ = expect(model(CONVOLUTION), MACHINE, "onnxruntime", 80_000.0, STATIC)
    assert unsure.low < 1.3
    assert unsure.high == pytest.approx(3.5, rel=0.01)
    assert unsure.high - unsure.low > 10 * (sure.high - sure.low)


def test_dynamic_int8_of_convolutions_is_a_trap_and_of_dense_layers_is_not():
    gain, reason = expect(model(CONVOLUTION), MACHINE, "onnxruntime", 20_005.0, DYNAMIC)
    assert gain is None
    assert reason == "100% of the multiply-accumulates are in Conv2D, which has no fast kernels for it"
    gain, _ = expect(model(DENSE), MACHINE, "onnxruntime", 40_005.0, DYNAMIC)
    assert 3.0 < gain.value < 4.1


def test_few_layers_without_fast_kernels_are_enough():
    depthwise = layer("DepthwiseConv2D", 6 * 10**7, 50_000, 50_000)
    effect = Effect("int8", weight_bits=8, converts=True, slow_for=("Depthwise",))
    gain, reason = expect(model(CONVOLUTION, depthwise), MACHINE, "litert", 20_005.0, effect)
    assert gain is None
    assert "6% of the multiply-accumulates are in DepthwiseConv2D" in reason
    assert expect(model(CONVOLUTION), MACHINE, "litert", 20_005.0, effect)[0].value > 2


def test_steps_one_after_the_other_gain_little():
    steps = replace(layer("LSTM", 10**6, 10**7, 4000), steps=100)
    gain, reason = expect(model(steps), MACHINE, "onnxruntime", 500.0, STATIC)
    assert gain.high < 1.05
    assert "steps of recurrent layers" in reason


def test_packed_weights_leave_convolutions_alone():
    gain, reason = expect(model(CONVOLUTION), MACHINE, "onnxruntime", 20_005.0, PACKED)
    assert gain.value == pytest.approx(1.0, abs=0.01)
    assert reason == "100% of what has to be done is in layers that it leaves as they are"
    # Weights that leave no cache level do not come nearer because others would have.
    large = layer("Conv2D", 10**7, 3 * 10**7, 4000)
    gain, _ = expect(model(large, large), MACHINE, "onnxruntime", 7_000.0, PACKED)
    assert gain.value == pytest.approx(1.0, abs=0.01)


def test_activations_are_what_moves_where_there_are_few_weights():
    wide = model(layer("Conv2D", 10**6, 4000, 10**7))
    _, reason = expect(wide, MACHINE, "litert", 600.0, STATIC)
    assert "most of them activations, which take 8 bits" in reason


def test_a_model_that_beats_the_ceilings_is_foretold_less_surely():
    sure, _ = expect(model(CONVOLUTION), MACHINE, "onnxruntime", 20_005.0, STATIC)
    unsure, _ = expect(model(CONVOLUTION), MACHINE, "onnxruntime", 8_000.0, STATIC)
    assert unsure.low < unsure.value < unsure.high
    assert unsure.high / unsure.low > 1.5
    assert sure.high / sure.low < 1.1


def test_views_start_no_operators():
    views = [replace(layer("Flatten", 0, 0, 0, f"flat_{place}"), kernels=0) for place in range(50)]
    tiny = layer("Dense", 1000, 4000, 40)
    with_views, _ = expect(model(tiny, *views), MACHINE, "onnxruntime", 10.0, STATIC)
    without, _ = expect(model(tiny), MACHINE, "onnxruntime", 10.0, STATIC)
    assert with_views == without


def test_activations_that_are_converted_for_every_product_cost_something():
    wide = model(layer("Dense", 10**6, 4000, 10**6))
    static, _ = expect(wide, MACHINE, "litert", 30.0, STATIC)
    dynamic, _ = expect(wide, MACHINE, "litert", 30.0, DYNAMIC)
    assert dynamic.value < 1.0 < static.value


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        (Effect(), "unpacked when the file is loaded"),
        (Effect("bfloat16", weight_bits=16, activation_bits=16), "no faster than in float32 here"),
    ],
)
def test_what_changes_no_arithmetic_brings_nothing(effect, words):
    emulated = replace(MACHINE, how=("bfloat16: left out, since products in it are no faster than in float32 here.",))
    gain, reason = expect(model(CONVOLUTION), emulated, "onnxruntime", 20_005.0, effect)
    assert (gain.value, gain.low, gain.high) == (1.0, 1.0, 1.0)
    assert words in reason


def test_nothing_is_foretold_without_ceilings():
    assert expect(model(DENSE), Ceilings(2, {}), "onnxruntime", 40_005.0, STATIC) == (None, "")
    # Not measured is not slow.
    assert expect(model(DENSE), Ceilings(2, {"float32": 100.0}), "onnxruntime", 40_005.0, STATIC) == (None, "")


@given(
    macs=st.integers(1, 10**10),
    weights=st.integers(4, 10**9),
    activations=st.integers(4, 10**8),
    latency_us=st.floats(1.0, 1e7),
    effect=st.sampled_from([STATIC, Effect("int8", weight_bits=8, converts=True), PACKED]),
)
def test_the_expectation_lies_between_its_ends(macs, weights, activations, latency_us, effect):
    gain, reason = expect(model(layer("Dense", macs, weights, activations)), MACHINE, "litert", latency_us, effect)
    assert 0 < gain.low <= gain.value <= gain.high
    assert gain.high <= 8.01 * 10  # nothing shrinks by more than the bits, and bytes come nearer by one level or two
    assert reason
