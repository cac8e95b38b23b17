"""The magic beside real Keras models; where there is no Keras, there is nothing to see."""

from __future__ import annotations

import sys

import pytest

keras = pytest.importorskip("keras")


@pytest.fixture
def fake_models():
    """None: what a model is, the package says itself."""


CELL = """
import keras
from keras import layers

small = keras.Sequential([layers.Input((4,)), layers.Dense(3, name="first"), layers.Dense(2)])

inputs = keras.Input((4,))
functional = keras.Model(inputs, layers.Dense(1)(inputs))

class Custom(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x) * 2

custom = Custom()
layer = layers.Dense(4)
"""


def test_every_kind_of_keras_model_is_found(notebook, workflow):
    assert notebook.run(f"%%profile_model\n{CELL}").error_in_exec is None
    assert workflow.names == ["small", "functional", "custom"]
    assert workflow.models["custom"] is notebook.shell.user_ns["custom"]


def test_a_layer_is_no_model(notebook, workflow):
    notebook.run(CELL)
    assert "layer is a Dense, not a Keras model; models here: small, functional, custom" in notebook.mistake(
        "%profile_model layer"
    )


def test_tf_keras_models_are_found(notebook, workflow):
    pytest.importorskip("tf_keras")
    assert notebook.run("%%profile_model\nimport tf_keras\nold = tf_keras.Sequential([])").error_in_exec is None
    assert workflow.names == ["old"]


def test_an_array_for_input(notebook, workflow):
    notebook.run("import numpy as np\nx_val = np.arange(12.0).reshape(3, 4)")
    notebook.run(f'%%profile_model small --input "x_val[:2, ::2]"\n{CELL}')
    assert workflow.arguments["inputs"].tolist() == [[0.0, 2.0], [4.0, 6.0]]


def test_a_failing_model_shows_the_error_of_keras(notebook, workflow):
    notebook.run("%%profile_model\nimport keras\nmodel = keras.Sequential([keras.layers.Dense('many')])")
    assert "the cell failed, nothing was profiled" in notebook.out + notebook.err
    assert workflow.calls == 0


def test_the_magic_itself_does_not_need_keras(notebook, workflow, monkeypatch):
    monkeypatch.delitem(sys.modules, "keras")
    assert "models[0]" in notebook.mistake("%%profile_model\nx = 1")
    assert "keras" not in sys.modules
