"""What a live model says about its inputs, however it was built; and running it as it is described."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
import small_models
import tf_keras
from keras import layers

from inferspeed_magic.errors import ModelError
from inferspeed_magic.formats.agreement import relative_error
from inferspeed_magic.records.signature import TensorSpec
from inferspeed_magic.sources import live
from inferspeed_magic.sources.inputs import made_up
from inferspeed_magic.sources.kinds import object_kind
from inferspeed_magic.sources.source import from_model
from inferspeed_magic.sources.structure import pack


def nested():
    inner = keras.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(2)])
    inputs = keras.Input((4,), name="outer")
    return keras.Model(inputs, layers.Dense(1)(inner(inputs)))


def one_in_a_list():
    inputs = keras.Input((4,), name="only")
    return keras.Model([inputs], [layers.Dense(1)(inputs)])


def deep():
    parts = {"b": [keras.Input((2,), name="x"), keras.Input((3,), name="y")], "a": keras.Input((4,), name="a")}
    return keras.Model(parts, layers.Dense(1)(layers.Concatenate()([*parts["b"], parts["a"]])))


def half():
    inputs = keras.Input((4,), dtype="float16", name="half")
    return keras.Model(inputs, layers.Dense(2, dtype="float16")(inputs))


def three_at_a_time():
    inputs = keras.Input(batch_shape=(3, 4), name="fixed")
    return keras.Model(inputs, layers.Dense(2)(inputs))


def tf_functional():
    own = tf_keras.layers
    first, second = tf_keras.Input((5,), name="zeta"), tf_keras.Input((5,), name="alpha")
    return tf_keras.Model([first, second], own.Dense(2)(own.Subtract()([first, second])))


def tf_dictionary():
    own = tf_keras.layers
    parts = {"right": tf_keras.Input((5,), name="right"), "left": tf_keras.Input((4,), name="left")}
    return tf_keras.Model(parts, own.Dense(2)(own.Concatenate()([parts["right"], parts["left"]])))


class TfOwn(tf_keras.Model):
    def __init__(self):
        super().__init__()
        self.last = tf_keras.layers.Dense(2)

    def call(self, x):
        return self.last(x)


def tf_subclassed():
    model = TfOwn()
    model(np.zeros((1, 5), "float32"))
    return model


class Pair(keras.Model):
    def __init__(self):
        super().__init__()
        self.last = layers.Dense(2)

    def call(self, parts):
        return self.last(keras.ops.concatenate([parts["left"], parts["right"]], axis=-1))


def subclassed_dictionary():
    model = Pair()
    model({"right": np.zeros((1, 2), "float32"), "left": np.zeros((1, 3), "float32")})
    return model


def spec(name, *shape, dtype="float32", high=None):
    return TensorSpec(name, shape, dtype, high)


EXPECTED = [
    (small_models.mlp, [spec(None, 7)], 0),
    (small_models.cnn, [spec(None, 12, 12, 2)], 0),
    (small_models.embedding_lstm, [spec("tokens", 6, dtype="int32", high=30)], 0),
    (small_models.two_and_two, [spec("zeta", 5), spec("alpha", 5)], {"list": [0, 1]}),
    (small_models.dictionaries, [spec("left", 4), spec("right", 4)], {"dict": {"left": 0, "right": 1}}),
    (small_models.subclassed, [spec(None, 5)], 0),
    (small_models.in_tf_keras, [spec(None, 6)], 0),
    (nested, [spec("outer", 4)], 0),
    (one_in_a_list, [spec("only", 4)], None),
    (deep, [spec("a", 4), spec("x", 2), spec("y", 3)], {"dict": {"a": 0, "b": {"list": [1, 2]}}}),
    (half, [spec("half", 4, dtype="float16")], 0),
    (three_at_a_time, [spec("fixed", 4)], 0),
    (tf_functional, [spec("zeta", 5), spec("alpha", 5)], {"list": [0, 1]}),
    (tf_dictionary, [spec("left", 4), spec("right", 5)], {"dict": {"left": 0, "right": 1}}),
    (tf_subclassed, [spec(None, 5)], 0),
    (subclassed_dictionary, [spec("left", 3), spec("right", 2)], {"dict": {"left": 0, "right": 1}}),
]


@pytest.mark.parametrize(("make", "inputs", "template"), EXPECTED, ids=lambda part: getattr(part, "__name__", ""))
def test_inputs_as_the_model_takes_them(make, inputs, template):
    signature, found = live.describe("m", make())
    for mine, theirs in zip(signature.inputs, inputs, strict=True):
        assert (mine.shape, mine.dtype, mine.high) == (theirs.shape, theirs.dtype, theirs.high)
        assert theirs.name is None or mine.name == theirs.name
    assert template is None or found == template
    assert signature.fixed_batch == (3 if make is three_at_a_time else None)


@pytest.mark.parametrize(("make", "inputs", "template"), EXPECTED, ids=lambda part: getattr(part, "__name__", ""))
def test_run_as_described_it_answers_as_it_always_does(make, inputs, template):
    model = make()
    kind = object_kind(model)
    source = from_model("m", model, kind, None, None)
    arrays = made_up(source.signature, 3, seed=1)
    library = keras if kind == "keras" else tf_keras
    flatten = library.tree.flatten if kind == "keras" else __import__("tensorflow").nest.flatten
    direct = flatten(model(pack(source.template, arrays), training=False))
    answers = source.outputs(arrays)
    assert relative_error(answers, [np.asarray(each) for each in direct]) == 0.0


def test_an_unbuilt_model_says_nothing():
    assert live.describe("m", small_models.Subclassed()) is None
    assert live.describe("m", keras.Sequential([layers.Dense(2)])) is None


def test_several_arguments_cannot_be_passed():
    class Two(keras.Model):
        def call(self, first, second, training=None):
            return first + second

    model = Two()
    for _ in ("never built", "built"):
        with pytest.raises(ModelError, match=r"`m` takes several arguments \(first, second\); give it one") as caught:
            live.describe("m", model)
        assert "\n" not in str(caught.value)
        model(np.ones((1, 2), "float32"), np.ones((1, 2), "float32"))


def test_what_call_can_do_without_is_no_input():
    class Optional(keras.Model):
        def call(self, first, training=None, mask=None, scale=2.0):
            return first * scale

    model = Optional()
    model(np.ones((1, 2), "float32"))
    signature, template = live.describe("m", model)
    assert [each.shape for each in signature.inputs] == [(2,)]
    assert template == 0


def test_open_dimensions_stay_open():
    inputs = keras.Input((None, 3))
    signature, _ = live.describe("m", keras.Model(inputs, layers.GlobalAveragePooling1D()(inputs)))
    assert signature.inputs[0].shape == (None, 3)


def test_strings_are_strings():
    inputs = keras.Input((), dtype="string", name="text")
    lookup = layers.StringLookup(vocabulary=["fast", "slow"])
    signature, _ = live.describe("m", keras.Model(inputs, lookup(inputs)))
    assert signature.inputs == (replace(spec("text", dtype="str"), values=("fast", "slow")),)


def test_a_text_is_made_of_words_that_the_model_knows():
    inputs = keras.Input((1,), dtype="string", name="text")
    words = layers.TextVectorization(vocabulary=["fast", "slow"])
    signature, _ = live.describe("m", keras.Sequential([inputs, words, layers.Embedding(4, 2)]))
    assert signature.inputs == (replace(spec("text", 1, dtype="str"), values=("fast", "slow"), is_text=True),)
    (texts,) = made_up(signature, 20, seed=0)
    assert texts.shape == (20, 1)
    assert {word for text in texts.ravel() for word in text.split()} == {"fast", "slow"}


def test_codes_are_those_that_the_lookup_knows():
    inputs = keras.Input((2,), dtype="int32", name="code")
    signature, _ = live.describe("m", keras.Model(inputs, layers.IntegerLookup(vocabulary=[3, 50])(inputs)))
    (codes,) = made_up(signature, 20, seed=0)
    assert codes.dtype == "int32"
    assert set(codes.ravel()) == {3, 50}


def test_what_other_models_registered_stays_behind():
    registered = keras.saving.get_custom_objects()
    before = dict(registered)
    try:

        @keras.saving.register_keras_serializable("mine")
        def bent(values):
            return values * 2.0

        @keras.saving.register_keras_serializable("others")
        class Unrelated(keras.layers.Layer):
            """Of another model."""

        def model(activation):
            return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation=activation)])

        assert live.custom_objects(model("relu"), "keras") == {}
        assert set(live.custom_objects(model(bent), "keras")) >= {"mine>bent"}
        assert "others>Unrelated" not in live.custom_objects(model(bent), "keras")
        assert "others>Unrelated" in live.custom_objects(keras.Sequential([keras.Input((3,)), OfTheUser()]), "keras")
    finally:
        registered.clear()
        registered.update(before)


class OfTheUser(keras.layers.Layer):
    """Its code may look up whatever was registered."""

    def call(self, inputs):
        return inputs


def test_a_name_within_another_is_not_that_name():
    registered = keras.saving.get_custom_objects()
    before = dict(registered)
    try:

        @keras.saving.register_keras_serializable("mine")
        class Net(keras.layers.Layer):
            """Of another model."""

        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="EfficientNet")])
        assert live.custom_objects(model, "keras") == {}
    finally:
        registered.clear()
        registered.update(before)
