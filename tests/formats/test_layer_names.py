"""Operators of converted files lead back to Keras layers, also those that runtimes measure one by one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import small_models
import tf_keras
from keras import layers
from onnx import helper
from workbench import Workbench

from inferspeed_magic.discovery import runtimes
from inferspeed_magic.formats.layer_names import layer_of, name_generated

NAMES = ["encoder", "dense", "dense_1", "add", "my layer", "a_b", "a b", "_own", "слой"]
RUNS = 20


@pytest.fixture(scope="module")
def bench():
    with Workbench() as bench:
        yield bench


@pytest.mark.parametrize(
    ("operator", "layer"),
    [
        ("model/dense/MatMul", "dense"),
        ("model/dense/MatMul_1", "dense"),
        ("model/dense_1/MatMul", "dense_1"),
        ("model/encoder/dense_1/Tensordot/MatMul", "encoder/dense_1"),
        ("model/dense/add", "dense"),
        ("model/add/Add", "add"),
        ("model/dense/Relu:0_nchwc", "dense"),
        ("model/dense/MatMul/MatmulTransposeFusion/", "dense"),
        ("model/Cast;model/dense/BiasAdd;model/encoder/MatMul", "dense"),
        ("model/my_layer/MatMul", "my layer"),
        ("model/a_b/MatMul", "a_b"),
        ("model/_own/MatMul", "_own"),
        ("._own/MatMul", "_own"),
        (".____/MatMul", "слой"),
        ("model/dense_2/MatMul", None),
        ("dense", None),
        ("Transpose__12", None),
        ("", None),
    ],
)
def test_an_operator_belongs_to_the_layers_in_whose_scope_it_is(operator, layer):
    assert layer_of(operator, NAMES) == layer


def named(*edges):
    """Build a graph of nodes, each given as its name and the nodes that it reads; return the names after the pass."""
    nodes = [helper.make_node("Sum", [*read, "weight"], [name], name=name) for name, *read in edges]
    graph = helper.make_graph(nodes, "graph", [], [])
    name_generated(graph)
    assert [node.output for node in graph.node] == [[name] for name, *_ in edges], "only nodes are renamed"
    return [node.name for node in graph.node]


def test_parts_of_an_operator_get_the_scope_around_them():
    assert named(
        ("model/attention/query/Add", "x"),
        ("model/attention/key/Add", "x"),
        ("Transpose__1", "model/attention/query/Add"),
        ("MatMul__2", "Transpose__1", "model/attention/key/Add"),
        ("model/attention/Softmax", "MatMul__2"),
        ("model/dense/MatMul", "model/attention/Softmax"),
    )[2:4] == ["model/attention/Transpose__1", "model/attention/MatMul__2"]


def test_what_lies_between_two_layers_belongs_to_the_first():
    assert named(("model/conv/Conv", "x"), ("Transpose__1", "model/conv/Conv"), ("model/dense/MatMul", "Transpose__1"))[
        1
    ] == ("model/conv/Transpose__1")


def test_what_comes_before_all_layers_belongs_to_the_one_after_it():
    assert named(("Transpose__1", "x"), ("model/conv/Conv", "Transpose__1"), ("model/dense/MatMul", "model/conv/Conv"))[
        0
    ] == ("model/conv/Transpose__1")


def test_nodes_far_from_each_other_are_told_apart():
    assert named(
        ("model/one/Conv", "x"),
        ("Transpose__1", "model/one/Conv"),
        ("model/two/Conv", "Transpose__1"),
        ("Transpose__2", "model/two/Conv"),
        ("model/three/Conv", "Transpose__2"),
    )[1::2] == ["model/one/Transpose__1", "model/two/Transpose__2"]


def test_without_layers_names_stay():
    assert named(("Transpose__1", "x"), ("Transpose__2", "Transpose__1")) == ["Transpose__1", "Transpose__2"]


def confusable(library):
    """Names that TensorFlow's own numbering mixes up. Every kernel has a shape of its own."""
    own = library.layers
    inner = library.Sequential(
        [own.Input((9,)), own.Dense(8, name="dense"), own.Dense(9, name="dense_1")], name="inner"
    )
    shared = own.Dense(6, name="shared")
    inputs = own.Input((5,))
    x = shared(shared(own.Dense(6, name="dense_1")(inputs)))
    x = own.Dense(9, name="dense_2")(own.Dense(7, name="dense")(x))
    return small_models.stirred(library.Model(inputs, own.Dense(4, name="dense_1_1")(inner(inner(x)))))


def confusable_in_keras():
    return confusable(keras)


def confusable_in_tf_keras():
    return confusable(tf_keras)


KERNELS = [
    ("dense_1", (5, 6)),
    *2 * [("shared", (6, 6))],
    ("dense", (6, 7)),
    ("dense_2", (7, 9)),
    *2 * [("inner/dense", (9, 8)), ("inner/dense_1", (8, 9))],
    ("dense_1_1", (9, 4)),
]
BOTH = pytest.mark.parametrize("make", [confusable_in_keras, confusable_in_tf_keras], ids=lambda make: make.__name__)


def opened(bench, make, runtime):
    """Return a model's artifact, its inputs, and the names that layers are found by: calls between layers count."""
    source = bench.source(make)
    known = {layer.name for layer in source.model._flatten_layers(include_self=False)}
    known |= {operation.name for operation in getattr(source.model, "operations", [])}
    return bench.artifact(source, runtimes()[runtime], 1), source.samples(1, 0), known


@BOTH
def test_shared_nested_and_numbered_layers_are_told_apart_in_onnx(bench, make):
    path, _, known = opened(bench, make, "onnxruntime")
    graph = onnx.load(path).graph
    shapes = {weight.name: tuple(weight.dims) for weight in graph.initializer}
    products = [node for node in graph.node if node.op_type in {"MatMul", "Gemm"}]
    assert [(layer_of(node.name, known), shapes[node.input[1]]) for node in products] == KERNELS


@BOTH
def test_shared_nested_and_numbered_layers_are_told_apart_in_openvino(bench, make):
    path, _, known = opened(bench, make, "openvino")
    operators = {
        each.get_friendly_name(): each.get_type_name()
        for each in openvino.Core().read_model(path).get_ordered_ops()
        if each.get_type_name() not in {"Parameter", "Constant", "Result"}
    }
    layers_of = [layer for layer, _ in KERNELS]
    assert [layer_of(name, known) for name, kind in operators.items() if kind == "MatMul"] == layers_of
    assert {layer_of(name, known) for name in operators} == set(layers_of), "it names the last one after the output"


def odd_names():
    """A name that TensorFlow takes for no scope, and calls between layers."""
    inputs = keras.Input((5,))
    x = keras.ops.gelu(layers.Dense(6, name="my layer")(inputs), approximate=False)
    return small_models.stirred(keras.Model(inputs, keras.ops.softmax(x)))


def test_calls_between_layers_and_layers_with_odd_names_are_found(bench):
    path, _, known = opened(bench, odd_names, "onnxruntime")
    found = {node.op_type: layer_of(node.name, known) for node in onnx.load(path).graph.node}
    names = {type(operation).__name__: operation.name for operation in bench.source(odd_names).model.operations}
    assert found["MatMul"] == "my layer"
    assert found["Erf"] == names["Gelu"]
    assert found["Softmax"] == names["Softmax"]


def begins_with_no_letter():
    """Names that TensorFlow takes for no outermost scope, of the model and of what is in it."""
    inputs = keras.Input((5,))
    x = keras.Sequential([layers.Input((5,)), layers.Dense(6, name="-dense")], name="_inner")(inputs)
    return small_models.stirred(keras.Model(inputs, layers.Dense(4, name="слой")(x), name="модель"))


@pytest.mark.parametrize("runtime", ["litert", "onnxruntime", "openvino"])
def test_names_that_begin_with_no_letter_keep_no_model_from_being_converted(bench, runtime):
    path, inputs, _ = opened(bench, begins_with_no_letter, runtime)
    session = bench.open(runtimes()[runtime], path, [[array[:1] for array in inputs]])
    expected = bench.source(begins_with_no_letter).outputs([array[:1] for array in inputs])
    np.testing.assert_allclose(session.outputs[0][0], expected[0], rtol=1e-4, atol=1e-4)


def test_names_that_begin_with_no_letter_are_found(bench):
    path, _, known = opened(bench, begins_with_no_letter, "onnxruntime")
    products = [node.name for node in onnx.load(path).graph.node if node.op_type in {"MatMul", "Gemm"}]
    assert [layer_of(name, known) for name in products] == ["_inner/-dense", "слой"]


def mobilenet():
    return keras.applications.MobileNetV2(weights=None, input_shape=(96, 96, 3))


def transformer():
    """Two blocks with the exact GELU, once as the activation of a layer and once between layers."""
    tokens = keras.Input((32,), dtype="int32")
    x = layers.Embedding(200, 64)(tokens)
    for within in (True, False):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(4, 16)(y, y)])
        y = layers.Dense(128, activation=exact_gelu if within else None)(layers.LayerNormalization()(x))
        y = y if within else exact_gelu(y)
        x = layers.Add()([x, layers.Dense(64)(y)])
    return keras.Model(tokens, layers.Dense(5)(layers.GlobalAveragePooling1D()(x)))


def exact_gelu(x):
    return keras.ops.gelu(x, approximate=False)


def measured_by_onnxruntime(path, inputs, folder):
    """Return microseconds by the name of the node."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    for _ in range(RUNS):
        session.run(None, dict(zip(names, inputs, strict=True)))
    times = Counter()
    for event in json.loads(Path(session.end_profiling()).read_text()):
        if event["cat"] == "Node" and event["name"].endswith("_kernel_time"):
            times[event["name"].removesuffix("_kernel_time")] += event["dur"]
    return times


def measured_by_openvino(path, inputs, _):
    """Return microseconds by the name of the node."""
    settings = {"PERF_COUNT": True, "INFERENCE_NUM_THREADS": 1}
    request = openvino.Core().compile_model(path, "CPU", settings).create_infer_request()
    times = Counter()
    for _ in range(RUNS):
        request.infer(dict(enumerate(inputs)))
        for node in request.profiling_info:
            times[node.node_name] += node.real_time.total_seconds() * 1e6
    return times


MEASURED_BY = {"onnxruntime": measured_by_onnxruntime, "openvino": measured_by_openvino}


@pytest.mark.parametrize("runtime", MEASURED_BY)
@pytest.mark.parametrize("make", [mobilenet, transformer], ids=lambda make: make.__name__)
def test_nearly_all_time_belongs_to_layers(bench, make, runtime, tmp_path):
    path, inputs, known = opened(bench, make, runtime)
    times = MEASURED_BY[runtime](path, inputs, tmp_path)
    assert sum(time for name, time in times.items() if layer_of(name, known)) / sum(times.values()) > 0.95


def test_every_layer_that_computes_is_found_in_the_time_of_a_transformer(bench, tmp_path):
    path, inputs, known = opened(bench, transformer, "onnxruntime")
    found = {layer_of(name, known) for name in measured_by_onnxruntime(path, inputs, tmp_path)}
    attentions = [name for name in known if name.startswith("multi_head_attention")]
    expected = {f"{name}/{part}" for name in attentions for part in ("query", "key", "value", "attention_output")}
    expected |= {name for name in known if name.startswith(("dense", "layer_normalization", "gelu"))}
    assert len(attentions) == 2
    assert np.all([each in found for each in expected]), expected - found
