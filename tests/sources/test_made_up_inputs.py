"""Random inputs: never flattering, always the same for a seed, and inside what the model can look up."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import small_models
import tf_keras
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from inferspeed_magic.records.signature import Signature, TensorSpec
from inferspeed_magic.sources.inputs import batches_of, made_up
from inferspeed_magic.sources.kinds import object_kind
from inferspeed_magic.sources.source import from_model

specs = st.builds(
    TensorSpec,
    name=st.just("x"),
    shape=st.lists(st.integers(1, 5), max_size=3).map(tuple),
    dtype=st.sampled_from(
        ["float32", "float64", "float16", "bfloat16", "int32", "int64", "uint8", "int8", "bool", "str"]
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(specs, min_size=1, max_size=3), st.integers(1, 6), st.integers(0, 2**32))
def test_shapes_and_dtypes_are_those_asked_for(inputs, samples, seed):
    signature = Signature(tuple(inputs))
    arrays = made_up(signature, samples, seed)
    for spec, array in zip(inputs, arrays, strict=True):
        assert array.shape == (samples, *spec.shape)
        assert array.dtype.kind == "U" if spec.dtype == "str" else array.dtype.name == spec.dtype
    for mine, again in zip(arrays, made_up(signature, samples, seed), strict=True):
        assert np.array_equal(mine, again)


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "bfloat16", "int32", "int64", "uint8", "bool", "str"]
)
def test_inputs_do_not_flatter(dtype, positive):
    """No sample is constant, and none is like another."""
    for seed in range(5):
        (array,) = made_up(Signature((TensorSpec("x", (40,), dtype),)), 4, seed, positive=positive)
        rows = [np.asarray(row if dtype == "str" else row.astype("float64")) for row in array]
        assert all(len(np.unique(row)) > 1 for row in rows)
        assert len({row.tobytes() for row in rows}) == len(rows)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_are_never_zero(dtype):
    (array,) = made_up(Signature((TensorSpec("x", (1000,), dtype),)), 10, 0)
    assert np.all(array != 0)
    assert array.min() < -1
    assert array.max() > 1
    (array,) = made_up(Signature((TensorSpec("x", (1000,), dtype),)), 10, 0, positive=True)
    assert array.min() >= 0
    assert array.max() < 1


def test_another_seed_gives_other_inputs():
    signature = Signature((TensorSpec("x", (8,), "float32"), TensorSpec("y", (8,), "float32")))
    first, second = made_up(signature, 2, 0), made_up(signature, 2, 1)
    assert not np.array_equal(first[0], second[0])
    assert not np.array_equal(first[0], first[1]), "two inputs alike would hide that they were swapped"


@settings(deadline=None)
@given(st.integers(1, 300), st.sampled_from(["int32", "int64", "float32"]), st.integers(0, 99))
def test_codes_stay_below_their_bound(high, dtype, seed):
    (array,) = made_up(Signature((TensorSpec("x", (50,), dtype, high),)), 4, seed)
    assert array.min() >= 0
    assert array.max() < high
    assert np.array_equal(array, np.round(array))


def code(name="codes", dtype="int32", length=5):
    return keras.Input((length,), dtype=dtype, name=name)


def embedding(rows):
    return keras.Sequential([code(), layers.Embedding(rows, 2), layers.Flatten(), layers.Dense(2)])


def behind_nested_models():
    inner = keras.Sequential([layers.Input((5,), dtype="int32"), layers.Embedding(6, 2)])
    middle_in = code()
    middle = keras.Model(middle_in, layers.Flatten()(inner(middle_in)))
    outer_in = code()
    return keras.Model(outer_in, layers.Dense(1)(middle(outer_in)))


def two_of_their_own():
    small, large = code("small"), code("large")
    return keras.Model(
        [large, small],
        layers.Concatenate()([layers.Flatten()(layers.Embedding(n, 2)(x)) for n, x in ((40, large), (4, small))]),
    )


def read_twice():
    inputs = code()
    both = [layers.Flatten()(layers.Embedding(rows, 2)(inputs)) for rows in (30, 3)]
    return keras.Model(inputs, layers.Concatenate()(both))


def floats_that_are_cast():
    inputs = code(dtype="float32")
    as_codes = keras.ops.cast(inputs, "int32")
    return keras.Model(inputs, layers.Flatten()(layers.Embedding(7, 2)(as_codes)))


def behind_a_reshape():
    inputs = code(length=6)
    return keras.Model(inputs, layers.Embedding(5, 2)(layers.Reshape((2, 3))(inputs)))


def categories():
    inputs = code(length=1)
    return keras.Model(inputs, layers.Dense(2)(layers.CategoryEncoding(num_tokens=4, output_mode="one_hot")(inputs)))


def tf_embedding():
    own = tf_keras.layers
    return tf_keras.Sequential([own.Input((5,), dtype="int32"), own.Embedding(8, 2), own.Flatten(), own.Dense(1)])


class Reader(keras.Model):
    def __init__(self):
        super().__init__()
        self.table = layers.Embedding(9, 3)
        self.last = layers.Dense(1)

    def call(self, codes):
        return self.last(self.table(codes))


def subclassed_reader():
    model = Reader()
    model(np.zeros((1, 5), "int32"))
    return model


def wrapped():
    inputs = keras.Input((3, 4), dtype="int32")
    return keras.Model(inputs, layers.TimeDistributed(layers.Embedding(6, 2))(inputs))


@pytest.mark.parametrize(
    ("make", "highs"),
    [
        (lambda: embedding(12), [12]),
        (behind_nested_models, [6]),
        (two_of_their_own, [40, 4]),
        (read_twice, [3]),
        (floats_that_are_cast, [7]),
        (behind_a_reshape, [5]),
        (categories, [4]),
        (tf_embedding, [8]),
        (subclassed_reader, [9]),
        (wrapped, [6]),
        (small_models.mixed, [None, 20]),
        (small_models.mlp, [None]),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_codes_stay_inside_what_reads_them(make, highs):
    model = make()
    source = from_model("m", model, object_kind(model), None, None)
    assert [spec.high for spec in source.signature.inputs] == highs
    for spec, array in zip(source.signature.inputs, source.samples(64, seed=0), strict=True):
        if spec.high is not None:
            assert array.min() >= 0
            assert array.max() == spec.high - 1, "the last row is read, too"
    assert all(np.isfinite(array).all() for array in source.outputs(source.samples(2, seed=0)))


def test_a_model_that_cannot_take_negative_numbers_gets_positive_ones():
    inputs = keras.Input((4,))
    source = from_model("m", keras.Model(inputs, keras.ops.log(inputs)), "keras", None, None)
    assert all(array.min() >= 0 for array in source.samples(8, seed=0))


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 8), st.integers(1, 4))
def test_batches_are_whole(samples, batch_size, most):
    arrays = [np.arange(samples), np.arange(samples) * 10]
    batches = batches_of(arrays, batch_size, most)
    assert 1 <= len(batches) <= most
    for first, second in batches:
        assert len(first) == batch_size
        assert np.array_equal(first * 10, second)
    if samples >= batch_size:
        used = np.concatenate([first for first, _ in batches])
        assert len(set(used)) == len(used), "no sample twice while there are others"
