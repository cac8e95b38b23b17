"""The contract of runtimes that say what their operators take, on every one that discovery finds, in real workers."""

from __future__ import annotations

from dataclasses import asdict

import keras
import numpy as np
import onnx
import pytest
import small_models
from keras import layers
from onnx import helper, numpy_helper
from workbench import SECONDS, Workbench

from inferspeed_magic.diagnosis.layer_times import layer_times
from inferspeed_magic.discovery import reference, runtimes
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.formats.layer_names import layer_of
from inferspeed_magic.records.counts import LayerCount, ModelCount
from inferspeed_magic.records.operators import OperatorProfile, OperatorTime
from inferspeed_magic.runtimes.base import Lowering

PROFILES = [name for name, runtime in runtimes().items() if runtime.capabilities().profiles]


@pytest.fixture(scope="module", params=PROFILES)
def runtime(request):
    found = runtimes()[request.param]
    if not found.availability().available:
        pytest.skip(found.availability().reason)
    return found


@pytest.fixture(scope="module")
def bench():
    with Workbench() as bench:
        yield bench


def profiled_file(bench, runtime, artifact, inputs, folder, **lowering):
    said = bench.worker(runtime).request(
        "inferspeed_magic.measurement.operators:profile_operators",
        {
            "runtime": reference(runtime),
            "artifact": artifact,
            "lowering": asdict(Lowering(**{"threads": 1} | lowering)),
            "inputs": bench.saved([inputs]),
            "folder": str(folder),
            "duration_ms": 200.0,
            "most": 40,
        },
        SECONDS,
    )
    operators = [
        OperatorTime(**each | {"latencies_ns": tuple(each["latencies_ns"]), "origins": tuple(each["origins"])})
        for each in said["operators"]
    ]
    facts = tuple((name, value) for name, value in said["facts"])
    return OperatorProfile(
        said["runtime"], tuple(operators), tuple(said["latencies_ns"]), tuple(said["plain_latencies_ns"]), facts
    )


def profiled(bench, runtime, make, folder, **lowering):
    """Return the profile, a function from operators to layers, and a stand-in for the counts."""
    source = bench.source(make)
    inputs = [array[:1] for array in source.samples(1, 0)]
    profile = profiled_file(bench, runtime, bench.artifact(source, runtime, 1), inputs, folder, **lowering)
    known = {layer.name for layer in source.model._flatten_layers(include_self=False)}
    # As many multiplications as there are values in kernels: what is fused with a convolution has none.
    rows = [
        LayerCount(
            layer.name,
            "",
            0,
            sum(int(np.prod(each.shape)) for each in layer.weights if len(each.shape) > 1),
            1,
            0,
            0,
            0,
            1,
        )
        for layer in source.model.layers
    ]
    return profile, lambda name: layer_of(name, known), ModelCount(source.model.name, 1, tuple(rows))


def block(x, name, filters, kernel=3, kind=layers.Conv2D):
    keywords = {} if kind is layers.DepthwiseConv2D else {"filters": filters}
    x = kind(kernel_size=kernel, padding="same", use_bias=False, name=f"{name}_conv", **keywords)(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x)


def convolutions():
    inputs = keras.Input((32, 32, 3))
    x = layers.ReLU(name="first_relu")(block(inputs, "first", 16))
    x = layers.ReLU(name="second_relu")(block(x, "second", 32))
    x = layers.Flatten()(layers.MaxPooling2D()(x))
    return small_models.stirred(keras.Model(inputs, layers.Dense(10, activation="softmax")(x)))


def perceptron():
    inputs = keras.Input((128,))
    x = layers.Dense(512, activation="relu")(inputs)
    return small_models.stirred(keras.Model(inputs, layers.Dense(10)(layers.Dense(256, activation="tanh")(x))))


def recurrent():
    tokens = keras.Input((20,), dtype="int32")
    x = layers.LSTM(32, return_sequences=True)(layers.Embedding(100, 32)(tokens))
    return small_models.stirred(keras.Model(tokens, layers.Dense(3)(layers.LSTM(32)(x))))


def transformer():
    tokens = keras.Input((32,), dtype="int32")
    x = layers.Embedding(100, 64)(tokens)
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(4, 16)(y, y)])
        y = layers.Dense(128, activation="relu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(64)(y)])
    return keras.Model(tokens, layers.Dense(5)(layers.GlobalAveragePooling1D()(x)))


def inverted_residuals():
    inputs = keras.Input((32, 32, 3))
    x = layers.ReLU(6.0, name="stem_relu")(block(inputs, "stem", 16))
    for number in range(2):
        y = layers.ReLU(6.0, name=f"expand_{number}_relu")(block(x, f"expand_{number}", 64, 1))
        y = block(y, f"depthwise_{number}", 64, 3, layers.DepthwiseConv2D)
        y = layers.ReLU(6.0, name=f"depthwise_{number}_relu")(y)
        x = layers.Add(name=f"add_{number}")([x, block(y, f"project_{number}", 16, 1)])
    return small_models.stirred(keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x))))


EVERY = (convolutions, perceptron, recurrent, transformer, inverted_residuals)


@pytest.fixture(scope="module", params=EVERY, ids=lambda make: make.__name__)
def found(request, bench, runtime, tmp_path_factory):
    return profiled(bench, runtime, request.param, tmp_path_factory.mktemp("profile"))


def test_operators_take_no_longer_than_the_inference(found):
    profile, _, _ = found
    sums = np.sum([operator.latencies_ns for operator in profile.operators], axis=0)
    # Means: a profiler that adds up spreads a disturbance over its neighbours.
    assert 0.0 < np.median(sums) <= 1.1 * max(np.median(profile.latencies_ns), np.mean(profile.latencies_ns))


def test_every_operator_has_a_time_for_every_inference(found):
    profile, _, _ = found
    assert len(profile.latencies_ns) >= 5
    assert len(profile.plain_latencies_ns) >= 5
    for operator in profile.operators:
        assert len(operator.latencies_ns) == len(profile.latencies_ns)
        assert min(operator.latencies_ns) >= 0
        assert operator.calls >= 1
        assert operator.kind
    names = [operator.name for operator in profile.operators]
    assert len(set(names)) == len(names)


def test_nearly_all_time_belongs_to_layers(found):
    rows, overhead = layer_times(*found)
    assert overhead.unmapped_share <= 0.2
    assert sum(row.time_us for row in rows) > 0
    assert -0.3 < overhead.share.value < 20.0
    assert 0.0 <= overhead.outside_share < 1.0


def test_what_the_runtime_inserted_is_counted(found):
    facts = dict(found[0].facts)
    assert int(facts["inserted_reorders"]) >= 0
    assert 0 < int(facts["operators_run"]) <= int(facts["operators_in_file"]) + int(facts["inserted_reorders"])


def layers_together(profile, layer):
    return [set(filter(None, map(layer, operator.origins))) for operator in profile.operators]


def test_a_fused_convolution_leads_to_all_its_layers(bench, runtime, tmp_path):
    profile, layer, count = profiled(bench, runtime, convolutions, tmp_path)
    together = layers_together(profile, layer)
    for name in ("first", "second"):
        assert {f"{name}_conv", f"{name}_bn", f"{name}_relu"} in together
    rows = {row.layer: row for row in layer_times(profile, layer, count)[0]}
    assert rows["second_conv"].time_us > 0
    assert rows["second_bn"].fused_into == rows["second_relu"].fused_into == "second_conv"
    assert rows["second_bn"].time_us == 0


def test_residuals_are_found_in_the_convolutions_that_took_them_in(bench, runtime, tmp_path):
    profile, layer, _ = profiled(bench, runtime, inverted_residuals, tmp_path)
    together = layers_together(profile, layer)
    for number in range(2):
        (around,) = (each for each in together if f"add_{number}" in each)
        assert around in ({f"add_{number}"}, {f"add_{number}", f"project_{number}_conv", f"project_{number}_bn"})
        assert any({f"depthwise_{number}_bn", f"depthwise_{number}_relu"} <= each for each in together)
        assert not any({f"expand_{number}_conv", f"project_{number}_conv"} <= each for each in together)


def wide(units):
    inputs = keras.Input((128,))
    x = layers.Dense(128, name="before", activation="relu")(inputs)
    x = layers.Dense(units, name="looked_at", activation="relu")(x)
    return small_models.stirred(keras.Model(inputs, layers.Dense(8, name="after")(layers.Dense(16, name="less")(x))))


def narrow_one():
    return wide(64)


def wide_one():
    return wide(1280)


def test_a_wider_layer_takes_a_larger_share(bench, runtime, tmp_path):
    def share(make):
        folder = tmp_path / make.__name__
        folder.mkdir()
        rows, _ = layer_times(*profiled(bench, runtime, make, folder))
        times = {row.layer: row.time_us for row in rows}
        return times["looked_at"] / sum(times.values())

    assert share(wide_one) > 1.3 * share(narrow_one)


def test_with_two_threads_it_is_the_same(bench, runtime, tmp_path):
    profile, layer, _ = profiled(bench, runtime, convolutions, tmp_path, threads=2)
    assert {"second_conv", "second_bn", "second_relu"} in layers_together(profile, layer)


def test_a_gpu_is_refused_or_profiled(bench, runtime, tmp_path):
    with pytest.raises(WorkerError) as caught:
        profiled(bench, runtime, perceptron, tmp_path, device="gpu")
    assert caught.value.status == "unsupported"


@pytest.mark.parametrize("name", [name for name in runtimes() if name not in PROFILES])
def test_a_runtime_without_a_profiler_says_why(bench, name, tmp_path):
    without = runtimes()[name]
    if not without.availability().available:
        pytest.skip(without.availability().reason)
    with pytest.raises(WorkerError, match=f"{name} .*(profile|operators)") as caught:
        profiled_file(bench, without, "nothing", [np.zeros((1, 2), "float32")], tmp_path)
    assert caught.value.status == "unsupported"


STEPS = 50


@pytest.fixture
def loop(tmp_path):
    """A loop that multiplies with a matrix 50 times."""
    size = 64
    number = onnx.TensorProto.FLOAT
    matrix = numpy_helper.from_array(np.eye(size, dtype=np.float32), "w")
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "w"], ["next"], name="model/rnn/MatMul"),
            helper.make_node("Identity", ["go"], ["going"], name="model/rnn/Identity"),
        ],
        "body",
        [
            helper.make_tensor_value_info("step", onnx.TensorProto.INT64, []),
            helper.make_tensor_value_info("go", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", number, [1, size]),
        ],
        [
            helper.make_tensor_value_info("going", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", number, [1, size]),
        ],
    )
    constants = [
        matrix,
        numpy_helper.from_array(np.array(STEPS, np.int64), "n"),
        numpy_helper.from_array(np.array(True), "always"),  # noqa: FBT003
    ]
    graph = helper.make_graph(
        [helper.make_node("Loop", ["n", "always", "x"], ["y"], name="model/rnn/Loop", body=body)],
        "made",
        [helper.make_tensor_value_info("x", number, [1, size])],
        [helper.make_tensor_value_info("y", number, [1, size])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, tmp_path / "loop.onnx")
    return str(tmp_path / "loop.onnx")


def test_what_runs_in_a_loop_does_not_count_twice(bench, loop, tmp_path):
    profile = profiled_file(bench, runtimes()["onnxruntime"], loop, [np.ones((1, 64), "float32")], tmp_path)
    calls = {operator.kind: operator.calls for operator in profile.operators}
    assert calls["MatMul"] == STEPS
    assert calls["Loop"] == 1
    sums = np.sum([operator.latencies_ns for operator in profile.operators], axis=0)
    assert np.median(sums) <= 1.1 * np.median(profile.latencies_ns)
    assert {layer_of(name, ["rnn"]) for operator in profile.operators for name in operator.origins} >= {"rnn"}
