"""Models whose weights need few singular values, one for each way in which layers are put together."""

import keras
import numpy as np
import tf_keras
from keras import layers


def of_low_rank(model, seed=0, noise=1e-3):
    """Fill every kernel with a matrix of an eighth of the rank it could have, and a little noise."""
    draw = np.random.default_rng(seed)
    for variable in model.weights:
        shape = tuple(variable.shape)
        if len(shape) >= 2:
            rows = int(np.prod(shape[:-1]))
            rank = max(1, min(rows, shape[-1]) // 8)
            values = draw.standard_normal((rows, rank)) @ draw.standard_normal((rank, shape[-1])) / np.sqrt(rank * rows)
            values += noise * draw.standard_normal(values.shape)
            variable.assign(values.reshape(shape).astype("float32"))
        elif len(shape) == 1:
            variable.assign(draw.uniform(0.5, 1, shape).astype("float32"))
    return model


class Factor(layers.Layer):
    """A user's own layer, without ``**kwargs``."""

    def __init__(self):
        super().__init__()

    def build(self, shape):
        self.weight = self.add_weight(shape=(shape[-1],))

    def call(self, x):
        return x * self.weight


def intricate():
    """Shared layers, models in models, a user's own layer, dictionaries in and out."""
    picture, vector = keras.Input((16, 16, 3), name="zeta"), keras.Input((64,), name="alpha")
    sequence = keras.Input((10, 32), name="sequence")
    hidden = keras.Input((64,))
    inner = keras.Model(hidden, layers.Dense(64)(layers.Dense(64, activation="relu")(hidden)), name="inner")
    shared = layers.Dense(64, activation="gelu", name="shared")
    seen = layers.Conv2D(32, 3, strides=2, activation="relu")(picture)
    seen = layers.Conv2D(64, 3, padding="same", dilation_rate=2, use_bias=False)(seen)
    seen = layers.GlobalAveragePooling2D()(layers.Conv2D(64, 1)(seen))
    both = Factor()(shared(inner(vector))) + shared(inner(seen))
    read = layers.EinsumDense("abc,cd->abd", output_shape=(None, 64), bias_axes="d")(sequence)
    read = layers.EinsumDense("...c,cde->...de", output_shape=(8, 16), bias_axes="de", activation="relu")(read)
    read = layers.EinsumDense("abcd,cde->abe", output_shape=(None, 64))(read)
    read = layers.GlobalAveragePooling1D()(layers.MultiHeadAttention(4, 16)(read, read))
    outputs = {"yes": both + read, "maybe": layers.Dense(3)(both)}
    return of_low_rank(keras.Model({"zeta": picture, "alpha": vector, "sequence": sequence}, outputs))


def without_input():
    model = keras.Sequential([layers.Dense(128, activation="relu"), layers.Dense(128)])
    model.build((None, 64))
    return of_low_rank(model)


def in_tf_keras():
    own = tf_keras.layers
    picture = own.Input((16, 16, 3))
    inner = tf_keras.Sequential([own.Input((32,)), own.Dense(64, activation="relu"), own.Dense(64)])
    seen = own.GlobalAveragePooling2D()(own.Conv2D(32, 3, strides=2, activation="relu")(picture))
    seen = inner(seen) * 2 + 1
    return of_low_rank(tf_keras.Model(picture, [own.Dense(128)(seen), own.Dense(64)(seen)]))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.last = layers.Dense(64), layers.Dense(64)

    def call(self, x):
        return self.last(self.first(x))


def subclassed():
    model = Subclassed()
    model(np.zeros((1, 64), "float32"))
    return of_low_rank(model)


def only_convolutions():
    return of_low_rank(keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(8, 3), layers.Flatten()]))
