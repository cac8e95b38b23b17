"""Each rule on numbers made to have its cause, and on numbers that look alike and do not have it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from explained_models import (
    CEILINGS,
    count,
    counterfactual,
    explanation,
    interval,
    layer,
    machine,
    path,
    result,
    time,
)

from inferspeed_magic.diagnosis.findings import find_all
from inferspeed_magic.records import DispatchCost, OperatorKinds, ProfileOverhead, WeightFacts


def causes(record):
    return [finding.cause for finding in find_all(record)]


def only(record, cause):
    (found,) = [finding for finding in find_all(record) if finding.cause == cause]
    return found


def called(latency_ms, call_ms, other_ms):
    return explanation(
        result("m", "keras.predict", latency_ms),
        result("m", "onnxruntime", other_ms),
        call_paths=(path("m", "keras.predict", latency_ms, call_ms), path("m", "onnxruntime", other_ms, 0.01)),
    )


def inside(*pairs, latency_ms=1.0, **found):
    """A model on ONNX Runtime, of layers with their counts and times."""
    counts = count("m", *(each for each, _ in pairs))
    return explanation(
        result("m", "onnxruntime", latency_ms), counts=(counts,), layers=tuple(each for _, each in pairs), **found
    )


def test_a_call_that_costs_more_than_the_model_comes_first():
    found = find_all(called(50.0, 48.0, 0.1))[0]
    assert found.cause == "call_overhead"
    assert found.explained_ms == pytest.approx(48.0)
    assert found.confidence >= 0.9
    assert found.expected_gain.value == pytest.approx(500.0)
    assert found.check == ("runtime", "keras.predict", "onnxruntime")
    assert "96%" in found.sentence


def test_a_model_that_takes_longer_than_its_call_has_another_cause():
    assert "call_overhead" not in causes(called(500.0, 48.0, 300.0))


def test_without_a_faster_way_nothing_is_advised():
    assert "call_overhead" not in causes(called(50.0, 48.0, 60.0))


def test_an_overhead_that_intervals_leave_open_is_not_sure():
    record = called(50.0, 30.0, 0.1)
    doubtful = replace(record.call_paths[0], call_ms=interval(30.0, 0.5))
    assert only(replace(record, call_paths=(doubtful,)), "call_overhead").confidence < 0.9


def test_layers_that_wait_for_memory():
    dense = layer("dense", params=4_000_000, macs=4_000_000)
    record = inside((dense, time("m", "dense", 900.0, bound="memory", level="memory", ceiling_share=0.8)))
    found = only(record, "memory_bound")
    assert found.explained_ms == pytest.approx(0.9)
    assert "memory" in found.sentence
    assert "int8" not in found.advice


def test_int8_is_advised_where_it_was_seen_to_help():
    dense = layer("dense", params=4_000_000, macs=4_000_000)
    row = time("m", "dense", 900.0, bound="memory", level="memory", ceiling_share=0.8)
    found = only(inside((dense, row), counterfactuals=(counterfactual("m", "int8", 1.0, 0.4),)), "memory_bound")
    assert found.check == ("technique", "onnxruntime", "post_training_static")
    assert "int8" in found.advice
    assert found.expected_gain.value == pytest.approx(2.5)
    slower = only(inside((dense, row), counterfactuals=(counterfactual("m", "int8", 1.0, 1.2),)), "memory_bound")
    assert slower.expected_gain is None
    assert slower.check == ()


def test_activations_that_wait_for_memory_are_not_helped_by_smaller_weights():
    pool = layer("pool", "MaxPooling2D", flops=100, bytes_read=8_000_000, bytes_written=4_000_000)
    record = inside((pool, time("m", "pool", 900.0, bound="memory", level="L3", ceiling_share=0.8)))
    found = only(record, "memory_bound")
    assert found.check == ()
    assert "L3 cache" in found.sentence


@pytest.mark.parametrize(("level", "named"), [("L2", False), ("L1d", False), ("L3", True), ("memory", True)])
def test_steps_that_wait_for_each_other_do_not_wait_for_a_near_cache(level, named):
    recurrent = layer("lstm", "LSTM", params=4_000_000, macs=4_000_000, steps=100)
    row = time("m", "lstm", 900.0, bound="memory", level=level, ceiling_share=0.8)
    found = causes(inside((recurrent, row)))
    assert "sequential_depth" in found
    assert ("memory_bound" in found) == named


def test_counts_are_written_with_their_prefix():
    conv = layer("conv", "Conv2D", params=1000, macs=3_860_000_000)
    record = inside((conv, time("m", "conv", 39_000.0, bound="compute", ceiling_share=0.9)))
    assert "is arithmetic: 7.72 GFLOP at " in only(record, "compute_bound").sentence


def test_layers_bound_by_arithmetic():
    conv = layer("conv", "Conv2D", params=1000, macs=50_000_000)
    record = inside((conv, time("m", "conv", 900.0, bound="compute", ceiling_share=0.6)))
    found = only(record, "compute_bound")
    assert "memory_bound" not in causes(record)
    assert any(each.unit == "GFLOP/s" and each.value == pytest.approx(111.1, rel=0.01) for each in found.evidence)


def test_layers_far_below_every_ceiling_are_called_neither():
    conv = layer("conv", "Conv2D", params=1000, macs=1_000_000)
    record = inside((conv, time("m", "conv", 900.0, ceiling_share=0.05)))
    found = find_all(record)[0]
    assert found.cause == "inefficient_kernels"
    assert found.confidence < 0.5
    assert not {"compute_bound", "memory_bound"} & set(causes(record))


def test_layers_without_ceilings_say_nothing_of_bounds():
    conv = layer("conv", "Conv2D", params=1000, macs=1_000_000)
    record = replace(inside((conv, time("m", "conv", 900.0))), ceilings=None)
    assert not {"compute_bound", "memory_bound", "inefficient_kernels"} & set(causes(record))


def kinds(*found, technique="none", inserted=()):
    return (OperatorKinds("m", "onnxruntime", technique, found, inserted),)


def test_many_operators_with_little_to_do():
    record = inside((layer("dense"), time("m", "dense", 50.0)), latency_ms=0.06, operators=kinds(("MatMul", 50.0, 100)))
    found = only(record, "many_small_operators")
    assert "100 operators" in found.sentence
    assert found.explained_ms == pytest.approx(0.05)


def test_an_estimate_that_exceeds_the_whole_is_doubted():
    record = inside((layer("dense"), time("m", "dense", 20.0)), latency_ms=0.02, operators=kinds(("MatMul", 20.0, 100)))
    found = only(record, "many_small_operators")
    assert found.confidence <= 0.6
    assert found.explained_ms <= 0.02
    assert "nearly all" in found.sentence


def test_a_few_long_operators_are_not_many_small_ones():
    record = inside((layer("dense"), time("m", "dense", 900.0)), operators=kinds(("MatMul", 900.0, 100)))
    assert "many_small_operators" not in causes(record)


def test_the_cost_of_starting_is_that_of_the_runtime_that_was_looked_into():
    record = inside((layer("dense"), time("m", "dense", 50.0)), latency_ms=0.06, operators=kinds(("MatMul", 50.0, 100)))
    other = replace(CEILINGS, dispatch=(DispatchCost("openvino", 0.5, 5.0),))
    assert "many_small_operators" not in causes(replace(record, ceilings=other))


def test_recurrent_layers_whose_steps_wait():
    lstm = layer("lstm", "LSTM", params=1000, macs=200_000, steps=200)
    found = only(inside((lstm, time("m", "lstm", 900.0))), "sequential_depth")
    assert "200 steps" in found.sentence
    assert "4.5 us each" in found.sentence


def test_a_recurrent_layer_that_takes_little_is_not_to_blame():
    lstm = layer("lstm", "LSTM", params=1000, macs=200_000, steps=200)
    dense = layer("dense", params=4_000_000, macs=4_000_000)
    assert "sequential_depth" not in causes(
        inside((lstm, time("m", "lstm", 100.0)), (dense, time("m", "dense", 900.0)))
    )


def test_operators_that_move_more_than_they_compute():
    norm = layer("norm", "BatchNormalization", flops=2000, bytes_read=4_000_000, bytes_written=4_000_000)
    conv = layer("conv", "Conv2D", params=1000, macs=50_000_000)
    found = only(inside((norm, time("m", "norm", 600.0)), (conv, time("m", "conv", 400.0))), "low_intensity_operators")
    assert "BatchNormalization" in found.sentence
    assert "60%" in found.sentence


def test_a_layer_that_reads_mostly_weights_is_no_low_intensity_operator():
    dense = layer("dense", params=4_000_000, macs=4_000_000)
    assert "low_intensity_operators" not in causes(inside((dense, time("m", "dense", 600.0))))


def threads(one_ms, all_ms, spread=0.02):
    return explanation(
        result("m", "onnxruntime", all_ms), counterfactuals=(counterfactual("m", "one_thread", all_ms, one_ms, spread),)
    )


def test_threads_that_hurt():
    found = only(threads(0.5, 1.0), "poor_parallelism")
    assert "take longer" in found.sentence
    assert found.explained_ms == pytest.approx(0.5)
    assert found.expected_gain.value == pytest.approx(2.0)
    assert found.confidence > 0.9


def test_threads_that_bring_nothing_explain_no_time():
    found = only(threads(1.02, 1.0), "poor_parallelism")
    assert "next to nothing" in found.sentence
    assert found.explained_ms == 0.0
    assert found.expected_gain is None


def test_a_call_in_which_nothing_of_the_model_can_be_seen():
    assert "a model without any work takes as long" in find_all(called(50.0, 51.0, 0.1))[0].sentence


def test_threads_that_help():
    assert "poor_parallelism" not in causes(threads(1.8, 1.0))


def test_layout_conversions_that_the_runtime_put_in():
    reorders = ("ReorderInput", 400.0, 4)
    record = inside(
        (layer("conv"), time("m", "conv", 500.0)), operators=kinds(("Conv", 500.0, 2), reorders, inserted=(reorders,))
    )
    found = only(record, "unsupported_operators")
    assert "4 ReorderInput" in found.sentence
    assert "44%" in found.sentence


@pytest.mark.parametrize(
    ("operator", "inserted"),
    [
        (("ReorderInput", 20.0, 4), True),  # too little to be worth saying
        (("Transpose", 400.0, 4), False),  # the model's own
        (("ConvTranspose", 400.0, 4), True),  # moves nothing
    ],
)
def test_what_is_no_layout_conversion(operator, inserted):
    ran = kinds(("Conv", 500.0, 2), operator, inserted=(operator,) if inserted else ())
    assert "unsupported_operators" not in causes(inside((layer("conv"), time("m", "conv", 500.0)), operators=ran))


def quantized(after_ms, *found, **changes):
    return inside(
        (layer("conv", macs=10_000_000), time("m", "conv", 900.0, bound="compute", ceiling_share=0.5)),
        operators=kinds(*found, technique="post_training_static"),
        counterfactuals=(counterfactual("m", "int8", 1.0, after_ms),),
        **changes,
    )


def test_int8_whose_conversions_stay_in_the_graph():
    record = quantized(1.5, ("QLinearConv", 700.0, 3), ("DequantizeLinear", 500.0, 9))
    assert "9 operators that convert" in only(record, "unfused_quantization").sentence


def test_int8_that_helps_is_not_explained_away():
    assert "unfused_quantization" not in causes(quantized(0.5, ("DequantizeLinear", 500.0, 9)))


def test_int8_without_instructions_for_it():
    record = quantized(1.0, machine=machine(instruction_sets=("AVX2",), instruction_sets_missing=("AVX-512 VNNI",)))
    assert "AVX-512 VNNI" in only(record, "missing_instructions").sentence


def test_instructions_that_are_there_are_not_missing():
    assert "missing_instructions" not in causes(quantized(1.0))


def test_zeros_that_no_kernel_skips():
    dense = layer("dense", params=1000, macs=1_000_000)
    found = only(
        inside((dense, time("m", "dense", 800.0)), weights=(WeightFacts("m", 0.9, 0.0),)), "unexploited_sparsity"
    )
    assert "90%" in found.sentence
    assert found.explained_ms == pytest.approx(0.72)


@pytest.mark.parametrize(("zeros", "subnormal"), [(0.2, 0.0), (float("nan"), 0.0)])
def test_few_zeros_are_nothing(zeros, subnormal):
    record = inside((layer("dense"), time("m", "dense", 800.0)), weights=(WeightFacts("m", zeros, subnormal),))
    assert not {"unexploited_sparsity", "subnormals"} & set(causes(record))


def test_subnormal_numbers():
    record = inside((layer("dense"), time("m", "dense", 800.0)), weights=(WeightFacts("m", 0.0, 0.3),))
    found = only(record, "subnormals")
    assert "30.0%" in found.sentence
    # What they cost was not measured.
    assert found.explained_ms == 0.0
    assert found.confidence <= 0.5


def test_subnormal_numbers_that_were_seen_to_cost_time():
    dense, facts = layer("dense"), (WeightFacts("m", 0.0, 0.3),)
    row = time("m", "dense", 800.0, bound="compute", ceiling_share=0.5)
    slow = inside((dense, row), weights=facts, counterfactuals=(counterfactual("m", "no_subnormals", 1.0, 0.4),))
    found = only(slow, "subnormals")
    assert found.explained_ms == pytest.approx(0.6)
    assert found.confidence >= 0.8
    assert "0.4 ms in place of 1 ms" in found.sentence
    assert causes(slow)[0] == "subnormals"  # the reason for what bounds it, which explains more
    free = inside((dense, row), weights=facts, counterfactuals=(counterfactual("m", "no_subnormals", 1.0, 1.0),))
    assert "cost nothing" in only(free, "subnormals").sentence
    assert causes(free)[0] == "compute_bound"


def test_zeros_come_before_the_bound_that_they_make():
    dense = layer("dense", params=1000, macs=1_000_000)
    row = time("m", "dense", 800.0, bound="compute", ceiling_share=0.5)
    assert causes(inside((dense, row), weights=(WeightFacts("m", 0.9, 0.0),)))[:2] == [
        "unexploited_sparsity",
        "compute_bound",
    ]


def test_why_int8_does_not_help_comes_behind_where_the_time_goes():
    record = quantized(1.5, ("QLinearConv", 700.0, 3), ("DequantizeLinear", 500.0, 9))
    assert causes(record)[0] == "compute_bound"


def test_recurrent_steps_are_the_reason_where_no_ceiling_is_near():
    lstm = layer("lstm", "LSTM", macs=1_000_000, steps=300)
    found = causes(inside((lstm, time("m", "lstm", 900.0, bound=None, ceiling_share=0.02))))
    assert found[0] == "sequential_depth"
    assert "inefficient_kernels" not in found


def test_layers_that_move_more_than_they_compute_are_not_merely_inefficient():
    depthwise = layer("norm", "LayerNormalization", flops=1_000_000, bytes_read=2_000_000, bytes_written=2_000_000)
    found = causes(inside((depthwise, time("m", "norm", 900.0, bound=None, ceiling_share=0.1)), ceilings=CEILINGS))
    assert found[0] == "low_intensity_operators"
    assert "inefficient_kernels" not in found
    wide = layer("conv", "Conv2D", flops=400_000_000, bytes_read=2_000_000, bytes_written=2_000_000)
    assert "inefficient_kernels" in causes(
        inside((wide, time("m", "conv", 900.0, bound=None, ceiling_share=0.1)), ceilings=CEILINGS)
    )


def packed(share):
    facts = WeightFacts("m", 0.0, 0.0, packed_share=share, packed_as="int4")
    return inside((layer("dense"), time("m", "dense", 800.0)), weights=(facts,))


def test_weights_that_are_unpacked_for_every_product():
    assert (
        "97% of the parameters store their weights as int4" in only(packed(0.97), "storage_only_compression").sentence
    )
    assert "storage_only_compression" not in causes(packed(0.05))


def test_outputs_that_say_nothing():
    record = inside(
        (layer("dense"), time("m", "dense", 800.0)), weights=(WeightFacts("m", 0.0, 0.0, constant_outputs=True),)
    )
    assert "no numbers" in only(record, "degenerate_outputs").sentence


def two(small_params, small_flops, big_params, big_flops, small_ms=1.0):
    small = count("small", layer("conv", "Conv2D", params=small_params, macs=small_flops // 2))
    big = count("big", layer("dense", params=big_params, macs=big_flops // 2))
    return explanation(
        result("small", "onnxruntime", small_ms),
        result("big", "onnxruntime", 1.0),
        counts=(big, small),
        layers=(time("small", "conv", 900.0 * small_ms), time("big", "dense", 900.0)),
    )


def test_fewer_parameters_that_do_more_and_are_faster_need_no_excuse():
    assert "flops_not_parameters" not in causes(two(1_000, 20_000_000, 1_000_000, 10_000_000, small_ms=0.1))


def test_layers_without_parameters_are_not_said_to_use_them():
    record = two(1_000, 20_000_000, 1_000_000, 10_000_000)
    nameless = replace(record.counts[1], layers=(layer("", "", flops=10**9), *record.counts[1].layers))
    found = only(replace(record, counts=(record.counts[0], nameless)), "flops_not_parameters")
    assert "conv alone uses each of its 1,000 parameters 10,000 times" in found.sentence


def test_fewer_parameters_that_do_more():
    found = only(two(1_000, 20_000_000, 1_000_000, 10_000_000), "flops_not_parameters")
    assert found.model == "small"
    assert "0.1% of the parameters" in found.sentence
    assert "200% of its FLOPs" in found.sentence


def test_fewer_parameters_that_do_less():
    assert "flops_not_parameters" not in causes(two(1_000, 1_000_000, 1_000_000, 10_000_000))


def test_growth_is_free_where_the_call_takes_all_of_it():
    found = only(called(50.0, 49.9, 0.1), "bigger_is_free")
    assert found.explained_ms == 0.0
    # The intervals leave 2.1 ms open, whatever the difference of the values is.
    assert "at most 2.1 of 50 ms" in found.sentence


def test_growth_is_not_free_where_the_model_takes_its_time():
    assert "bigger_is_free" not in causes(called(500.0, 48.0, 300.0))


def test_findings_are_ordered_by_the_time_that_they_explain():
    record = called(50.0, 48.0, 1.0)
    counts = count("m", layer("dense", params=4_000_000, macs=4_000_000))
    record = replace(
        record, counts=(counts,), layers=(time("m", "dense", 900.0, bound="memory", level="L3", ceiling_share=0.8),)
    )
    found = find_all(record)
    assert [each.cause for each in found][:2] == ["call_overhead", "memory_bound"]
    assert [each.explained_ms for each in found] == sorted((each.explained_ms for each in found), reverse=True)


def test_nothing_measured_gives_no_findings():
    assert find_all(explanation(counts=(count("m", layer("dense")),))) == ()


def pair(small_ms, big_ms, call_ms):
    record = two(1_000, 1_000_000, 1_000_000, 100_000_000)
    results = [result(name, "keras.predict", ms) for name, ms in (("small", small_ms), ("big", big_ms))]
    results += [result("small", "onnxruntime", 0.1), result("big", "onnxruntime", 2.0)]
    paths = (path("small", "keras.predict", small_ms, call_ms), path("big", "keras.predict", big_ms, call_ms))
    return replace(record, profile=replace(record.profile, results=tuple(results)), call_paths=paths)


def test_a_smaller_model_that_takes_as_long_because_of_the_call():
    found = find_all(pair(50.0, 52.0, 49.0))[0]
    assert found.cause == "call_overhead"
    assert found.model == "small"
    assert "small has 0.1% of the parameters of big and takes 50 ms on keras.predict against 52 ms" in found.sentence
    assert found.check == ("runtime", "keras.predict", "onnxruntime")


def test_a_smaller_model_that_is_faster_needs_no_excuse():
    assert not any("against" in found.sentence for found in find_all(pair(50.0, 152.0, 49.0)))


def test_models_that_take_their_time_are_not_the_call():
    assert not any("against" in found.sentence for found in find_all(pair(500.0, 520.0, 49.0)))


def test_advice_says_what_shows_there_only_where_it_shows():
    found = find_all(pair(50.0, 52.0, 49.0))[0]
    assert "there the smaller model is the faster one" in found.advice
    record = pair(50.0, 52.0, 49.0)
    slow = [replace(each, summary=replace(each.summary, p50_ms=interval(3.0))) for each in record.profile.results]
    pairs = zip(record.profile.results, slow, strict=True)
    results = tuple(new if old.name == "small/onnxruntime" else old for old, new in pairs)
    found = find_all(replace(record, profile=replace(record.profile, results=results)))[0]
    assert "faster one" not in found.advice


def test_neighbours_make_small_differences_doubtful():
    busy = replace(threads(0.5, 1.0), other_load=1.0)
    assert only(busy, "poor_parallelism").confidence <= 0.5
    assert find_all(replace(called(50.0, 48.0, 0.1), other_load=1.0))[0].confidence >= 0.9


def test_a_wide_interval_leaves_open_whether_threads_help():
    assert "poor_parallelism" not in causes(threads(1.1, 1.0, spread=0.3))


def test_shares_are_of_all_operators_those_of_no_layer_too():
    dense = layer("dense", params=4_000_000, macs=4_000_000)
    row = time("m", "dense", 100.0, bound="memory", level="L3", ceiling_share=0.8)
    overhead = ProfileOverhead("m", "onnxruntime", interval(0.1), unmapped_share=0.9, outside_share=0.0)
    assert "memory_bound" not in causes(inside((dense, row), overheads=(overhead,)))


def test_nothing_explains_more_than_the_latency():
    dense = layer("dense", params=4_000_000, macs=4_000_000)
    row = time("m", "dense", 5000.0, bound="memory", level="L3", ceiling_share=0.8)
    assert only(inside((dense, row)), "memory_bound").explained_ms == pytest.approx(1.0)


def test_layers_that_wait_to_be_started_do_not_wait_for_activations():
    relu = layer("relu", "ReLU", flops=100, bytes_read=400, bytes_written=400)
    row = time("m", "relu", 900.0, bound="overhead", ceiling_share=0.9)
    assert "low_intensity_operators" not in causes(inside((relu, row)))


def test_nothing_is_missing_of_a_processor_that_nothing_is_known_of():
    unknown = machine(instruction_sets=(), instruction_sets_missing=())
    assert "missing_instructions" not in causes(quantized(1.0, machine=unknown))


def test_a_recurrent_layer_without_time():
    lstm = layer("lstm", "LSTM", params=1000, macs=200_000, steps=200)
    assert "sequential_depth" not in causes(inside((lstm, time("m", "lstm", 0.0))))
