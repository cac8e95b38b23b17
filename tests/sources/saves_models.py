"""Run as a program: makes models of classes that only this program has, and writes them for other processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np
import tf_keras
from keras import layers

from inferspeed_magic.sources.inputs import made_up
from inferspeed_magic.sources.kinds import object_kind
from inferspeed_magic.sources.source import from_model


class Plain(layers.Layer):
    """Takes no ``**kwargs``: its configuration holds more than it takes."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def build(self, shape):
        self.weight = self.add_weight(shape=(shape[-1],), initializer="random_normal")

    def call(self, x):
        return x * self.weight * self.factor

    def get_config(self):
        return super().get_config() | {"factor": self.factor}


class Polite(layers.Layer):
    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = units
        self.inner = layers.Dense(units)

    def build(self, shape):
        self.inner.build(shape)

    def call(self, x):
        return keras.ops.tanh(self.inner(x))

    def get_config(self):
        return super().get_config() | {"units": self.units}


class Whole(keras.Model):
    """A subclassed model, with a layer of its own inside."""

    def __init__(self):
        super().__init__()
        self.first = Polite(4)
        self.last = layers.Dense(2)

    def call(self, x):
        return self.last(self.first(x))


def bent(x):
    return keras.ops.where(x > 0, x, 0.1 * x)


class Old(tf_keras.layers.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return super().get_config() | {"factor": self.factor}


def models():
    inputs = keras.Input((5,))
    yield "plain", keras.Model(inputs, layers.Dense(2)(Plain(3.0)(inputs)))
    inputs = keras.Input((5,))
    inner = keras.Sequential([layers.Input((5,)), Polite(3)])
    yield "polite_nested", keras.Model(inputs, layers.Dense(2)(inner(inputs)))
    whole = Whole()
    whole(np.zeros((1, 5), "float32"))
    yield "whole", whole
    yield "activation", keras.Sequential([layers.Input((5,)), layers.Dense(3, activation=bent)])
    mixed = keras.Sequential([layers.Input((5,)), layers.Lambda(lambda x: x * 2), layers.Dense(2)])
    yield "own_lambda", mixed
    own = tf_keras.layers
    yield "old", tf_keras.Sequential([own.Input((5,)), Old(2.0), own.Dense(2)])


if __name__ == "__main__":
    root = Path(sys.argv[1])
    names = []
    for name, model in models():
        source = from_model(name, model, object_kind(model), None, None)
        source.write_portable(root / name)
        arrays = made_up(source.signature, 3, seed=0)
        np.savez(root / f"{name}_in.npz", *arrays)
        np.savez(root / f"{name}_out.npz", *source.outputs(arrays))
        names.append(name)
    print(json.dumps(names))
