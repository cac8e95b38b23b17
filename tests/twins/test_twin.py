"""A twin has the same outputs, and weights go there and back; what cannot have one is refused by name."""

import keras
import numpy as np
import pytest
import tf_keras
import twin_models
from keras import layers

from inferspeed_magic.errors import ModelError
from inferspeed_magic.twins import hand_over, rebuild, twin, untwin


def answers(model, seed=1):
    draw = np.random.default_rng(seed)
    return [
        draw.integers(0, 20, (3, *each.shape[1:])).astype("int32")
        if "int" in str(each.dtype)
        else draw.standard_normal([3, *[24 if size is None else size for size in each.shape[1:]]]).astype("float32")
        for each in model.inputs
    ]


def outputs_of(model, flat, library):
    import tensorflow as tf

    graph = model._functional if isinstance(model, keras.Sequential) else model
    struct = graph._inputs_struct if library is keras else model._nested_inputs
    return [np.asarray(each) for each in tf.nest.flatten(model(tf.nest.pack_sequence_as(struct, flat), training=False))]


def same(model, made, most=1e-5):
    flat = answers(model)
    for one, other in zip(outputs_of(model, flat, keras), outputs_of(made, flat, tf_keras), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=most * max(1e-3, np.abs(one).max()))


@pytest.mark.parametrize("flat", [False, True], ids=["nested", "flat"])
@pytest.mark.parametrize("make", twin_models.EVERY, ids=lambda each: each.__name__)
def test_outputs_are_the_same(make, flat):
    model = make()
    made = rebuild(model, flat=flat)
    assert isinstance(made, tf_keras.Model)
    same(model, made, 3e-2 if make is twin_models.half_precision else 1e-5)
    if flat:
        assert not any(isinstance(layer, tf_keras.Model) for layer in made.layers)


@pytest.mark.parametrize("make", twin_models.EVERY, ids=lambda each: each.__name__)
def test_weights_come_back(make):
    model = make()
    before = [each.numpy() for each in model.weights]
    made = twin(model)
    for variable in made.weights:
        if variable.dtype.is_floating:
            variable.assign(variable * 0.5)
    back = untwin(made, model)
    same(back, made, 3e-2 if make is twin_models.half_precision else 1e-5)
    # And the user's own is as it was.
    for array, variable in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(array, variable.numpy())


def test_weights_come_back_from_a_flat_twin():
    model = twin_models.shared_and_nested()
    made = rebuild(model, flat=True)
    for variable in made.weights:
        variable.assign(variable * 0.5)
    copy = untwin(twin(model), model)
    hand_over(made, copy)
    same(copy, made)


def test_a_layer_that_is_shared_stays_shared():
    made = twin(twin_models.shared_and_nested())
    inside = made.get_layer("inner").get_layer("shared")
    assert made.get_layer("shared") is inside


def test_the_twin_can_be_trained_copied_and_saved(tmp_path):
    model = twin_models.sequential()
    made = twin(model)
    made.compile("adam", "sparse_categorical_crossentropy")
    x, y = np.random.default_rng(0).standard_normal((8, 12, 12, 3)), np.zeros(8)
    made.fit(x, y, verbose=0)
    made.save(tmp_path / "twin.keras")
    again = tf_keras.models.load_model(tmp_path / "twin.keras")
    np.testing.assert_allclose(made.predict(x, verbose=0), again.predict(x, verbose=0), atol=1e-6)
    copy = tf_keras.models.clone_model(made)
    copy.set_weights(made.get_weights())
    same(untwin(copy, model), made)


class Own(layers.Layer):
    def call(self, x):
        return x * 2


class OwnModel(keras.Model):
    def call(self, x):
        return x


def with_layer(layer, shape=(4,)):
    entrance = keras.Input(shape)
    return keras.Model(entrance, layer(entrance))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda: with_layer(Own(name="mine")), r"the layer mine \(Own\) is of your own making"),
        (lambda: with_layer(layers.Lambda(lambda x: x, name="code")), r"the layer code \(Lambda\) has no twin"),
        (lambda: with_layer(layers.RMSNormalization(name="root")), r"the layer root \(RMSNormalization\) is none that"),
        (
            lambda: with_layer(layers.Dense(2, activation=abs, name="odd")),
            r"the layer odd has an activation of your own",
        ),
        (lambda: with_layer(layers.Activation("sparsemax", name="odd")), "the activation sparsemax of the layer odd"),
        (lambda: with_layer(keras.ops.logdet, (3, 3)), r"keras\.ops, Logdet"),
        (lambda: with_layer(OwnModel(name="inside")), r"the model inside \(OwnModel\) is subclassed"),
        (OwnModel, "only built Sequential and functional models"),
        (lambda: keras.Sequential([layers.Dense(2)]), "only built Sequential and functional models"),
    ],
    ids=["layer", "lambda", "lacking", "function", "activation", "operation", "nested", "subclassed", "unbuilt"],
)
def test_what_has_no_twin_is_named(model, said):
    with pytest.raises(ModelError, match=said) as caught:
        twin(model())
    assert "\n" not in str(caught.value)


def test_a_model_that_remembers_its_last_call_still_does():
    entrance = keras.Input(batch_shape=(2, 5, 3))
    model = keras.Model(entrance, layers.LSTM(4, stateful=True)(entrance))
    x = np.random.default_rng(0).standard_normal((2, 5, 3)).astype("float32")
    model(x)
    before = [np.asarray(each).copy() for each in model.layers[-1].states]
    made = twin(model)
    for array, state in zip(before, model.layers[-1].states, strict=True):
        assert array.any()
        np.testing.assert_array_equal(array, np.asarray(state))
    # And the twin remembers nothing as yet.
    model.layers[-1].reset_state()
    for _ in range(2):
        np.testing.assert_allclose(np.asarray(made(x)), np.asarray(model(x)), atol=1e-6)


def test_a_quantized_layer_has_no_twin():
    model = with_layer(layers.Dense(8, name="small", dtype="int8_from_float32"), (16,))
    with pytest.raises(ModelError, match="the layer small is quantized"):
        twin(model)


def test_outputs_that_differ_are_refused(monkeypatch):
    monkeypatch.setattr("inferspeed_magic.twins.rebuilding._fill", lambda *_: None)
    with pytest.raises(ModelError, match=r"differ by"):
        twin(twin_models.sequential())


def test_another_models_twin_is_refused():
    with pytest.raises(ModelError, match="the twin is not one of this model"):
        untwin(twin(twin_models.sequential()), twin_models.recurrent())
