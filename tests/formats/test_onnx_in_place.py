"""tf2onnx without its copies of the graph: the same file, and still one where an optimizer fails."""

from __future__ import annotations

from collections import Counter

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from keras import layers
from tf2onnx import optimizer

from inferspeed_magic.formats import frozen_graph
from inferspeed_magic.formats.onnx import from_graph
from inferspeed_magic.formats.onnx_in_place import OptimizerError, optimized_in_place
from inferspeed_magic.sources.source import from_model


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 16, 3))
    wide = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", activation="relu")(inputs))
    deep = layers.SeparableConv2D(8, 3, padding="same")(wide)
    outputs = layers.Dense(5)(layers.Flatten()(layers.MaxPooling2D()(layers.Add()([wide, deep]))))
    return keras.Model(inputs, outputs, name="branches")


@pytest.fixture(scope="module")
def frozen(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("frozen")
    from_model("branches", model, "keras", None, None).write_portable(folder / "model")
    frozen_graph.freeze({}, source=str(folder / "model"), target=str(folder / "graph"), batch_size=None, inputs=[])
    return str(folder / "graph")


def converted(frozen, target):
    from_graph({}, source=frozen, target=str(target), batch_size=None, inputs=[])
    return onnx.load(target)


def answers(file, values):
    session = onnxruntime.InferenceSession(str(file))
    return session.run(None, {session.get_inputs()[0].name: values})[0]


def test_it_makes_the_same_file(frozen, tmp_path, monkeypatch):
    ours = converted(frozen, tmp_path / "ours.onnx")
    monkeypatch.setattr("inferspeed_magic.formats.onnx_in_place._without_copies", lambda optimize_graph: optimize_graph)
    monkeypatch.setattr(
        "inferspeed_magic.formats.onnx_in_place._unless_the_same_constant", lambda update_proto: update_proto
    )
    theirs = converted(frozen, tmp_path / "theirs.onnx")
    assert Counter(node.op_type for node in ours.graph.node) == Counter(node.op_type for node in theirs.graph.node)
    weights = [sorted(tensor.raw_data for tensor in each.graph.initializer) for each in (ours, theirs)]
    assert weights[0] == weights[1]


def test_an_optimizer_that_fails_is_left_out(frozen, tmp_path, monkeypatch, model):
    class Fails(optimizer._optimizers["optimize_transpose"]):
        """As some do on graphs that nobody thought of, half done."""

        def optimize(self, graph, iteration):
            super().optimize(graph, iteration)
            raise KeyError("half done")

    monkeypatch.setitem(optimizer._optimizers, "optimize_transpose", Fails)
    made = converted(frozen, tmp_path / "made.onnx")
    assert "Conv" in {node.op_type for node in made.graph.node}
    values = np.random.default_rng(0).normal(size=(2, 16, 16, 3)).astype("float32")
    np.testing.assert_allclose(answers(tmp_path / "made.onnx", values), model.predict(values, verbose=0), atol=1e-4)
    with pytest.raises(OptimizerError, match="half done"), optimized_in_place():
        optimizer.optimize_graph(empty())


def empty():
    from tf2onnx.graph import Graph

    return Graph([], opset=17)
