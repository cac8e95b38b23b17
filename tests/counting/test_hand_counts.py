"""Layers whose multiply-accumulates and operations were worked out by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from counted import counted, one, rows
from keras import layers


def alone(layer, *shapes):
    inputs = [keras.Input(shape) for shape in shapes]
    return keras.Model(inputs, layer(*inputs))


#: Layer, shape of its input, multiply-accumulates of one sample, and further operations.
PRODUCTS = {
    "dense": (lambda: layers.Dense(5, activation="relu"), (7,), 7 * 5, 5 + 5),
    "dense without a bias": (lambda: layers.Dense(5, use_bias=False), (3, 7), 3 * 7 * 5, 0),
    "einsum dense": (lambda: layers.EinsumDense("abc,cde->abde", (4, 2, 3)), (4, 5), 4 * 5 * 6, 0),
    "conv1d": (lambda: layers.Conv1D(4, 3), (10, 2), 8 * 4 * 3 * 2, 8 * 4),
    "conv1d causal, dilated": (lambda: layers.Conv1D(4, 3, padding="causal", dilation_rate=2), (10, 2), 240, 40),
    "conv2d": (lambda: layers.Conv2D(4, (3, 2)), (9, 8, 5), 7 * 7 * 4 * 6 * 5, 7 * 7 * 4),
    "conv2d same": (lambda: layers.Conv2D(4, 3, padding="same"), (9, 8, 5), 9 * 8 * 4 * 9 * 5, 9 * 8 * 4),
    "conv2d strided": (lambda: layers.Conv2D(4, 3, strides=2, padding="same"), (9, 8, 5), 5 * 4 * 4 * 45, 80),
    "conv2d dilated": (lambda: layers.Conv2D(4, 3, dilation_rate=2), (9, 8, 5), 5 * 4 * 4 * 45, 5 * 4 * 4),
    "conv2d dilated by three": (lambda: layers.Conv2D(4, 3, dilation_rate=3), (9, 8, 5), 3 * 2 * 4 * 45, 24),
    "conv2d in groups": (lambda: layers.Conv2D(6, 3, groups=2, use_bias=False), (9, 8, 4), 7 * 6 * 6 * 9 * 2, 0),
    "conv3d": (lambda: layers.Conv3D(2, 2, strides=2), (6, 6, 6, 3), 27 * 2 * 8 * 3, 27 * 2),
    "conv3d dilated": (lambda: layers.Conv3D(2, 2, dilation_rate=2), (6, 6, 6, 3), 64 * 2 * 8 * 3, 64 * 2),
    "depthwise": (lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), (8, 8, 4), 36 * 8 * 9, 36 * 8),
    "depthwise dilated": (lambda: layers.DepthwiseConv2D(3, dilation_rate=2, use_bias=False), (8, 8, 4), 16 * 36, 0),
    "depthwise1d": (lambda: layers.DepthwiseConv1D(3), (8, 4), 6 * 4 * 3, 6 * 4),
    "separable": (lambda: layers.SeparableConv2D(5, 3), (8, 8, 4), 36 * 4 * 9 + 36 * 4 * 5, 36 * 5),
    "separable1d": (lambda: layers.SeparableConv1D(5, 3), (8, 4), 6 * 4 * 3 + 6 * 4 * 5, 6 * 5),
    # Every input is multiplied with the whole kernel.
    "transposed 1d": (lambda: layers.Conv1DTranspose(4, 3, strides=2), (8, 2), 8 * 2 * 3 * 4, 17 * 4),
    "transposed 2d": (lambda: layers.Conv2DTranspose(4, 3, use_bias=False), (8, 8, 2), 64 * 2 * 9 * 4, 0),
    "transposed 3d": (lambda: layers.Conv3DTranspose(4, 2, use_bias=False), (4, 4, 4, 2), 64 * 2 * 8 * 4, 0),
    "average pooling": (lambda: layers.AveragePooling2D(3), (9, 9, 2), 0, 9 * 2 * 9),
    "largest of 2x2": (layers.MaxPooling2D, (8, 8, 2), 0, 16 * 2 * 4),
    "global average": (layers.GlobalAveragePooling2D, (8, 8, 2), 0, 128),
    "batch normalization": (layers.BatchNormalization, (8, 8, 2), 0, 2 * 128),
    "softmax": (layers.Softmax, (8,), 0, 5 * 8),
    "relu": (layers.ReLU, (8,), 0, 8),
    "flatten": (layers.Flatten, (8, 2), 0, 0),
    "dropout": (lambda: layers.Dropout(0.5), (8, 2), 0, 0),
    "permute": (lambda: layers.Permute((2, 1)), (8, 2), 0, 0),
    "zero padding": (layers.ZeroPadding2D, (8, 8, 2), 0, 0),
    "rescaling": (lambda: layers.Rescaling(1 / 255), (8, 8, 2), 0, 2 * 128),
}


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_one_layer(name, batch_size):
    make, shape, macs, more = PRODUCTS[name]
    model = alone(make(), shape)
    row = one(model, batch_size)
    assert row.macs == macs * batch_size
    assert row.flops == (2 * macs + more) * batch_size
    assert row.params == model.count_params()
    assert row.weight_bytes == 4 * row.params
    assert row.output_shape == model.output_shape[1:]
    assert row.steps == 1


UNITS, FEATURES, STEPS = 5, 3, 7
GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("options", [{}, {"go_backwards": True}, {"return_sequences": True}], ids=str)
def test_recurrent_layers_repeat_their_products(kind, options):
    model = alone(getattr(layers, kind)(UNITS, **options), (STEPS, FEATURES))
    row = one(model, 2)
    assert row.macs == 2 * STEPS * GATES[kind] * UNITS * (FEATURES + UNITS)
    assert row.steps == STEPS
    assert row.params == model.count_params()
    assert row.weight_bytes == STEPS * 4 * row.params
    assert row.bytes_read - row.weight_bytes == 2 * STEPS * FEATURES * 4
    assert row.bytes_written == 2 * 4 * UNITS * (STEPS if "return_sequences" in options else 1)
    assert row.output_shape == model.output_shape[1:]


@pytest.mark.parametrize("kind", GATES)
def test_the_first_step_of_an_unrolled_layer_has_no_state_to_multiply(kind):
    model = alone(getattr(layers, kind)(UNITS, unroll=True), (STEPS, FEATURES))
    row = one(model)
    assert row.macs == GATES[kind] * UNITS * (STEPS * FEATURES + (STEPS - 1) * UNITS)
    assert row.steps == STEPS
    assert row.weight_bytes == pytest.approx(STEPS * 4 * row.params, rel=0.15)


def test_both_directions_have_a_row():
    model = alone(
        layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True, name="lstm"), name="both"), (STEPS, FEATURES)
    )
    found = rows(model)
    assert list(found) == ["both/forward_lstm", "both/backward_lstm", "both"]
    assert [row.kind for row in found.values()] == ["LSTM", "LSTM", "Bidirectional"]
    for name in ("forward_lstm", "backward_lstm"):
        assert found[f"both/{name}"].macs == STEPS * 4 * UNITS * (FEATURES + UNITS)
    assert found["both"].params == found["both"].macs == 0
    assert found["both"].bytes_read == STEPS * 2 * UNITS * 4  # to put side by side


def test_convolutional_recurrence():
    row = one(alone(layers.ConvLSTM2D(2, 3, padding="same"), (4, 6, 6, 3)))
    assert row.macs == 4 * 36 * 4 * 2 * 9 * (3 + 2)
    assert row.steps == 4


def test_stacked_cells_are_one_layer():
    model = alone(layers.RNN([layers.LSTMCell(5), layers.GRUCell(4)]), (6, 3))
    row = one(model)
    assert row.kind == "RNN"
    assert row.macs == 6 * (4 * 5 * (3 + 5) + 3 * 4 * (5 + 4))
    assert row.params == model.count_params()


def test_a_mask_counts_and_does_not_change_the_products():
    tokens = keras.Input((6,), dtype="int32")
    plain, masked = (layers.LSTM(5)(layers.Embedding(9, 4, mask_zero=zero)(tokens)) for zero in (False, True))
    without, with_mask = (counted(keras.Model(tokens, each)) for each in (plain, masked))
    assert with_mask.macs == without.macs
    assert with_mask.flops > without.flops


def test_attention():
    queries, keys, width, heads, size = 6, 4, 8, 2, 3
    model = alone(layers.MultiHeadAttention(heads, size, name="attention"), (queries, width), (keys, width))
    found = rows(model)
    inside = {name: row.macs for name, row in found.items()}
    assert inside == {
        "attention/query": queries * width * heads * size,
        "attention/key": keys * width * heads * size,
        "attention/value": keys * width * heads * size,
        "attention/attention_output": queries * width * heads * size,
        "attention": 2 * heads * queries * keys * size,
    }
    assert found["attention"].params == 0
    softmax = heads * queries * keys * 5
    scaled = heads * queries * keys
    assert found["attention"].flops == 2 * inside["attention"] + softmax + scaled


def test_grouped_attention_has_fewer_keys_and_values():
    found = rows(alone(layers.GroupQueryAttention(3, 4, 2, name="grouped"), (6, 8), (6, 8)))
    by_name = {name.rpartition("/")[2]: row.macs for name, row in found.items()}
    assert by_name["query"] == 6 * 8 * 4 * 3
    assert by_name["key"] == by_name["value"] == 6 * 8 * 2 * 3
    assert by_name["grouped"] == 2 * 4 * 6 * 6 * 3


def test_an_embedding_reads_the_rows_that_it_takes():
    tokens = keras.Input((6,), dtype="int32")
    row = one(keras.Model(tokens, layers.Embedding(1000, 16)(tokens)), 2)
    assert (row.params, row.macs) == (16_000, 0)
    assert row.weight_bytes == 2 * 6 * 16 * 4
    assert row.bytes_read == row.weight_bytes + 2 * 6 * 4
    assert row.bytes_written == 2 * 6 * 16 * 4
    small = one(keras.Model(tokens, layers.Embedding(3, 16)(tokens)), 2)
    assert small.weight_bytes == 3 * 16 * 4  # the whole of it


@pytest.mark.parametrize("mode", ["int8", "int4"])
@pytest.mark.filterwarnings("ignore:Layer InputLayer does not have a `quantize` method:UserWarning")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_quantized_layers_count_as_before(mode):
    inputs = keras.Input((16,))
    model = keras.Sequential([inputs, layers.Dense(32, name="first"), layers.Dense(8, name="last")])
    before = counted(model)
    model.quantize(mode)
    after = counted(model)
    assert after.macs == before.macs == 16 * 32 + 32 * 8
    assert after.params == model.count_params()
    assert after.weight_bytes < before.weight_bytes
    assert after.kernels >= before.kernels
    assert not after.uncounted


def test_mixed_precision_halves_the_activations():
    whole, half = (alone(layers.Conv2D(4, 3, dtype=policy), (8, 8, 2)) for policy in ("float32", "mixed_float16"))
    assert one(half).macs == one(whole).macs
    assert one(half).weight_bytes == one(whole).weight_bytes  # weights are kept, and cast once
    assert one(half).bytes_written == one(whole).bytes_written / 2


def test_a_stateful_layer_can_be_counted():
    inputs = keras.Input((STEPS, FEATURES), batch_size=2)
    model = keras.Model(inputs, layers.LSTM(UNITS, stateful=True)(inputs))
    row = one(model, 2)
    assert row.macs == 2 * STEPS * 4 * UNITS * (FEATURES + UNITS)
    assert row.params == model.count_params()
    assert not np.any([state.numpy() for state in model.layers[-1].states])  # nothing ran
