"""Which rows a count has, what they are called, and whose parameters and operators they hold."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import small_models
import tensorflow as tf
import tf_keras
from counted import counted, one, rows
from keras import layers

from inferspeed_magic.counting import inlining
from inferspeed_magic.formats.layer_names import layer_of
from inferspeed_magic.formats.tracing import trace
from inferspeed_magic.sources import live


def _attending():
    inputs = keras.Input((6, 8))
    encoder = keras.Sequential([keras.Input((6, 8)), layers.Dense(8), layers.LayerNormalization()], name="encoder")
    encoded = encoder(inputs)
    return keras.Model(inputs, layers.Dense(2)(layers.MultiHeadAttention(2, 3)(encoded, encoded) + encoded))


class Block(layers.Layer):
    """Has a layer inside, a weight of its own, and operations of its own."""

    def __init__(self, **options):
        super().__init__(**options)
        self.inner = layers.Dense(5, name="inner")
        self.idle = layers.Dense(7, name="idle")
        self.idle.build((None, 3))

    def build(self, shape):
        self.scale = self.add_weight(shape=(5,))
        self.inner.build(shape)

    def call(self, x):
        return keras.ops.tanh(self.inner(x)) * self.scale


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.block = Block(name="block")
        self.head = layers.Dense(2, name="head")
        self.own = self.add_weight(shape=(2,))

    def call(self, x):
        return {"first": self.head(self.block(x)) * self.own, "second": self.block(x)}


@pytest.mark.parametrize("make", small_models.EVERY, ids=lambda make: make.__name__)
def test_parameters_add_up(make):
    model = make()
    count = counted(model)
    assert count.params == model.count_params()
    assert not count.uncounted
    assert len({row.layer for row in count.layers}) == len(count.layers)


def test_a_subclassed_model():
    model = Subclassed()
    model(np.zeros((1, 4), "float32"))
    found = rows(model, 3)
    assert list(found) == ["block/inner", "block", "head", "block/idle", ""]
    assert [row.kind for row in found.values()] == ["Dense", "Block", "Dense", "Dense", "Subclassed"]
    assert [row.params for row in found.values()] == [25, 5, 12, 28, 2]
    # The block is called twice, and reads its weights in each call.
    assert found["block/inner"].macs == 2 * 3 * 4 * 5
    assert found["block/inner"].weight_bytes == 2 * 4 * 25
    assert found["block/inner"].kernels == 2 * 2
    assert found["block"].flops == 2 * 3 * (5 + 5)
    assert found[""].flops == 3 * 2
    assert found["block/idle"].kernels == found["block/idle"].weight_bytes == 0
    assert found["head"].output_shape == (2,)


def test_a_model_inside_a_model_that_is_called_twice():
    encoder = keras.Sequential(
        [keras.Input((8,)), layers.Dense(4, name="one"), layers.Dense(3, name="two")], name="encoder"
    )
    left, right = keras.Input((8,)), keras.Input((8,))
    model = keras.Model([left, right], layers.Dot(1, name="dot")([encoder(left), encoder(right)]))
    found = rows(model)
    assert list(found) == ["encoder/one", "encoder/two", "dot"]
    assert found["encoder/one"].macs == 2 * 8 * 4
    assert found["encoder/one"].params == 36
    assert found["encoder/one"].bytes_read == 2 * 4 * (36 + 8)
    assert found["encoder/two"].bytes_written == 2 * 4 * 3
    assert counted(model).params == model.count_params()


def test_operations_between_layers_have_rows():
    inputs = keras.Input((4,))
    dense = layers.Dense(4, name="dense")(inputs)
    model = keras.Model(inputs, keras.ops.softmax(dense + 1.0)[:, :2])
    found = counted(model).layers
    assert [row.kind for row in found] == ["Dense", "Add", "Softmax", "GetItem"]
    assert [row.flops for row in found] == [2 * 16 + 4, 4, 5 * 4, 0]
    assert found[-1].output_shape == (2,)


def test_layers_that_do_nothing_have_a_row_and_inputs_have_none():
    inputs = keras.Input((4, 2))
    model = keras.Model(inputs, layers.Dropout(0.5, name="drop")(layers.Flatten(name="flat")(inputs)))
    found = rows(model)
    assert list(found) == ["flat", "drop"]
    for row in found.values():
        assert (row.params, row.flops, row.kernels, row.bytes_read, row.bytes_written) == (0, 0, 0, 0, 0)
    assert found["flat"].output_shape == (8,)


def test_several_inputs_and_outputs():
    found = rows(small_models.two_and_two())
    assert sorted(row.kind for row in found.values()) == ["Dense", "Dense", "ReLU", "Subtract"]
    subtract = next(row for row in found.values() if row.kind == "Subtract")
    assert subtract.bytes_read == 2 * 5 * 4


def test_a_wrapper_that_does_not_call_what_is_inside_has_its_work_and_its_weights():
    inputs = keras.Input((6, 4))
    row = one(keras.Model(inputs, layers.TimeDistributed(layers.Dense(3))(inputs)))
    assert row.kind == "TimeDistributed"
    assert (row.params, row.macs) == (15, 6 * 4 * 3)


def test_a_model_with_an_attribute_named_cell_is_no_recurrent_layer():
    class Stepper(keras.Model):
        def __init__(self):
            super().__init__()
            self.cell = layers.LSTMCell(3, name="cell")
            self.head = layers.Dense(2, name="head")

        def call(self, x):
            zeros = keras.ops.zeros((1, 3))
            return self.head(self.cell(x, [zeros, zeros])[0])

    model = Stepper()
    model(np.zeros((1, 4), "float32"))
    assert set(rows(model)) == {"cell", "head"}


def test_a_layer_called_in_a_loop_of_tensorflow():
    class Mapped(layers.Layer):
        def __init__(self):
            super().__init__(name="mapped")
            self.inner = layers.Dense(4, name="inner")

        def build(self, shape):
            self.inner.build(shape[1:])

        def call(self, x):
            return tf.map_fn(self.inner, x)

    inputs = keras.Input((6, 3))
    model = keras.Model(inputs, Mapped()(inputs))
    found = rows(model, 5)
    assert found["mapped/inner"].macs == 5 * 6 * 3 * 4
    assert found["mapped/inner"].steps == 5
    assert found["mapped/inner"].weight_bytes == 5 * 4 * 16
    assert found["mapped/inner"].bytes_read == 5 * 4 * (16 + 6 * 3)


def _changed_by(function, shape=(4,)):
    inputs = keras.Input(shape)
    return counted(keras.Model(inputs, layers.Lambda(function, output_shape=shape)(inputs)))


def test_loops_count_as_often_as_they_run():
    once = _changed_by(keras.ops.tanh)
    looped = _changed_by(lambda x: keras.ops.fori_loop(0, 5, lambda _, value: keras.ops.tanh(value), x))
    assert looped.flops == 5 * once.flops
    assert looped.kernels == looped.depth == 5
    nested = _changed_by(
        lambda x: keras.ops.fori_loop(
            0, 5, lambda _, value: keras.ops.fori_loop(0, 3, lambda _, inner: keras.ops.tanh(inner), value), x
        )
    )
    assert nested.flops == 15 * once.flops
    assert not nested.uncounted


def test_a_loop_that_depends_on_its_input_counts_once_and_is_reported():
    count = _changed_by(
        lambda x: tf.while_loop(lambda value: tf.reduce_sum(value) < 100.0, lambda value: (value * 2.0,), [x])[0]
    )
    assert count.flops == 4
    assert count.uncounted in {("While",), ("StatelessWhile",)}


def test_a_recurrent_layer_whose_loop_does_not_tell_its_steps_has_those_of_its_input(monkeypatch):
    inputs = keras.Input((6, 4))
    model = keras.Model(inputs, layers.LSTM(5)(inputs))
    told = one(model)
    monkeypatch.setattr(inlining, "trip_count", lambda _: None)
    assert one(model) == told


def test_of_two_branches_the_one_with_more_work_counts():
    count = _changed_by(
        lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: tf.tanh(x), lambda: tf.tanh(tf.tanh(tf.tanh(x))))
    )
    assert count.flops == 3 * 4 + 4  # and the sum that decides
    assert not count.uncounted


def test_an_operator_without_a_rule_is_reported():
    count = _changed_by(lambda x: x + tf.linalg.svd(tf.reshape(x, (-1, 2, 2)), compute_uv=False)[:, :1])
    assert count.uncounted == ("Svd",)


def test_what_nobody_needs_does_not_count():
    count = _changed_by(lambda x: (tf.exp(x), tf.tanh(x))[1])
    assert (count.flops, count.kernels) == (4, 1)


def test_models_of_tf_keras():
    own = tf_keras.layers
    inputs = own.Input((6, 4))
    hidden = own.LSTM(5, return_sequences=True, name="lstm")(inputs)
    hidden = own.Bidirectional(own.GRU(3, name="gru"), name="both")(hidden)
    model = tf_keras.Model(inputs, own.Dense(2, name="head")(hidden) + 1.0)
    found = rows(model)
    assert list(found)[:4] == ["lstm", "both/forward_gru", "both/backward_gru", "both"]
    assert found["lstm"].macs == 6 * 4 * 5 * (4 + 5)
    assert found["lstm"].steps == 6
    assert found["lstm"].weight_bytes == 6 * 4 * found["lstm"].params
    assert found["head"].macs == 6 * 2
    assert counted(model).params == model.count_params()


@pytest.mark.parametrize("make", [small_models.cnn, small_models.embedding_lstm, small_models.mixed, _attending])
def test_names_are_those_that_operators_of_converted_files_lead_back_to(make):
    model = make()
    found = rows(model)
    signature, template = live.describe("model", model)
    traced = trace(live.portable(model, "keras", signature, template), 1)
    parts = {part for name in found for part in name.split("/")}
    products = [
        op.name for op in traced.graph.get_operations() if op.type in {"MatMul", "Conv2D", "Einsum", "GatherV2"}
    ]
    assert products
    assert {layer_of(name, parts) for name in products} <= set(found)


def test_images_in_tf_keras():
    own = tf_keras.layers
    model = tf_keras.Sequential(
        [
            own.Input((8, 8, 3)),
            own.Conv2D(4, 3),
            own.BatchNormalization(),
            own.SeparableConv2D(4, 3, dilation_rate=2),
            own.Flatten(),
            own.Dense(2),
        ]
    )
    found = list(rows(model).values())
    assert [row.macs for row in found] == [36 * 4 * 27, 0, 4 * 4 * 9 + 4 * 16, 0, 16 * 2]
    assert [row.kernels for row in found] == [2, 1, 3, 0, 2]
    assert sum(row.params for row in found) == model.count_params()
