"""Keras 3 models of every sort that has a twin, small."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops


def stirred(model, seed=0):
    """Replace what is zeros or ones at first: fresh biases, scales and moving averages hide mistakes."""
    draw = np.random.default_rng(seed)
    for variable in model.weights:
        values = variable.numpy()
        if len(np.unique(values)) <= 2:
            variable.assign(values + draw.uniform(0.1, 0.4, values.shape))
    return model


def sequential():
    return stirred(
        keras.Sequential(
            [
                keras.Input((12, 12, 3)),
                layers.Rescaling([1 / 2, 1 / 3, 1 / 4], 0.1),
                layers.Conv2D(8, 3, padding="same", use_bias=False),
                layers.BatchNormalization(),
                layers.Activation("relu6"),
                layers.SeparableConv2D(8, 3, activation="silu"),
                layers.MaxPooling2D(),
                layers.DepthwiseConv2D(3, activation="hard_silu"),
                layers.LeakyReLU(0.17),
                layers.Dropout(0.3),
                layers.Flatten(),
                layers.Dense(5, activation="softmax"),
            ],
            name="sequential",
        )
    )


def normalizations():
    entrance = keras.Input((8, 8, 6))
    adapted = layers.Normalization(axis=-1)
    adapted.adapt(np.random.default_rng(0).uniform(1, 5, (32, 8, 8, 6)))
    x = layers.GroupNormalization(3)(adapted(entrance))
    x = layers.LayerNormalization(axis=[-1], epsilon=1e-6)(layers.LayerNormalization(axis=(1, 2, 3))(x))
    x = layers.UnitNormalization(axis=(-1,))(layers.BatchNormalization(axis=1, scale=False)(x))
    x = layers.PReLU(shared_axes=[1, 2])(layers.Normalization(mean=0.2, variance=2.0)(x))
    return stirred(keras.Model(entrance, layers.GlobalAveragePooling2D(keepdims=True)(x), name="normalizations"))


def recurrent():
    tokens = keras.Input((7,), dtype="int32", name="tokens")
    x = layers.Embedding(30, 6, mask_zero=True)(tokens)
    x = layers.Bidirectional(layers.LSTM(5, return_sequences=True, recurrent_activation="hard_sigmoid"))(x)
    x = layers.GRU(6, return_sequences=True, reset_after=False)(x)
    sequence, state = layers.GRU(4, return_sequences=True, return_state=True)(x)
    x = layers.SimpleRNN(4, activation="gelu")(sequence, initial_state=state)
    return stirred(keras.Model(tokens, layers.Dense(2, activation="sigmoid")(x), name="recurrent"))


def attention():
    left, right = keras.Input((5, 8), name="left"), keras.Input((6, 8), name="right")
    x = layers.MultiHeadAttention(2, 4, value_dim=3, dropout=0.1)(left, right)
    x = layers.LayerNormalization()(layers.Add()([x, left]))
    x = layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)
    x = layers.EinsumDense("abc,cd->abd", (None, 7), bias_axes="d", activation="gelu")(x)
    both = [layers.Attention(use_scale=True)([x, x]), layers.TimeDistributed(layers.Dense(3, activation="mish"))(x)]
    return stirred(keras.Model([left, right], [layers.Concatenate()(both), layers.AdditiveAttention()([x, x])]))


def operations():
    one, two = keras.Input((6, 4), name="one"), keras.Input((6, 4), name="two")
    x = ops.relu(one * 2.0 - two / 3 + 1) + ops.maximum(one, 0.1)
    x = ops.concatenate([x, ops.silu(two), ops.hard_silu(one)], axis=-1)
    x = layers.Dense(6)(x)
    x = x + ops.expand_dims(ops.mean(x, axis=1), 1)
    x = ops.transpose(ops.reshape(x, (-1, 3, 12)), (0, 2, 1)) ** 2
    x = ops.clip(1 - x[:, 1:9, :], -1.0, 2.0) + 1 / (2 + ops.square(x[:, :8]))
    y = ops.einsum("abc,abc->ab", x, ops.exp(-x))
    flags = ops.where(one > 0.0, one, ops.zeros_like(one))
    return stirred(keras.Model([one, two], [ops.softmax(y), ops.sum(flags, axis=(1, 2)), ops.max(x, axis=-1)]))


def shared_and_nested():
    inner_entrance = keras.Input((4,), name="within")
    shared = layers.Dense(4, activation="tanh", name="shared")
    inner = keras.Model(
        inner_entrance, layers.BatchNormalization(name="norm")(shared(shared(inner_entrance))), name="inner"
    )
    block = keras.Sequential([layers.Dense(4, name="norm"), inner], name="block")
    entrance = keras.Input((4,), name="outside")
    x = inner(entrance)
    x = inner(layers.Add()([block(x), shared(x)]), training=False)
    return stirred(keras.Model(entrance, x, name="shared_and_nested"))


def named():
    """Dictionaries, names that TensorFlow does not like, and another order than that of the names."""
    parts = {"zeta": keras.Input((3,), name="zeta"), "alpha": keras.Input((5,), name="alpha")}
    x = layers.Concatenate(name="both of them")([parts["zeta"], parts["alpha"]])
    outputs = {"yes": layers.Dense(2, name="_yes")(x), "maybe": layers.Dense(3, name="may be")(x)}
    return stirred(keras.Model(parts, outputs, name="a model: named"))


def inner_by_name():
    """A model inside that is called with a dictionary."""
    a, b = keras.Input((3,), name="b"), keras.Input((3,), name="a")
    inner = keras.Model([a, b], layers.Subtract()([a, b]), name="inner")
    one, two = keras.Input((3,), name="one"), keras.Input((3,), name="two")
    return keras.Model([one, two], layers.Dense(2)(inner({"a": one, "b": two})), name="inner_by_name")


def each_step():
    inner = keras.Sequential(
        [keras.Input((6, 6, 1)), layers.Conv2D(3, 3), layers.BatchNormalization(), layers.Flatten()]
    )
    entrance = keras.Input((4, 6, 6, 1))
    x = layers.TimeDistributed(inner)(entrance)
    return stirred(keras.Model(entrance, layers.LSTM(3)(x), name="each_step"))


def half_precision():
    entrance = keras.Input((6,))
    x = layers.Dense(8, activation="relu", dtype="mixed_float16")(entrance)
    return stirred(keras.Model(entrance, layers.Dense(3, dtype="float32")(x), name="half_precision"))


def open_sizes():
    entrance = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 5, strides=2)(layers.ZeroPadding2D(((1, 2), (0, 1)))(entrance))
    x = layers.UpSampling2D(2, interpolation="bilinear")(layers.Conv2DTranspose(3, 3)(x))
    return stirred(keras.Model(entrance, layers.GlobalMaxPooling2D()(x), name="open_sizes"))


EVERY = (
    *(sequential, normalizations, recurrent, attention, operations, shared_and_nested, named, inner_by_name),
    *(each_step, half_precision, open_sizes),
)
