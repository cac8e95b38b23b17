"""Which layers a model is measured without."""

from __future__ import annotations

import keras
import pytest
from keras import layers

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.explanation.slowest import slowest
from inferspeed_magic.records import LayerTime


def time(layer, time_us, fused_into=None, operators=("Conv",)):
    kinds = operators if time_us > 0 else ()
    return LayerTime("model", layer, "onnxruntime", time_us, time_us, time_us, kinds, fused_into)


def convolutional():
    image = keras.Input((8, 8, 4))
    first = layers.Conv2D(4, 3, padding="same", name="first")(image)
    second = layers.Conv2D(4, 3, padding="same", name="second")(first)
    found = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(second))
    joined = layers.Add(name="add")([first, found])
    return keras.Model(image, layers.Conv2D(8, 1, name="wider")(joined))


def test_the_one_that_takes_longest():
    rows = [time("first", 10), time("second", 30), time("norm", 1), time("wider", 5)]
    found = slowest(rows, convolutional(), keras)
    assert found.paths == ("second",)
    assert found.time_us == 30
    assert found.detail == "without second (Conv2D), its slowest layer: its input is handed on"


def test_what_was_fused_with_it_goes_too_unless_it_joins_branches():
    rows = [time("first", 10), time("second", 30), *(time(each, 0, "second") for each in ("norm", "relu", "add"))]
    found = slowest(rows, convolutional(), keras)
    assert found.paths == ("second", "norm", "relu")
    assert found.detail == (
        "without second (Conv2D), its slowest layer, and norm and relu in the same operator: its input is handed on; "
        "add, fused into it, stays"
    )


def test_what_was_fused_with_another_one_stays():
    rows = [time("first", 10), time("second", 30), time("norm", 0, "first"), time("relu", 4)]
    assert slowest(rows, convolutional(), keras).paths == ("second",)


def test_a_normalization_that_was_folded_into_its_weights_goes_too():
    rows = [time("first", 10), time("second", 30), time("relu", 0, "second")]
    found = slowest(rows, convolutional(), keras)
    assert found.paths == ("second", "norm", "relu")
    moved = [*rows, time("norm", 3, operators=("Transpose",))]
    assert slowest(moved, convolutional(), keras).paths == found.paths
    unfused = [*rows, time("norm", 3, operators=("BatchNormalization",))]
    assert slowest(unfused, convolutional(), keras).paths == ("second", "relu")


def test_another_shape_needs_a_stand_in():
    found = slowest([time("wider", 50), time("second", 30)], convolutional(), keras)
    assert found.detail == (
        "without wider (Conv2D), its slowest layer: in its place stands its input, cut or filled up to the shape of "
        "its output"
    )


def test_layers_inside_of_a_layer_count_for_it():
    series = keras.Input((6, 8))
    seen = layers.MultiHeadAttention(2, 4, name="attention")(series, series)
    model = keras.Model(series, layers.Dense(2, name="dense")(seen))
    rows = [time("attention/query", 10), time("attention/key", 10), time("attention", 5), time("dense", 20)]
    found = slowest(rows, model, keras)
    assert found.paths == ("attention",)
    assert found.time_us == 25


def test_a_layer_of_a_nested_model_has_its_path():
    row = keras.Input((4,))
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="dense")], name="inner")
    model = keras.Model(row, layers.Dense(4, name="dense")(inner(row)))
    assert slowest([time("inner/dense", 10), time("dense", 5)], model, keras).paths == ("inner/dense",)


def test_without_times_there_is_none():
    assert slowest([], convolutional(), keras) is None
    assert slowest([time("second", float("nan")), time("", 10)], convolutional(), keras) is None


def test_what_is_no_layer_of_the_graph_cannot_go():
    with pytest.raises(UnsupportedError, match="elsewhere takes longest"):
        slowest([time("elsewhere", 50), time("second", 30)], convolutional(), keras)
