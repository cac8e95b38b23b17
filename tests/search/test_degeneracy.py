import re

import keras
import numpy as np
import pytest

from inferspeed_magic.search.degeneracy import degenerate
from inferspeed_magic.search.metrics import resolve

DRAW = np.random.default_rng(0)
CLASSES = DRAW.integers(0, 10, 300)
TRAINED = DRAW.dirichlet(np.ones(10), 300) + 3 * np.eye(10)[CLASSES]
TRAINED /= TRAINED.sum(1, keepdims=True)
UNDECIDED = 0.1 + 0.002 * DRAW.normal(size=(300, 10))
UNDECIDED /= UNDECIDED.sum(1, keepdims=True)
CONSTANT = np.tile(DRAW.random(10), (300, 1))


def verdict(outputs, labels=None, metric=None):
    labels = None if labels is None else [labels]
    return degenerate([outputs], labels, resolve(None, metric, labels, [outputs]))


@pytest.mark.parametrize("labels", [CLASSES, None])
def test_a_trained_model_is_none(labels):
    assert verdict(TRAINED, labels) is None


def test_regression_is_none():
    numbers = DRAW.normal(size=(300, 1))
    assert verdict(numbers, numbers[:, 0] + DRAW.normal(size=300)) is None
    assert verdict(numbers) is None


@pytest.mark.parametrize(
    ("outputs", "labels", "words"),
    [
        (CONSTANT, CLASSES, "hardly differ"),
        (CONSTANT, None, "hardly differ"),
        (np.full((300, 1), 5.0) + 1e-5 * DRAW.normal(size=(300, 1)), DRAW.normal(size=300), "hardly differ"),
        (np.zeros((300, 8, 8, 3)), None, "hardly differ"),
        (0.5 * DRAW.random((300, 10)) + 3 * np.eye(10)[4], CLASSES, "the same class, though labels differ"),
        (0.5 * DRAW.random((300, 10)) + 3 * np.eye(10)[4], None, "the same class"),
        (DRAW.normal(size=(300, 10)), CLASSES, r"not better than chance \(10%\)"),
        (DRAW.random((300, 1)), DRAW.integers(0, 2, 300), r"not better than chance \(50%\)"),
        (UNDECIDED, None, "equally likely"),
    ],
)
def test_reasons(outputs, labels, words):
    found = verdict(outputs, labels)
    assert found.startswith("agreement says little" if labels is None else "the model looks untrained")
    assert re.search(words, found), found


def test_fewer_than_ten_samples_tell_nothing():
    assert verdict(CONSTANT[:9], CLASSES[:9]) is None


@pytest.mark.parametrize("labelled", [True, False])
def test_a_model_fresh_from_its_constructor(labelled):
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2(input_shape=(64, 64, 3), weights=None, classes=100)
    outputs = model.predict(DRAW.random((32, 64, 64, 3)), verbose=0)
    assert verdict(outputs, DRAW.integers(0, 100, 32) if labelled else None) is not None


@pytest.mark.parametrize("labelled", [True, False])
def test_a_model_that_has_learnt_something(labelled):
    keras.utils.set_random_seed(0)
    x = DRAW.normal(size=(600, 8)).astype("float32")
    y = (x[:, :4].argmax(1)).astype(int)
    layers = keras.layers
    model = keras.Sequential([layers.Input((8,)), layers.Dense(16, "relu"), layers.Dense(4, "softmax")])
    assert verdict(model.predict(x, verbose=0), y) is not None
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=20, verbose=0)
    assert verdict(model.predict(x, verbose=0), y if labelled else None) is None
