"""Which layers feed which: shortcuts, branches, layers that hand on what they are given, layers around others."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import small_models
import tf_keras
from counted import counted, rows
from keras import layers


def edges(model):
    return {name: row.inputs for name, row in rows(model).items()}


def test_a_chain():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="one"), layers.Dense(2, name="two")])
    assert edges(model) == {"one": ("(input)",), "two": ("one",)}


@pytest.mark.parametrize("library", [keras, tf_keras])
def test_a_shortcut_goes_around_what_is_beside_it(library):
    own = library.layers
    inputs = library.Input((8, 8, 3))
    stem = own.Conv2D(4, 1, name="stem")(inputs)
    inner = own.ReLU(name="act")(own.Conv2D(4, 3, padding="same", name="inner")(stem))
    model = library.Model(inputs, own.Add(name="sum")([stem, inner]))
    assert edges(model) == {"stem": ("(input)",), "inner": ("stem",), "act": ("inner",), "sum": ("stem", "act")}


def test_what_a_layer_hands_on_as_it_is_passes_through_it():
    """In an inference dropout has no operator."""
    inputs = keras.Input((4, 2))
    flat = layers.Flatten(name="flat")(layers.Dropout(0.5, name="drop")(layers.ReLU(name="act")(inputs)))
    model = keras.Model(inputs, layers.Dense(2, name="head")(layers.Activation("linear", name="same")(flat)))
    assert edges(model) == {
        "act": ("(input)",),
        "drop": ("act",),
        "flat": ("drop",),
        "same": ("flat",),
        "head": ("same",),
    }


def test_masks_go_through_what_hands_on_its_input():
    inputs = keras.Input((5,), dtype="int32")
    embedded = layers.Embedding(7, 3, mask_zero=True, name="embed")(inputs)
    model = keras.Model(inputs, layers.LSTM(2, name="lstm")(layers.Dropout(0.1, name="drop")(embedded)))
    plain = keras.Model(inputs, layers.LSTM(2, name="lstm")(embedded))
    found = rows(model)
    assert found["drop"].inputs == ("embed",)
    assert "drop" in found["lstm"].inputs
    assert found["lstm"].flops == rows(plain)["lstm"].flops


def test_several_inputs_are_told_apart():
    left, right = keras.Input((3,), name="left"), keras.Input((3,), name="right")
    deep = layers.Dense(3, name="deep")(left)
    model = keras.Model([left, right], layers.Concatenate(name="both")([deep, right]))
    assert edges(model) == {"deep": ("(input 1)",), "both": ("deep", "(input 2)")}


def test_operators_of_no_layer_are_looked_through():
    class Plain(keras.Model):
        def __init__(self):
            super().__init__()
            self.one, self.two = layers.Dense(4, name="one"), layers.Dense(4, name="two")

        def call(self, x):
            return self.two(keras.ops.tanh(self.one(x)) * 2.0) + x

    model = Plain()
    model(np.zeros((1, 4), "float32"))
    found = edges(model)
    assert found["one"] == ("(input)",)
    assert found["two"] == ("one",)
    assert set(found[""]) == {"one", "two", "(input)"}


def test_a_layer_around_others_is_looked_through():
    """Attention hands its projections' products to the layer that projects them once more."""
    inputs = keras.Input((6, 8))
    dense = layers.Dense(8, name="dense")(inputs)
    attended = layers.MultiHeadAttention(2, 3, name="mha")(dense, dense)
    model = keras.Model(inputs, layers.Add(name="sum")([dense, attended]))
    found = edges(model)
    for part in ("query", "key", "value"):
        assert found[f"mha/{part}"] == ("dense",)
    assert "mha" not in {name for taken in found.values() for name in taken}
    assert "mha/value" in found["mha/attention_output"]
    assert found["sum"] == ("dense", "mha/attention_output")
    assert {"mha/query", "mha/key", "mha/value"} <= set(found["mha"])


def test_a_layer_behind_those_inside_it_is_one_among_them():
    class Scaled(layers.Layer):
        def __init__(self):
            super().__init__(name="scaled")
            self.inner = layers.Dense(4, name="inner")

        def build(self, shape):
            self.inner.build(shape)

        def call(self, x):
            return keras.ops.tanh(self.inner(x))

    inputs = keras.Input((4,))
    found = edges(keras.Model(inputs, layers.Dense(2, name="head")(Scaled()(inputs))))
    assert found == {"scaled/inner": ("(input)",), "scaled": ("scaled/inner",), "head": ("scaled",)}


def test_a_shared_layer_takes_from_all_that_hand_to_it():
    shared, inputs = layers.ReLU(name="act"), keras.Input((4,))
    hidden = shared(layers.Dense(4, name="one")(inputs))
    model = keras.Model(inputs, shared(layers.Dense(4, name="two")(hidden)))
    assert edges(model) == {"one": ("(input)",), "act": ("one", "two"), "two": ("act",)}


@pytest.mark.parametrize("make", small_models.EVERY, ids=lambda make: make.__name__)
def test_everything_that_is_reached_is_fed_by_what_has_a_row_or_is_an_input(make):
    model = make()
    found = counted(model).layers
    names = {row.layer for row in found}
    for row in found:
        assert row.layer not in row.inputs
        assert len(set(row.inputs)) == len(row.inputs)
        assert {each for each in row.inputs if not each.startswith("(input")} <= names
    assert any("(input" in each for row in found for each in row.inputs)
