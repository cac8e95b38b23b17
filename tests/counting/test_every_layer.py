"""Every layer class of Keras that computes on numbers can be counted."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest
from counted import counted
from keras import layers

VECTOR, SEQUENCE, IMAGE, VOLUME = (8,), (6, 4), (8, 8, 3), (6, 6, 6, 2)
BY_RANK = {1: SEQUENCE, 2: IMAGE, 3: VOLUME}

#: What has no work of its own to count, or none on numbers.
LEFT_OUT = {
    "InputLayer": "stands for an input",
    "Layer": "abstract",
    "Wrapper": "abstract",
    "LSTMCell": "runs inside RNN",
    "GRUCell": "runs inside RNN",
    "SimpleRNNCell": "runs inside RNN",
    "StackedRNNCells": "runs inside RNN",
    "StringLookup": "text",
    "TextVectorization": "text",
    "MaxNumBoundingBoxes": "dictionaries of boxes, for training",
    "Pipeline": "preprocessing for tf.data; its layers are counted one by one",
    "FlaxLayer": "needs JAX",
    "JaxLayer": "needs JAX",
    "TorchModuleWrapper": "needs PyTorch",
    "TFSMLayer": "needs a SavedModel",
}
#: Layers that cannot be made, or not be called, with what the rest takes: arguments, and the shapes of the inputs.
MADE_WITH = {
    "Activation": (("gelu",), [SEQUENCE]),
    "AlphaDropout": ((0.5,), [SEQUENCE]),
    "CenterCrop": ((4, 4), [IMAGE]),
    "Dense": ((4,), [SEQUENCE]),
    "Dot": ((2,), [SEQUENCE, SEQUENCE]),
    "Discretization": (([0.0, 1.0],), [SEQUENCE]),
    "Dropout": ((0.5,), [SEQUENCE]),
    "EinsumDense": (("abc,cd->abd", (None, 7)), [SEQUENCE]),
    "GaussianDropout": ((0.5,), [SEQUENCE]),
    "GaussianNoise": ((0.5,), [SEQUENCE]),
    "GroupNormalization": ((2,), [SEQUENCE]),
    "GroupQueryAttention": ((3, 4, 2), [SEQUENCE, SEQUENCE]),
    "Lambda": ((lambda x: x * 2,), [SEQUENCE]),
    "MelSpectrogram": ((64, 16), [(256,)]),
    "MultiHeadAttention": ((2, 3), [SEQUENCE, SEQUENCE]),
    "Permute": (((2, 1),), [SEQUENCE]),
    "RandomCrop": ((4, 4), [IMAGE]),
    "RandomPosterization": ((4,), [IMAGE]),
    "RandomTranslation": ((0.1, 0.1), [IMAGE]),
    "RandomZoom": ((0.2,), [IMAGE]),
    "RepeatVector": ((3,), [VECTOR]),
    "Rescaling": ((2.0,), [SEQUENCE]),
    "Reshape": (((-1,),), [SEQUENCE]),
    "Resizing": ((5, 5), [IMAGE]),
    "STFTSpectrogram": (("log", 64, 16, 64), [(256, 1)]),
}
ON_PAIRS = {
    "Add", "AdditiveAttention", "Attention", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract",
}  # fmt: skip
ON_INTEGERS = {
    "CategoryEncoding": (5,),
    "Embedding": (9, 4),
    "Hashing": (5,),
    "IntegerLookup": (None, 1, None, -1, [1, 2, 3]),
    "ReversibleEmbedding": (9, 4),
}
IMAGES = {
    "AugMix", "AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "CutMix", "Equalization", "MixUp",
    "RandAugment", "Solarization",
}  # fmt: skip
#: What these do needs an operator that is no data movement.
COMPUTING = {"Dense", "Conv2D", "LSTM", "Softmax", "LayerNormalization", "MelSpectrogram", "Resizing"}


class Calling(keras.Model):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, x):
        return self.layer(x)


def _classes():
    found = {}
    for name in dir(layers):
        kind = getattr(layers, name)
        if inspect.isclass(kind) and issubclass(kind, layers.Layer):
            found.setdefault(kind, name)
    # Of two names for one class the class's own.
    return sorted({kind.__name__ if hasattr(layers, kind.__name__) else name for kind, name in found.items()})


def _made(name):
    """Make a layer and its inputs."""
    kind = getattr(layers, name)
    if name == "HashedCrossing":
        return kind(5), tuple(keras.Input((1,), dtype="int32") for _ in range(2))
    if name in ON_PAIRS:
        return kind(), [keras.Input(SEQUENCE) for _ in range(2)]
    if name in ON_INTEGERS:
        return kind(*ON_INTEGERS[name]), keras.Input((5,), dtype="int32")
    if name in {"Bidirectional", "RNN", "TimeDistributed", "SpectralNormalization"}:
        inner = {"Bidirectional": layers.LSTM, "RNN": layers.LSTMCell}.get(name, layers.Dense)(3)
        return kind(inner), keras.Input(SEQUENCE)
    if name in MADE_WITH:
        arguments, shapes = MADE_WITH[name]
        return kind(*arguments), [keras.Input(shape) for shape in shapes]
    return _by_family(name, kind)


def _by_family(name, kind):
    rank = next((int(digit) for digit in "123" if f"{digit}D" in name), None)
    if name in IMAGES or name.startswith("Random"):
        factor = inspect.signature(kind).parameters.get("factor")
        arguments = [0.2] if factor is not None and factor.default is factor.empty else []
        return kind(*arguments), keras.Input(IMAGE)
    if name.startswith("ConvLSTM"):
        return kind(3, 3), keras.Input((4, *BY_RANK[rank]))
    if rank and "Conv" in name:
        return kind(*((3,) if name.startswith("Depthwise") else (4, 3))), keras.Input(BY_RANK[rank])
    if rank:
        arguments = () if name.startswith("Global") else (0.5,) if "Dropout" in name else (2,)
        return kind(*arguments), keras.Input(BY_RANK[rank])
    return kind(*((5,) if name in {"LSTM", "GRU", "SimpleRNN"} else ())), keras.Input(SEQUENCE)


def _called(layer, inputs):
    if isinstance(layer, layers.MultiHeadAttention | layers.GroupQueryAttention):
        return layer(*inputs)
    return layer(inputs[0] if isinstance(inputs, list) and len(inputs) == 1 else inputs)


@pytest.mark.parametrize("name", [name for name in _classes() if name not in LEFT_OUT])
@pytest.mark.filterwarnings("ignore")
def test_a_layer_is_counted(name):
    layer, inputs = _made(name)
    if name == "Equalization":  # it cannot be part of a functional model: Keras finds a cycle in it
        model = Calling(layer)
        model(np.zeros((1, *IMAGE), "float32"))
    else:
        model = keras.Model(inputs, _called(layer, inputs))
    count = counted(model, 2)
    assert not count.uncounted
    assert count.params == model.count_params()
    assert count.depth <= count.kernels
    assert count.activation_bytes > 0
    mine = [row for row in count.layers if row.layer.split("/")[0] == layer.name]
    assert mine
    assert all(row.flops >= 2 * row.macs >= 0 and row.bytes_read >= row.weight_bytes for row in mine)
    assert any(row.kernels for row in mine) == any(row.bytes_written for row in mine)
    if layer.weights and not name.endswith("Normalization"):
        assert sum(row.weight_bytes for row in mine) > 0
    if name in COMPUTING:
        assert sum(row.flops for row in mine) > 0


def test_what_is_left_out_exists():
    assert set(LEFT_OUT) <= set(_classes())
