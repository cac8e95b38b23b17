"""Models too large for one protocol buffer: their weights lie beside the ONNX file. Tried with small ones here."""

from __future__ import annotations

import keras
import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import small_models
from ai_edge_litert.interpreter import Interpreter
from keras import layers

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.formats import frozen_graph, litert, openvino_ir, saved_model
from inferspeed_magic.formats import onnx as onnx_format
from inferspeed_magic.formats.agreement import relative_error
from inferspeed_magic.sources import live
from inferspeed_magic.sources.quiet import quiet


def mixture():
    """Weights that are multiplied, convolved, normalized with, and looked up."""
    image, token = keras.Input((8, 8, 2)), keras.Input((4,), dtype="int32")
    seen = layers.Flatten()(layers.BatchNormalization()(layers.Conv2D(4, 3)(image)))
    read = layers.LSTM(5)(layers.Embedding(30, 6)(token))
    return small_models.stirred(keras.Model([image, token], layers.Dense(3)(layers.Concatenate()([seen, read]))))


@pytest.fixture
def portable(tmp_path):
    """Write a model for the converters; returns the arguments that all of them take."""
    model = mixture()
    signature, template = live.describe("mixture", model)
    facts = live.manifest("keras", signature, template)
    with quiet():
        live.write(tmp_path / "model", model, "keras", facts)
    return model, {"source": str(tmp_path / "model"), "batch_size": None, "inputs": facts["inputs"]}


@pytest.mark.parametrize("limit", [0, 1000])
def test_weights_beside_the_file_are_the_same_model(portable, tmp_path, monkeypatch, limit):
    model, shared = portable
    monkeypatch.setattr(frozen_graph, "GRAPH_BYTES", limit)
    file = tmp_path / "model.onnx"
    with quiet():
        frozen_graph.freeze({}, **shared, target=str(tmp_path / "graph"))
        onnx_format.from_graph({}, **shared | {"source": str(tmp_path / "graph")}, target=str(file))
    beside = [each for each in onnx.load(str(file), load_external_data=False).graph.initializer if each.external_data]
    assert beside
    (tmp_path / "fixed").mkdir()
    fixed = tmp_path / "fixed" / "model.onnx"
    onnx_format.fix_batch({}, **shared | {"source": str(file), "batch_size": 2}, target=str(fixed))
    draw = np.random.default_rng(0)
    inputs = [draw.random((2, 8, 8, 2), dtype=np.float32), draw.integers(0, 30, (2, 4)).astype("int32")]
    expected = [np.asarray(model(inputs))]
    for each in (file, fixed):
        session = onnxruntime.InferenceSession(str(each))
        feeds = dict(zip(sorted(one.name for one in session.get_inputs()), inputs, strict=True))
        assert relative_error(session.run(None, feeds), expected) < 1e-5
    openvino_ir.convert({}, **shared | {"source": str(file), "batch_size": 2}, target=str(tmp_path / "model.xml"))
    compiled = openvino.Core().compile_model(str(tmp_path / "model.xml"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    outputs = compiled(dict(zip(sorted(port.any_name for port in compiled.inputs), inputs, strict=True)))
    assert relative_error(list(outputs.values()), expected) < 1e-5


@pytest.mark.parametrize("batch_size", [None, 2])
def test_weights_that_stay_variables_become_the_same_litert_file(tmp_path, monkeypatch, batch_size):
    model = keras.Sequential(
        [keras.Input((8, 8, 2)), layers.BatchNormalization(), layers.SeparableConv2D(4, 3), layers.Flatten()]
    )
    model = small_models.stirred(keras.Sequential([model, layers.Dense(3, activation="gelu")]))
    signature, template = live.describe("images", model)
    facts = live.manifest("keras", signature, template)
    shared = {"batch_size": batch_size, "inputs": facts["inputs"]}
    monkeypatch.setattr(saved_model, "GRAPH_BYTES", 0)
    with quiet():
        live.write(tmp_path / "model", model, "keras", facts)
        saved_model.freeze({}, **shared, source=str(tmp_path / "model"), target=str(tmp_path / "saved"))
        litert.convert({}, **shared, source=str(tmp_path / "saved"), target=str(tmp_path / "model.tflite"))
    assert sum(each.stat().st_size for each in (tmp_path / "saved" / "variables").iterdir()) > 4 * model.count_params()
    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    inputs = np.random.default_rng(0).random((2, 8, 8, 2), dtype=np.float32)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], inputs.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], inputs)
    interpreter.invoke()
    outputs = [interpreter.get_tensor(interpreter.get_output_details()[0]["index"])]
    assert relative_error(outputs, [np.asarray(model(inputs))]) < 1e-5


def test_what_no_file_can_hold_is_refused_before_any_work(portable, tmp_path, monkeypatch):
    _, shared = portable
    monkeypatch.setattr(saved_model, "_MOST_BYTES", 1000)
    with quiet(), pytest.raises(UnsupportedError, match="at most 2 GB"):
        saved_model.freeze({}, **shared, target=str(tmp_path / "saved"))
