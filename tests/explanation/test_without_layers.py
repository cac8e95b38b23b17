"""Models without some of their layers: right shapes, everything else as it was, nothing folded away."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.explanation.graph_places import place_of
from inferspeed_magic.explanation.without_layers import take_out, without
from inferspeed_magic.sources.portable import read
from inferspeed_magic.sources.source import from_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of Keras, while it saves


def random_values(shape, seed):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def filled(model):
    """Give every weight numbers: fresh biases are zero, and hide what is forgotten."""
    for number, weight in enumerate(model.weights):
        if str(weight.dtype).startswith("float"):
            weight.assign(np.abs(random_values(weight.shape, number)) * 0.3 + 0.05)
    return model


def inputs_of(model, seed=0, batch=4, length=7):
    draw = np.random.default_rng(seed)
    made = []
    for tensor in model.inputs:
        shape = tuple(size or length for size in (tensor.shape[0] or batch, *tensor.shape[1:]))
        whole = not str(tensor.dtype).startswith("float")
        made.append(draw.integers(0, 9, shape).astype("int32") if whole else draw.normal(size=shape).astype("float32"))
    return made


def answers(model, given):
    packed = given if len(given) > 1 else given[0]
    if isinstance(getattr(model, "_inputs_struct", None), dict):
        packed = {tensor.name: array for tensor, array in zip(model.inputs, given, strict=True)}
    return [np.asarray(each) for each in keras.tree.flatten(model(packed))]


def made_without(model, folder, *paths):
    source = from_model("model", model, "keras", None, [(7, 3)] if None in model.inputs[0].shape[1:] else None)
    source.write_portable(folder / "was")
    arguments = {"source": str(folder / "was"), "target": str(folder / "made"), "batch_size": None, "inputs": []}
    take_out({}, layers="\n".join(paths), **arguments)
    return read(str(folder / "made")).model


def same_shape():
    image = keras.Input((8, 8, 3))
    first = layers.Conv2D(4, 3, padding="same", name="first")(image)
    middle = layers.Conv2D(4, 3, padding="same", name="gone")(first)
    return keras.Model(image, layers.Dense(2, name="last")(layers.Flatten()(middle)))


def larger_output():
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(16, 3, padding="same", name="gone"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, name="last"),
        ]
    )


def smaller_output():
    return keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(5, name="gone"), layers.Dense(2, name="last")]
    )


def residual():
    image = keras.Input((8, 8, 3))
    first = layers.Conv2D(4, 3, padding="same", name="first")(image)
    branch = layers.Conv2D(4, 3, padding="same", name="gone")(first)
    joined = layers.Add(name="add")([first, branch])
    return keras.Model(image, layers.Dense(2, name="last")(layers.Flatten()(layers.ReLU()(joined))))


def joining():
    """Two inputs meet in the layer that goes: none may be lost with it."""
    left, right = keras.Input((6,), name="left"), keras.Input((5,), name="right")
    both = [layers.Dense(4, name="on_left")(left), layers.Dense(4, name="on_right")(right)]
    return keras.Model([left, right], layers.Dense(3, name="last")(layers.Concatenate(name="gone")(both)))


def named_inputs():
    right, left = keras.Input((4,), name="right"), keras.Input((4,), name="left")
    both = layers.Concatenate()([right, left])
    return keras.Model({"right": right, "left": left}, layers.Dense(2, name="last")(layers.Dense(8, name="gone")(both)))


def words():
    tokens = keras.Input((6,), dtype="int32")
    known = layers.Embedding(30, 4, name="gone")(tokens)
    return keras.Model(tokens, layers.Dense(3, name="last")(layers.LSTM(5, name="lstm")(known)))


def recurrent():
    series = keras.Input((6, 3))
    outputs, *states = layers.LSTM(5, return_sequences=True, return_state=True, name="gone")(series)
    flat = layers.Flatten()(outputs)
    return keras.Model(series, layers.Dense(2, name="last")(layers.Concatenate()([flat, *states])))


def attention():
    series = keras.Input((6, 8))
    seen = layers.MultiHeadAttention(2, 4, name="gone")(series, series)
    return keras.Model(series, layers.Dense(2, name="last")(layers.Add()([series, seen])))


def open_length():
    series = keras.Input((None, 3))
    found = layers.Conv1D(5, 3, name="gone")(series)
    return keras.Model(series, layers.Dense(2, name="last")(layers.GlobalMaxPooling1D()(found)))


def shared():
    one, two = keras.Input((6,), name="one"), keras.Input((6,), name="two")
    dense = layers.Dense(6, name="gone")
    return keras.Model([one, two], layers.Dense(2, name="last")(layers.Subtract()([dense(one), dense(two)])))


def fixed_batch():
    return keras.Sequential(
        [keras.Input((8,), batch_size=4), layers.Dense(20, name="gone"), layers.Dense(2, name="last")]
    )


def half_precision():
    image = keras.Input((8, 8, 3))
    found = layers.Conv2D(4, 3, name="gone", dtype="mixed_float16")(image)
    flat = layers.Flatten(dtype="mixed_float16")(found)
    return keras.Model(image, layers.Dense(2, name="last", dtype="float32")(flat))


MODELS = (
    *(same_shape, larger_output, smaller_output, residual, joining, named_inputs, words, recurrent, attention),
    *(open_length, shared, fixed_batch, half_precision),
)


@pytest.mark.parametrize("make", MODELS, ids=lambda each: each.__name__)
def test_it_has_the_same_inputs_and_outputs_and_all_other_weights(make, tmp_path):
    model = filled(make())
    found = made_without(model, tmp_path, "gone")
    given = inputs_of(model)
    assert [each.shape for each in answers(found, given)] == [each.shape for each in answers(model, given)]
    left = {layer.name: layer.get_weights() for layer in found.layers if layer.weights}
    was = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    assert set(left) == set(was) - {"gone"}
    for name, weights in left.items():
        for mine, theirs in zip(weights, was[name], strict=True):
            assert np.array_equal(mine, theirs)


@pytest.mark.parametrize("make", MODELS, ids=lambda each: each.__name__)
def test_every_input_still_matters(make, tmp_path):
    model = filled(make())
    found = made_without(model, tmp_path, "gone")
    one, other = inputs_of(model, seed=0), inputs_of(model, seed=1)
    before = answers(found, one)
    for place in range(len(one)):
        changed = [other[at] if at == place else each for at, each in enumerate(one)]
        assert any(not np.array_equal(*pair) for pair in zip(before, answers(found, changed), strict=True))


def test_what_has_the_shape_of_its_output_is_handed_on(tmp_path):
    model = filled(same_shape())
    found = made_without(model, tmp_path, "gone")
    (given,) = inputs_of(model)
    handed_on = np.asarray(model.get_layer("first")(given)).reshape(4, -1)
    kernel, bias = model.get_layer("last").get_weights()
    assert np.allclose(answers(found, [given])[0], handed_on @ kernel + bias, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("make", "width"), [(smaller_output, 5), (fixed_batch, 20)])
def test_what_has_another_one_is_cut_or_repeated(make, width, tmp_path):
    model = filled(make())
    found = made_without(model, tmp_path, "gone")
    (given,) = inputs_of(model)
    flat = np.tile(given.reshape(4, -1), 3)[:, :width]
    kernel, bias = model.get_layer("last").get_weights()
    assert np.allclose(answers(found, [given])[0], flat @ kernel + bias, rtol=1e-5, atol=1e-5)


def test_several_layers_go_together(tmp_path):
    image = keras.Input((8, 8, 4))
    found = layers.Conv2D(4, 3, padding="same", name="conv")(image)
    found = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(found))
    model = filled(keras.Model(image, layers.Dense(2, name="last")(layers.Flatten()(found))))
    made = made_without(model, tmp_path, "conv", "norm", "relu")
    assert [each.name for each in made.layers if each.weights] == ["last"]
    kinds = {each.name: type(each).__name__ for each in made.layers}
    assert [kinds[name] for name in ("conv", "norm", "relu")] == ["Identity"] * 3


def nested(inner):
    image = keras.Input((8, 8, 3))
    flat = layers.Flatten()(inner(layers.Conv2D(4, 3, padding="same", name="dense")(image)))
    return filled(keras.Model(image, layers.Dense(2, name="last")(flat)))


@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_a_layer_inside_a_nested_model(kind, tmp_path):
    """The nested model has a layer of the same name as the outer one: these are not mixed up."""
    inside = [layers.Conv2D(8, 3, padding="same", name="gone"), layers.Dense(5, name="dense")]
    if kind == "sequential":
        inner = keras.Sequential([keras.Input((8, 8, 4)), *inside], name="inner")
    else:
        begin = keras.Input((8, 8, 4))
        inner = keras.Model(begin, inside[1](inside[0](begin)), name="inner")
    model = nested(inner)
    made = made_without(model, tmp_path, "inner/gone")
    given = inputs_of(model)
    assert answers(made, given)[0].shape == answers(model, given)[0].shape
    assert not np.allclose(answers(made, given)[0], answers(model, given)[0])
    left = made.get_layer("inner")
    assert np.array_equal(left.get_layer("dense").get_weights()[0], inside[1].get_weights()[0])
    assert not left.get_layer("gone").weights
    assert made.count_params() == model.count_params() - inside[0].count_params()


def test_a_layer_that_a_nested_model_shares_goes_everywhere():
    dense = layers.Dense(6, name="gone")
    inner = keras.Sequential([keras.Input((6,)), dense, layers.ReLU()], name="inner")
    row = keras.Input((6,))
    model = filled(keras.Model(row, layers.Dense(2, name="last")(layers.Add()([dense(row), inner(row)]))))
    made = without(model, ["gone"])
    assert {weight.path.split("/")[-2] for weight in made.weights} == {"last"}


def test_the_users_model_is_as_it_was(tmp_path):
    model = filled(residual())
    config, weights, given = model.get_config(), model.get_weights(), inputs_of(model)
    calls = {layer.name: len(layer._inbound_nodes) for layer in model.layers}
    before = answers(model, given)[0]
    made_without(model, tmp_path, "gone")
    assert model.get_config() == config
    assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), weights, strict=True))
    assert {layer.name: len(layer._inbound_nodes) for layer in model.layers} == calls
    assert np.array_equal(answers(model, given)[0], before)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3, name="gone")

    def call(self, x):
        return self.dense(x)


class ToOne(layers.Layer):
    """Gives one number for the whole batch."""

    def call(self, x):
        return keras.ops.sum(x)


def test_what_cannot_be_done_is_said():
    subclassed = Subclassed()
    subclassed(np.zeros((1, 4), "float32"))
    with pytest.raises(UnsupportedError, match="only its own code"):
        without(subclassed, ["gone"])
    with pytest.raises(UnsupportedError, match="no layer of the model"):
        without(smaller_output(), ["absent"])
    row = keras.Input((4,))
    with pytest.raises(UnsupportedError, match="the batch of what it gives"):
        without(keras.Model(row, ToOne(name="gone")(row)), ["gone"])
    with pytest.raises(UnsupportedError, match="not known before it runs"):
        without(open_length(), ["gone"])


def test_paths_lead_to_the_layer_that_a_graph_calls():
    model = attention()
    assert place_of(model, "gone/query", keras).layer is model.get_layer("gone")
    assert place_of(model, "gone/query", keras).path == "gone"
    assert place_of(model, "absent", keras) is None
    outer = nested(keras.Sequential([keras.Input((8, 8, 4)), layers.Dense(5, name="dense")], name="inner"))
    assert place_of(outer, "inner/dense", keras).path == "inner/dense"
    assert place_of(outer, "inner", keras) is None


def test_pictures_keep_their_layout(tmp_path):
    """Smaller maps, more channels: cut along the one, repeated along the other, and nothing is laid in a row."""
    image = keras.Input((8, 8, 4))
    found = layers.Conv2D(10, 3, strides=2, name="gone")(image)
    model = filled(keras.Model(image, layers.GlobalAveragePooling2D()(found)))
    made = made_without(model, tmp_path, "gone")
    (given,) = inputs_of(model)
    cut = np.tile(given[:, :3, :3], 3)[..., :10]
    assert np.allclose(answers(made, [given])[0], cut.mean((1, 2)), rtol=1e-5, atol=1e-6)
    kinds = {type(each).__name__ for each in made.get_layer("gone").layers}
    assert "Reshape" not in kinds


def test_maps_that_grow_are_filled_with_zeros(tmp_path):
    image = keras.Input((4, 4, 4))
    found = layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="gone")(image)
    model = filled(keras.Model(image, layers.GlobalAveragePooling2D()(found)))
    made = made_without(model, tmp_path, "gone")
    (given,) = inputs_of(model)
    assert np.allclose(answers(made, [given])[0], given.sum((1, 2)) / 64, rtol=1e-5, atol=1e-6)
