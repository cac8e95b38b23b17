"""The user's own inputs: cast where nothing is lost, and one line for every mistake."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import small_models
from keras import layers

from inferspeed_magic.errors import InputError, ModelError
from inferspeed_magic.records.signature import Signature, TensorSpec
from inferspeed_magic.sources.inputs import checked, with_shapes
from inferspeed_magic.sources.source import from_model

ONE = Signature((TensorSpec("image", (4, 4, 1), "float32"),))
CODES = Signature((TensorSpec("tokens", (3,), "int32", high=10),))
TWO = Signature((TensorSpec("zeta", (2,), "float32"), TensorSpec("alpha", (3,), "int32")))
WORDS = Signature((TensorSpec("text", (), "str"),))
OPEN = Signature((TensorSpec("series", (None, 3), "float32"),))
BYTES = Signature((TensorSpec("bytes", (3,), "uint8"),))
PLAIN = Signature((TensorSpec("plain", (3,), "int32"),))


def zeros(*shape, dtype="float32"):
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("signature", "given", "words"),
    [
        (ONE, zeros(2, 4, 4), "`m` expects input `image` of shape (batch, 4, 4, 1), got (2, 4, 4)"),
        (ONE, zeros(2, 5, 4, 1), "`m` expects input `image` of shape (batch, 4, 4, 1), got (2, 5, 4, 1)"),
        (ONE, zeros(4, 4, 1), "`m` expects input `image` of shape (batch, 4, 4, 1), got (4, 4, 1)"),
        (ONE, zeros(2, 4, 4, 1, dtype="complex64"), "of dtype float32, got complex64"),
        (ONE, zeros(0, 4, 4, 1), "hold no sample"),
        (ONE, 3.0, "batch dimension first"),
        (ONE, [[1, 2], [3]], "this list is none (rows of different length?)"),
        (ONE, np.array([{}, {}]), "Python objects"),
        (ONE, [zeros(2, 4, 4, 1), zeros(2, 4, 4, 1)], "got (2, 2, 4, 4, 1)"),
        (ONE, [zeros(2, 4, 4, 1), zeros(3, 4, 4, 1)], "inputs must be arrays"),
        (CODES, zeros(2, 3), "`m` expects input `tokens` of dtype int32, got float32"),
        (CODES, np.array([[1, 2, 10]]), "indexes an embedding of 10 rows, its values go from 1 to 10"),
        (CODES, np.array([[-1, 2, 3]]), "indexes an embedding of 10 rows, its values go from -1 to 3"),
        (
            PLAIN,
            np.array([[0, 1, 2**40]]),
            "dtype int32, which cannot hold its values: they go from 0 to 1099511627776",
        ),
        (BYTES, np.array([[-1, 2, 3]]), "dtype uint8, which cannot hold its values: they go from -1 to 3"),
        (TWO, zeros(2, 2), "`m` has 2 inputs (zeta, alpha), --input gives 1"),
        (TWO, [zeros(2, 2)], "`m` has 2 inputs (zeta, alpha), --input gives 1"),
        (TWO, {"zeta": zeros(2, 2)}, "`m` expects the inputs zeta, alpha; --input lacks alpha"),
        (TWO, [zeros(2, 2), zeros(3, 3, dtype="int32")], "differ in the number of samples: [2, 3]"),
        (TWO, [zeros(2, 3, dtype="int32"), zeros(2, 2)], "`m` expects input `zeta` of shape (batch, 2), got (2, 3)"),
        (WORDS, zeros(2), "`m` expects strings as input `text`, got float32"),
        (ONE, np.array(["a"]), "of shape (batch, 4, 4, 1), got (1)"),
    ],
)
def test_a_mistake_gets_one_line(signature, given, words):
    with pytest.raises(InputError) as caught:
        checked("m", signature, given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("signature", "given", "dtypes"),
    [
        (ONE, zeros(2, 4, 4, 1, dtype="float64"), ["float32"]),
        (ONE, zeros(2, 4, 4, 1, dtype="uint8"), ["float32"]),
        (ONE, zeros(2, 4, 4, 1).tolist(), ["float32"]),
        (ONE, [zeros(2, 4, 4, 1)], ["float32"]),
        (ONE, {"image": zeros(2, 4, 4, 1)}, ["float32"]),
        (CODES, np.array([[1, 2, 9]], "int64"), ["int32"]),
        (CODES, np.array([[True, False, True]]), ["int32"]),
        (TWO, (zeros(2, 2), zeros(2, 3, dtype="uint8")), ["float32", "int32"]),
        (TWO, {"alpha": zeros(2, 3, dtype="int64"), "zeta": zeros(2, 2)}, ["float32", "int32"]),
    ],
)
def test_what_loses_nothing_is_cast(signature, given, dtypes):
    _, arrays = checked("m", signature, given)
    assert [array.dtype.name for array in arrays] == dtypes
    assert [array.shape[1:] for array in arrays] == [spec.shape for spec in signature.inputs]


def test_strings_are_taken():
    _, (array,) = checked("m", WORDS, ["fast", "slow"])
    assert array.tolist() == ["fast", "slow"]
    _, (array,) = checked("m", WORDS, np.array(["fast", "slow"], object))
    assert array.tolist() == ["fast", "slow"]


def test_data_fill_open_dimensions():
    signature, _ = checked("m", OPEN, zeros(2, 7, 3))
    assert signature.inputs[0].shape == (7, 3)


def test_shapes_fill_open_dimensions():
    assert with_shapes("m", OPEN, [(7, 3)]).inputs[0].shape == (7, 3)
    assert with_shapes("m", ONE, None) == ONE
    assert with_shapes("m", ONE, [(4, 4, 1)]) == ONE


@pytest.mark.parametrize(
    ("signature", "shapes", "words"),
    [
        (OPEN, None, "leaves dimensions of input `series` open, (?, 3): say them with --input-shape 64,3"),
        (OPEN, [(7, 4)], "expects input `series` of shape (?, 3) without the batch, --input-shape gives (7, 4)"),
        (OPEN, [(7,)], "expects input `series` of shape (?, 3) without the batch, --input-shape gives (7)"),
        (TWO, [(2,)], "`m` has 2 inputs (zeta, alpha), --input-shape gives 1 shapes; separate the shapes with `;`"),
    ],
)
def test_shapes_that_do_not_fit_get_one_line(signature, shapes, words):
    with pytest.raises(InputError) as caught:
        with_shapes("m", signature, shapes)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_open_dimensions_of_a_model_are_asked_for():
    inputs = keras.Input((None, None, 3), name="photo")
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(inputs)))
    with pytest.raises(InputError, match=r"`photo` open, \(\?, \?, 3\): say them with --input-shape 64,64,3"):
        from_model("m", model, "keras", None, None)
    assert from_model("m", model, "keras", None, [(20, 24, 3)]).signature.inputs[0].shape == (20, 24, 3)
    source = from_model("m", model, "keras", zeros(2, 9, 8, 3), None)
    assert source.signature.inputs[0].shape == (9, 8, 3)
    assert source.samples(99, seed=0)[0].shape == (2, 9, 8, 3), "the user's inputs, not made-up ones"


def test_a_model_that_was_never_built_asks_for_its_inputs():
    with pytest.raises(ModelError, match=r"`m` was never built.*--input-shape.*--input") as caught:
        from_model("m", small_models.Subclassed(), "keras", None, None)
    assert "\n" not in str(caught.value)
    for options in ({"inputs": zeros(3, 5), "shapes": None}, {"inputs": None, "shapes": [(5,)]}):
        source = from_model("m", small_models.Subclassed(), "keras", **options)
        assert [spec.shape for spec in source.signature.inputs] == [(5,)]
        assert source.outputs(source.samples(2, 0)[:1])[0].shape[1:] == (2,)


def test_a_model_that_cannot_be_built_with_these_inputs_says_so():
    model = keras.Sequential([layers.Conv2D(2, 3)])
    with pytest.raises(InputError, match="`m` cannot be built with these inputs: ") as caught:
        from_model("m", model, "keras", zeros(2, 5), None)
    assert "\n" not in str(caught.value)


def test_a_model_that_fails_says_so():
    class Fussy(keras.layers.Layer):
        armed = False

        def call(self, x):
            if self.armed:
                raise ValueError("not today\nsecond line")
            return x

    layer = Fussy()
    source = from_model("m", keras.Sequential([layers.Input((2,)), layer]), "keras", None, None)
    layer.armed = True
    with pytest.raises(ModelError) as caught:
        source.outputs([zeros(3, 2)])
    assert str(caught.value) == "`m` cannot be run on made-up inputs; give real ones with --input: not today"
