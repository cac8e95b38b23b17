"""Small Keras models, one for each way in which models are put together. Their weights are random, none is zero."""

from __future__ import annotations

import keras
import numpy as np
import tf_keras
from keras import layers


class Scale(layers.Layer):
    """A user's own layer; like most of them it takes no ``**kwargs``."""

    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = factor

    def build(self, shape):
        self.weight = self.add_weight(shape=(shape[-1],), initializer="random_normal")

    def call(self, x):
        return x * self.weight * self.factor

    def get_config(self):
        return super().get_config() | {"factor": self.factor}


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Dense(8, activation="relu")
        self.last = layers.Dense(2)

    def call(self, x):
        return self.last(self.first(x))


def stirred(model, seed=0):
    """Fill every weight with random numbers: fresh biases and moving averages are zeros and ones and hide mistakes."""
    draw = np.random.default_rng(seed)
    weights = []
    for variable in model.weights:
        values = draw.uniform(0.4, 1.4, variable.shape) * (1 if "variance" in variable.name else 0.6)
        signs = 1 if "variance" in variable.name else draw.choice([-1, 1], variable.shape)
        weights.append((values * signs).astype("float32"))
    model.set_weights(weights)
    return model


def cnn():
    return stirred(
        keras.Sequential(
            [
                layers.Input((12, 12, 2)),
                layers.Conv2D(4, 3, padding="same"),
                layers.BatchNormalization(),
                layers.ReLU(),
                layers.MaxPooling2D(),
                layers.Flatten(),
                layers.Dense(3),
            ],
            name="cnn",
        )
    )


def mlp():
    return stirred(
        keras.Sequential([layers.Input((7,)), layers.Dense(9, activation="tanh"), layers.Dense(4)], name="mlp")
    )


def embedding_lstm():
    tokens = keras.Input((6,), dtype="int32", name="tokens")
    last = layers.LSTM(5)(layers.Embedding(30, 4)(tokens))
    return stirred(keras.Model(tokens, layers.Dense(3)(last), name="embedding_lstm"))


def two_and_two():
    """Two inputs of one shape whose names sort the other way round, and two outputs of one shape."""
    first, second = keras.Input((5,), name="zeta"), keras.Input((5,), name="alpha")
    difference = layers.Subtract()([first, second])
    outputs = [layers.Dense(3, name="zulu")(difference), layers.Dense(3, name="able")(layers.ReLU()(difference))]
    return stirred(keras.Model([first, second], outputs, name="two_and_two"))


def dictionaries():
    """Named inputs and outputs, in an order that is not that of their names."""
    right, left = keras.Input((4,), name="right"), keras.Input((4,), name="left")
    both = layers.Concatenate()([right, left])
    outputs = {"yes": layers.Dense(2)(both), "maybe": layers.Dense(2)(both)}
    return stirred(keras.Model({"right": right, "left": left}, outputs, name="dictionaries"))


def mixed():
    """Numbers and codes."""
    numbers = keras.Input((6,), name="numbers")
    codes = keras.Input((4,), dtype="int32", name="codes")
    meaning = layers.GlobalAveragePooling1D()(layers.Embedding(20, 3)(codes))
    both = layers.Concatenate()([numbers, meaning])
    return stirred(keras.Model([numbers, codes], [layers.Dense(3)(both), layers.Dense(2)(both)], name="mixed"))


def custom_layer():
    inputs = keras.Input((6,))
    return stirred(keras.Model(inputs, layers.Dense(2)(Scale(3.0)(inputs)), name="custom_layer"))


def subclassed():
    model = Subclassed()
    model(np.zeros((1, 5), "float32"))
    return stirred(model)


def in_tf_keras():
    own = tf_keras.layers
    return stirred(
        tf_keras.Sequential(
            [own.Input((6,)), own.Dense(5, activation="relu"), own.BatchNormalization(), own.Dense(2)],
            name="in_tf_keras",
        )
    )


EVERY = (
    cnn,
    mlp,
    embedding_lstm,
    two_and_two,
    dictionaries,
    mixed,
    custom_layer,
    subclassed,
    in_tf_keras,
)
