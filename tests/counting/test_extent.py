"""Bytes that pass between layers, depth, and memory of activations."""

from __future__ import annotations

import keras
import pytest
from counted import counted, rows
from keras import layers

ITEM = 4


def test_each_layer_reads_what_comes_in_and_writes_what_goes_out():
    inputs = keras.Input((8, 8, 2))
    hidden = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(inputs)
    flat = layers.Flatten(name="flat")(layers.MaxPooling2D(name="pool")(hidden))
    found = rows(keras.Model(inputs, layers.Dense(3, name="head")(flat)), 2)
    image, map_, pooled = (2 * ITEM * size for size in (128, 256, 64))
    assert (found["conv"].bytes_read, found["conv"].bytes_written) == (image + ITEM * 76, map_)
    assert (found["pool"].bytes_read, found["pool"].bytes_written) == (map_, pooled)
    assert (found["flat"].bytes_read, found["flat"].bytes_written) == (0, 0)  # another name for the same memory
    assert (found["head"].bytes_read, found["head"].bytes_written) == (pooled + ITEM * (64 * 3 + 3), 2 * ITEM * 3)
    assert found["conv"].arithmetic_intensity == found["conv"].flops / (image + ITEM * 76 + map_)


def test_a_tensor_counts_once_for_each_layer_that_takes_it():
    inputs = keras.Input((10,))
    squared = layers.Multiply(name="square")([inputs, inputs])
    model = keras.Model(inputs, [layers.ReLU(name="one")(squared), layers.ReLU(name="two")(squared)])
    found = rows(model)
    assert [found[name].bytes_read for name in ("square", "one", "two")] == [40, 40, 40]
    assert [found[name].bytes_written for name in ("square", "one", "two")] == [40, 40, 40]


def test_states_pass_from_encoder_to_decoder():
    source, target = keras.Input((5, 2)), keras.Input((4, 2))
    _, *states = layers.LSTM(8, return_state=True, name="encoder")(source)
    model = keras.Model([source, target], layers.LSTM(8, name="decoder")(target, initial_state=states))
    found = rows(model)
    assert found["encoder"].bytes_written == 2 * 8 * ITEM
    decoder = found["decoder"]
    assert decoder.bytes_read - decoder.weight_bytes == ITEM * (4 * 2 + 2 * 8)


def test_depth_is_that_of_the_longest_path():
    inputs = keras.Input((4,))
    long = layers.ReLU()(layers.ReLU()(layers.ReLU()(inputs)))
    branched = counted(keras.Model(inputs, layers.Add()([long, layers.ReLU()(inputs)])))
    assert (branched.depth, branched.kernels) == (4, 5)
    views = counted(keras.Model(inputs, layers.Reshape((2, 2))(layers.ReLU()(inputs))))
    assert views.depth == 1


@pytest.mark.parametrize("steps", [3, 9])
def test_depth_grows_with_the_steps_of_a_loop(steps):
    inputs = keras.Input((steps, 2))
    count = counted(keras.Model(inputs, layers.SimpleRNN(3)(inputs)))
    per_step = 4  # product, sum, bias, tanh
    assert count.depth - per_step * steps <= 2
    assert count.depth >= per_step * steps


def test_memory_of_a_chain_is_its_widest_place():
    inputs = keras.Input((100,))
    hidden = layers.Dense(1000, use_bias=False)(inputs)
    count = counted(keras.Model(inputs, layers.Dense(10, use_bias=False)(hidden)))
    assert count.activation_bytes == ITEM * (100 + 1000)
    # What works element by element writes over its input.
    in_place = layers.ReLU()(layers.ReLU()(hidden))
    count = counted(keras.Model(inputs, layers.Dense(10, use_bias=False)(in_place)))
    assert count.activation_bytes == ITEM * (100 + 1000)


def test_memory_is_kept_for_what_is_needed_later():
    inputs = keras.Input((1000,))
    first = layers.Dense(1000, use_bias=False)(inputs)
    second = layers.Dense(1000, use_bias=False)(first)
    chain = counted(keras.Model(inputs, layers.Dense(1000, use_bias=False)(second)))
    residual = counted(keras.Model(inputs, layers.Add()([layers.Dense(1000, use_bias=False)(second), first])))
    assert chain.activation_bytes == ITEM * 2000
    assert residual.activation_bytes == ITEM * 3000
    both = counted(keras.Model(inputs, [first, second, layers.Dense(1000, use_bias=False)(second)]))
    assert both.activation_bytes == ITEM * 3000


def test_work_on_weights_alone_is_done_before():
    inputs = keras.Input((6,))
    plain = counted(keras.Model(inputs, layers.Dense(5, use_bias=False)(inputs)))
    dense = layers.Dense(5, use_bias=False)
    model = keras.Model(inputs, dense(inputs))
    dense.enable_lora(2)
    adapted = counted(model)
    assert adapted.params == model.count_params()
    assert adapted.kernels >= plain.kernels
    positions = keras.ops.sin(keras.ops.arange(6, dtype="float32"))
    shifted = counted(keras.Model(inputs, layers.Dense(5, use_bias=False)(inputs + positions)))
    assert shifted.flops == plain.flops + 6


def test_what_each_step_of_a_loop_reads_from_outside_counts_in_each():
    begin, factor = keras.Input((4,)), keras.Input((4,))
    loop = layers.Lambda(
        lambda pair: keras.ops.fori_loop(0, 5, lambda _, value: value * pair[1], pair[0]), output_shape=(4,)
    )
    (row,) = counted(keras.Model([begin, factor], loop([begin, factor]))).layers
    assert row.bytes_read == ITEM * 4 * (1 + 5)
    assert row.bytes_written == ITEM * 4
