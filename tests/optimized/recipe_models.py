"""Models that quantizers find something to do in, one for each way in which recipes have to convert."""

from __future__ import annotations

import keras
import numpy as np
import small_models
import tf_keras
from keras import layers


def picture_and_vector():
    """Two inputs, two outputs; convolutions (a grouped one among them), batch norm, dense layers."""
    image, vector = keras.Input((12, 12, 3), name="image"), keras.Input((32,), name="a vector")
    seen = layers.Conv2D(32, 3, padding="same", use_bias=False)(image)
    seen = layers.ReLU()(layers.BatchNormalization()(seen))
    seen = layers.DepthwiseConv2D(3, activation="relu")(seen)
    seen = layers.GlobalAveragePooling2D()(layers.Conv2D(48, 3, activation="relu")(seen))
    both = layers.Concatenate()([seen, layers.Dense(64, activation="relu")(vector)])
    outputs = {"zeta": layers.Dense(40)(both), "alpha": layers.Dense(5)(layers.Dense(64, activation="relu")(both))}
    return small_models.stirred(keras.Model({"image": image, "a vector": vector}, outputs))


def transformer():
    """Attention and exact GELU."""
    tokens = keras.Input((10,), dtype="int32", name="tokens")
    x = layers.Embedding(50, 48)(tokens)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(4, 12)(x, x))
    x = layers.LayerNormalization()(x + layers.Dense(48)(layers.Dense(96, activation="gelu")(x)))
    return keras.Model(tokens, layers.Dense(7)(layers.GlobalAveragePooling1D()(x)))


def lstm():
    """A recurrent layer that knows a mask."""
    tokens = keras.Input((8,), dtype="int32", name="tokens")
    last = layers.LSTM(24)(layers.Embedding(40, 32, mask_zero=True)(tokens))
    return small_models.stirred(keras.Model(tokens, layers.Dense(3)(last)))


def deficient():
    """Dense layers that singular values split."""
    draw = np.random.default_rng(0)
    model = keras.Sequential([keras.Input((64,)), layers.Dense(96, activation="relu"), layers.Dense(6)])
    model.layers[0].set_weights(
        [draw.standard_normal((64, 4)) @ draw.standard_normal((4, 96)) / 8, draw.standard_normal(96)]
    )
    return model


def in_tf_keras():
    own = tf_keras.layers
    inputs = tf_keras.Input((16,), name="x")
    seen = own.BatchNormalization()(own.Dense(64, activation="gelu")(inputs))
    return tf_keras.Model(inputs, own.Dense(48)(seen))


def with_own_layer():
    """A layer of the user's own that holds a recurrent one, and a function of his own."""
    inputs = keras.Input((6, 4))
    return small_models.stirred(keras.Model(inputs, layers.Dense(2, activation=bent)(Twice(3)(inputs))))


FACTOR = 0.5


def bent(x):
    return keras.ops.tanh(x) * FACTOR


@keras.saving.register_keras_serializable("mine")
class Twice(layers.Layer):
    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = units
        self.inner = layers.GRU(units)

    def build(self, shape):
        self.inner.build(shape)

    def call(self, x):
        return FACTOR * self.inner(x)

    def get_config(self):
        return super().get_config() | {"units": self.units}
