"""Layers that int8 hurts are found, and stay in float when asked."""

import keras
import numpy as np
import onnx
import openvino
import pytest
import small_models
from keras import layers
from workbench import Workbench

from inferspeed_magic.discovery import techniques
from inferspeed_magic.formats.routes import routes
from inferspeed_magic.techniques.base import Subject
from inferspeed_magic.techniques.calibration import write

INPUTS = [{"name": "x", "shape": [12, 12, 2], "dtype": "float32"}]


def touchy():
    """One of three layers that could be quantized has activations with an outlier that swallows all others."""
    picture = keras.Input((12, 12, 2), name="x")
    seen = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="relu", name="large")(picture))
    calm = layers.Dense(16, name="calm")(seen)
    outlying = layers.Concatenate()([calm, layers.Lambda(_huge, output_shape=(1,))(calm)])
    answer = layers.Dense(4, name="touchy", use_bias=False)(outlying)
    model = small_models.stirred(keras.Model(picture, answer))
    layer = model.get_layer("touchy")
    kernel = np.asarray(layer.kernel)
    kernel[-1] *= 1e-4
    layer.set_weights([kernel])
    return model


def _huge(values):
    return values[:, :1] * 0 + 3000.0


@pytest.fixture(scope="module")
def bench():
    with Workbench() as bench:
        yield bench


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples") / "calibration"
    write(folder, [np.random.default_rng(0).standard_normal((20, 12, 12, 2)).astype("float32")])
    return str(folder)


def file_of(bench, made):
    source = bench.source(touchy)
    return bench.converter.submit(source, routes("keras", made)[0], 2).result().path


def sensitivities(bench, folder, **options):
    call = "inferspeed_magic.techniques.sensitivity:onnx"
    arguments = {"source": file_of(bench, "onnx"), "inputs": INPUTS, "batch_size": 2, "calibration": folder}
    return bench.converter._request(call, arguments | options)


def quantized(bench, folder, made, target, **options):
    step = techniques()["post_training_static"].step_for(Subject("any"), made)
    arguments = {"source": file_of(bench, made), "target": str(target), "batch_size": 2, "inputs": INPUTS}
    bench.converter._request(step.call, arguments | dict(step.settings) | {"calibration": folder} | options)
    return str(target)


def test_the_touchy_layer_is_found(bench, folder):
    found = sensitivities(bench, folder, layers=["large", "calm", "touchy"])
    assert {each["layer"] for each in found} == {"large", "calm", "touchy"}
    assert found[0]["layer"] == "large"
    assert found[0]["macs"] == 2 * 10 * 10 * 8 * 3 * 3 * 2
    assert [each["macs"] for each in found] == sorted((each["macs"] for each in found), reverse=True)
    errors = {each["layer"]: each["error"] for each in found}
    assert errors["touchy"] > 10 * max(errors["large"], errors["calm"]) > 0
    assert all(each["nodes"] for each in found)


def test_without_layers_scopes_count(bench, folder):
    found = sensitivities(bench, folder)
    assert {"large", "touchy"} <= {part for each in found for part in each["layer"].split("/")}


def test_it_ends_in_time_with_what_it_has(bench, folder):
    assert [each["layer"] for each in sensitivities(bench, folder, limit_s=0.0, layers=["large"])] == ["large"]
    assert len(sensitivities(bench, folder, most=2)) == 2


@pytest.mark.parametrize("made", ["onnx", "openvino_ir"])
def test_what_is_excluded_stays_in_float_and_answers_better(bench, folder, tmp_path, made):
    name = "model.onnx" if made == "onnx" else "model.xml"
    errors = {}
    inputs = np.random.default_rng(1).standard_normal((2, 12, 12, 2)).astype("float32")
    expected = bench.source(touchy).outputs([inputs])[0]
    for number, exclude in enumerate(["", "not/there\ntouchy"]):
        (tmp_path / str(number)).mkdir()
        file = quantized(bench, folder, made, tmp_path / str(number) / name, exclude=exclude)
        answer = openvino.compile_model(file, "CPU")(inputs)[0]
        errors[exclude] = np.sqrt(np.mean((answer - expected) ** 2))
        assert in_float(file, "touchy") == bool(exclude)
        assert not in_float(file, "large")
    assert errors["not/there\ntouchy"] < errors[""] / 5


def in_float(file, layer):
    """Tell whether the products of a layer take weights as they are."""
    model = openvino.Core().read_model(file)
    (product,) = [
        node
        for node in model.get_ops()
        if node.get_type_name() in ("MatMul", "Convolution") and f"/{layer}/" in node.get_friendly_name()
    ]
    weights = product.input_value(1).get_node()
    return weights.get_type_name() == "Constant"


def test_accuracy_control_leaves_the_touchy_layer_in_float(bench, folder, tmp_path):
    file = quantized(bench, folder, "openvino_ir", tmp_path / "model.xml", most_error_percent=2)
    assert in_float(file, "touchy")
    assert not in_float(file, "large")


def test_a_last_softmax_stays_in_float(bench, folder, tmp_path):
    """Quantized it answers in steps of 1/256."""
    nodes = {"x": [2, 40], "y": [2, 40]}
    draw = np.random.default_rng(0)
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("MatMul", ["x", "w"], ["h"], name="a/MatMul"),
            onnx.helper.make_node("Softmax", ["h"], ["y"], name="a/Softmax"),
        ],
        "graph",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, nodes["x"])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, nodes["y"])],
        [onnx.numpy_helper.from_array(draw.standard_normal((40, 40)).astype("float32"), "w")],
    )
    opset = onnx.helper.make_opsetid("", 17)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9), tmp_path / "in.onnx")
    write(tmp_path / "samples", [draw.standard_normal((10, 40)).astype("float32")])
    step = techniques()["post_training_static"].step_for(Subject("any"), "onnx")
    arguments = {
        "source": str(tmp_path / "in.onnx"),
        "target": str(tmp_path / "out.onnx"),
        "batch_size": 2,
        "inputs": [{"name": "x", "shape": [40], "dtype": "float32"}],
        "calibration": str(tmp_path / "samples"),
    }
    bench.converter._request(step.call, arguments | dict(step.settings))
    made = onnx.load(tmp_path / "out.onnx").graph
    assert [node.op_type for node in made.node if made.output[0].name in node.output] == ["Softmax"]
    assert "QuantizeLinear" in {node.op_type for node in made.node}
