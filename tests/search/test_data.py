import keras
import numpy as np
import pandas as pd
import pytest

from inferspeed_magic.errors import InputError
from inferspeed_magic.records.signature import Signature, TensorSpec
from inferspeed_magic.search.data import checked_data, unpacked

X = np.arange(60, dtype="float32").reshape(20, 3)
Y = np.arange(20) % 4
W = np.linspace(1, 2, 20)


class Model:
    """What checked_data asks a source for."""

    def __init__(self, *specs):
        self.name = "model"
        self.signature = Signature(specs)

    def samples(self, count, seed):
        return [np.full((count, *spec.shape), seed, spec.dtype) for spec in self.signature.inputs]


ONE = Model(TensorSpec("x", (3,), "float32"))
TWO = Model(TensorSpec("a", (3,), "float32"), TensorSpec("b", (1,), "float32"))
PICTURES = Model(TensorSpec("x", (4, 4, 1), "float32"))
TEXTS = Model(TensorSpec("x", (), "str"))


def assert_samples(samples, x=X, y=Y, w=None):
    np.testing.assert_array_equal(samples.inputs[0], x)
    np.testing.assert_array_equal(samples.labels[0], y)
    if w is None:
        assert samples.weights is None
    else:
        np.testing.assert_allclose(samples.weights, w)


def test_tuples_are_inputs_labels_and_weights():
    assert_samples(checked_data(ONE, (X, Y)))
    assert_samples(checked_data(ONE, (X, Y, W)), w=W)
    alone = checked_data(ONE, X)
    assert alone.labels is None
    assert alone.given


def test_lists_and_dicts_are_inputs_alone():
    b = np.ones((20, 1), "float32")
    for data in ([X, b], {"b": b, "a": X}, ([X, b], Y), ({"a": X, "b": b}, Y)):
        samples = checked_data(TWO, data)
        np.testing.assert_array_equal(samples.inputs[0], X)
        np.testing.assert_array_equal(samples.inputs[1], b)
        assert (samples.labels is None) == (not isinstance(data, tuple))


def test_pandas():
    frame, series = pd.DataFrame(X, columns=list("abc")), pd.Series(Y, index=range(100, 120))
    assert_samples(checked_data(ONE, (frame, series)))
    columns = Model(TensorSpec("a", (1,), "float32"), TensorSpec("c", (1,), "float32"))
    samples = checked_data(columns, (frame, series))
    np.testing.assert_array_equal(samples.inputs[1][:, 0], X[:, 2])


def test_a_last_dimension_of_one_is_added_as_keras_does():
    pictures = np.ones((5, 4, 4), "uint8")
    assert checked_data(PICTURES, (pictures, Y[:5])).inputs[0].shape == (5, 4, 4, 1)
    assert checked_data(TWO, [X, np.ones(20)]).inputs[1].shape == (20, 1)
    assert checked_data(ONE, X[..., np.newaxis]).inputs[0].shape == (20, 3)


def test_open_dimensions_are_filled():
    model = Model(TensorSpec("x", (None,), "float32"))
    assert checked_data(model, X).signature.inputs[0].shape == (3,)


def test_several_labels():
    other = np.ones((20, 2))
    for y in ([Y, other], (Y, other)):
        assert [label.shape for label in checked_data(ONE, (X, y)).labels] == [(20,), (20, 2)]
    assert list(checked_data(ONE, (X, {"first": Y, "second": other})).labels) == ["first", "second"]
    # A list of as many rows as samples is one array.
    assert checked_data(ONE, (X, [row for row in other])).labels[0].shape == (20, 2)  # noqa: C416
    assert checked_data(ONE, (X, list(Y))).labels[0].shape == (20,)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((X, Y[:-1]), "20 inputs and 19 labels"),
        ((X, 3), "20 inputs and 1 labels"),
        ((X, np.array(["cat"] * 20)), "labels must be numbers.*from 0"),
        ((X, [Y, Y[:3]]), "not an? .*|labels"),
        ((X, Y, W[:3]), "sample weights must be 20 numbers"),
        ((X, Y, -W), "not below 0"),
        ((X, Y, np.full(20, np.nan)), "finite"),
        ((X, Y, [W, W]), "one array"),
        ((X, Y, W, W), "tuple of 4"),
        ((), "tuple of 0"),
        ((None, Y), "no inputs"),
        ([X, Y], "give a tuple"),
        (np.ones((20, 5)), r"shape \(batch, 3\)"),
        ([[1, 2, 3], [4]], "rows of different length"),
        ("x_val", "shape|inputs|numbers"),
    ],
)
def test_mistakes_are_told_in_one_line(data, message):
    with pytest.raises(InputError, match=message) as caught:
        checked_data(ONE, data)
    assert "\n" not in str(caught.value)
    assert "--input " not in str(caught.value)


def test_a_tuple_of_the_inputs_of_two_is_explained():
    with pytest.raises(InputError, match="a tuple is \\(x, y\\): with several inputs x is a list"):
        checked_data(TWO, (X, np.ones((20, 1))))
    with pytest.raises(InputError, match="differ in the number of samples"):
        checked_data(TWO, [X, np.ones((7, 1))])


def test_without_data_inputs_are_made_up():
    samples = checked_data(ONE, None, 7)
    assert not samples.given
    assert samples.labels is None
    assert 100 <= len(samples) <= 1000
    assert (samples.inputs[0] == 7).all()
    large = checked_data(Model(TensorSpec("x", (1000, 1000, 3), "float32")), None)
    assert 16 <= len(large) < 100


class Numbered(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, position):
        part = slice(5 * position, 5 * position + 5)
        return X[part], Y[part], W[part]


class Loader:
    """A torch DataLoader gives lists of tensors."""

    dataset = None

    def __iter__(self):
        for start in range(0, 20, 6):
            yield [Tensor(X[start : start + 6]), Tensor(Y[start : start + 6])]


class Tensor:
    def __init__(self, array):
        self.array = array

    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        return self.array


def test_what_comes_in_batches_is_joined():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((X, Y))
    assert_samples(checked_data(ONE, dataset.batch(7)))
    assert_samples(checked_data(ONE, dataset))  # not batched
    assert_samples(checked_data(ONE, Numbered()), w=W)
    assert_samples(checked_data(ONE, Loader()))
    assert_samples(checked_data(ONE, ((X[part : part + 10], Y[part : part + 10]) for part in (0, 10))))
    np.testing.assert_array_equal(checked_data(ONE, tf.data.Dataset.from_tensor_slices(X).batch(3)).inputs[0], X)
    np.testing.assert_array_equal(checked_data(ONE, (tf.constant(X), tf.constant(Y))).labels[0], Y)


def test_batches_of_several_inputs_and_labels():
    import tensorflow as tf

    b = np.ones((20, 1), "float32")
    dataset = tf.data.Dataset.from_tensor_slices(({"a": X, "b": b}, {"one": Y, "two": W})).batch(6)
    samples = checked_data(TWO, dataset)
    np.testing.assert_array_equal(samples.inputs[0], X)
    np.testing.assert_array_equal(samples.labels["two"], W)


def test_texts_of_a_dataset():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((["a", "bé"] * 5, [0, 1] * 5)).batch(4)
    assert list(checked_data(TEXTS, dataset).inputs[0][:2]) == ["a", "bé"]


def test_endless_data_is_read_up_to_a_bound():
    import tensorflow as tf

    endless = tf.data.Dataset.from_tensor_slices((X, Y)).repeat().batch(20)
    samples = checked_data(ONE, unpacked(endless, most_samples=50))
    assert len(samples) == 60
    assert samples.notes == ("the first 60 samples of the data were used",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (iter(()), "no samples.*make it anew"),
        (iter([(X[:2], Y[:2]), (X[:2, :2], Y[:2])]), r"differ in shape, \(2,\) and \(3,\): pad"),
        (iter([(X, Y), X]), "not put together alike"),
        (iter([(X, Y, W, W)]), "has 4 parts"),
    ],
)
def test_mistakes_in_batches(data, message):
    with pytest.raises(InputError, match=message):
        unpacked(data)


def test_too_much_data_is_thinned_out_alike():
    x = np.arange(40_000, dtype="float32")[:, np.newaxis] * np.ones(3, "float32")
    samples = checked_data(ONE, (x, np.arange(40_000), np.arange(40_000) + 1.0), 3)
    assert len(samples) == 10_000
    assert samples.notes == ("10,000 of the 40,000 samples given were used",)
    np.testing.assert_array_equal(samples.inputs[0][:, 0], samples.labels[0])
    np.testing.assert_array_equal(samples.weights, samples.labels[0] + 1)
    assert len(np.unique(samples.labels[0])) == 10_000
