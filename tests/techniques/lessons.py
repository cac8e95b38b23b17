"""Small models that learned something, folders that steps read them from, and lessons to train them on with."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from inferspeed_magic.sources import live
from inferspeed_magic.sources.portable import read
from inferspeed_magic.training import Lesson, write_lesson

SAMPLES, CHECKED = 600, 200
SHAPE, CLASSES = (12, 12, 1), 4


class Own(layers.Layer):
    """A layer that tf_keras does not have."""

    def call(self, x):
        return x * 2.0


def pictures(count, seed):
    """Make noise with a bright corner, and the number of the corner."""
    draw = np.random.default_rng(seed)
    x = draw.normal(0.0, 0.6, (count, *SHAPE)).astype("float32")
    y = draw.integers(0, CLASSES, count)
    for picture, corner in zip(x, y, strict=True):
        row, column = 6 * (corner // 2), 6 * (corner % 2)
        picture[row : row + 6, column : column + 6] += 0.5
    return x, y


def taught(*, own=False):
    """Train a convolutional network; once for all tests."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(16, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            *([Own()] if own else []),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(CLASSES, activation="softmax"),
        ],
        name="corners",
    )
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*pictures(SAMPLES, 0), epochs=4, verbose=0)
    return model


def folder_of(model, folder):
    """Write a model as steps read it."""
    signature, template = live.describe(model.name, model)
    live.write(folder, model, "keras", live.manifest("keras", signature, template))
    return str(folder)


def lesson_in(folder, **changes):
    """Write a lesson; gives its folder."""
    (x, y), (check_x, check_y) = pictures(SAMPLES, 0), pictures(CHECKED, 1)
    facts = {
        "inputs": [x],
        "labels": [y],
        "check_inputs": [check_x],
        "check_labels": [check_y],
        "epochs": 4,
        "limit_s": 60.0,
        "loss": "sparse_categorical_crossentropy",
        "optimizer": keras.optimizers.serialize(keras.optimizers.Adam(2e-3)),
    }
    write_lesson(folder, Lesson(**(facts | changes)))
    return str(folder)


def accuracy(answer):
    """Return the share of right answers on pictures that no training saw."""
    x, y = pictures(400, 2)
    return float(np.mean(np.argmax(answer(x), -1) == y))


def accuracy_of(folder):
    """Do so for what a step wrote."""
    model = read(str(folder)).model
    return accuracy(lambda x: model.predict(x, verbose=0))
