"""What the weights of live models hold."""

from __future__ import annotations

import keras
import pytest
from keras import layers

from inferspeed_magic.sources.weight_values import packed

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras has many to say while it quantizes


def dense():
    return keras.Sequential([keras.Input((64,)), layers.Dense(96), layers.Dense(10, name="last")])


def test_int4_is_storage():
    model = dense()
    model.quantize("int4")
    share, form = packed(model)
    assert form == "int4"
    assert share == 1.0


def test_layers_that_are_not_quantized_count_too():
    model = dense()
    model.quantize("int4", filters=lambda layer: layer.name != "last")
    share, _ = packed(model)
    # Scales of a few hundred numbers are parameters as well.
    assert share == pytest.approx(64 * 96 / (64 * 96 + 96 * 10), abs=0.03)


def test_layers_inside_of_layers_count_and_lookups_do_not():
    x = keras.Input((7,), dtype="int32")
    y = layers.Embedding(50, 32)(x)
    y = layers.TimeDistributed(layers.Dense(32))(y)
    model = keras.Model(x, layers.Dense(4)(layers.Flatten()(y)))
    model.quantize("int4")
    share, _ = packed(model)
    inside = 32 * 32 + 7 * 32 * 4
    assert share == pytest.approx(inside / (inside + 50 * 32), abs=0.1)


@pytest.mark.parametrize("mode", [None, "int8"])
def test_float_and_int8_compute_as_they_are_stored(mode):
    model = dense()
    if mode:
        model.quantize(mode)
    assert packed(model) == (0.0, "")
