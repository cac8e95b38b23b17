"""While one thread converts a model that stays in the kernel, another runs it: nothing it sees may have changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import small_models
from keras import layers

from inferspeed_magic.formats.layer_names import named_after_layers
from inferspeed_magic.formats.onnx_operators import emit_recurrent
from inferspeed_magic.formats.plain_operators import plain_operators, plain_products
from inferspeed_magic.formats.recurrent import lowered
from inferspeed_magic.formats.replacement import replaced
from inferspeed_magic.formats.tracing import in_float32
from inferspeed_magic.sources import live
from inferspeed_magic.sources.source import from_model


class Place:
    def answer(self):
        return "original"

    @property
    def state(self):
        return "original"


class Heir(Place):
    """What it replaces is not its own."""


def changed(original):
    return lambda place: f"not {original(place)}"


@pytest.fixture
def elsewhere():
    """Run something in another thread."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda function: pool.submit(function).result(60)


@pytest.mark.parametrize("kind", [Place, Heir])
def test_only_the_thread_that_replaces_sees_it_and_only_while_it_does(kind, elsewhere):
    def seen():
        return kind().answer(), kind().state

    before = dict(vars(kind))
    with replaced(kind, "answer", changed), replaced(kind, "state", changed):
        assert seen() == ("not original", "not original")
        assert elsewhere(seen) == ("original", "original")
    assert seen() == ("original", "original")
    assert dict(vars(kind)) == before


def test_a_function_may_be_replaced_again_by_the_same_thread():
    with replaced(Place, "answer", changed), replaced(Place, "answer", changed):
        assert Place().answer() == "not not original"
    assert Place().answer() == "original"


def test_what_a_version_of_a_library_lacks_needs_no_replacement():
    place = SimpleNamespace()
    with replaced(place, "missing", changed):
        assert not vars(place)


def test_two_threads_that_replace_the_same_wait_for_each_other_and_leave_the_original(elsewhere):
    def replace_and_see():
        with replaced(Place, "answer", changed):
            return Place().answer()

    with ThreadPoolExecutor(1) as pool:
        with replaced(Place, "answer", changed):
            other = pool.submit(replace_and_see)
            with pytest.raises(TimeoutError):
                other.result(0.2)
        assert other.result(60) == "not original"
    assert elsewhere(Place().answer) == Place().answer() == "original"


def recurrent():
    series = keras.Input((6, 4))
    return keras.Model(series, layers.GRU(3)(layers.LSTM(5, return_sequences=True, dropout=0.1)(series)))


def mixed():
    return keras.Sequential([layers.Input((7,)), layers.Dense(5, dtype="mixed_bfloat16"), layers.Dense(3)])


def operators():
    numbers = keras.Input((4,))
    codes = layers.Discretization([-0.5, 0.5])(numbers)
    return keras.Model(numbers, [layers.CategoryEncoding(3)(codes), keras.ops.signbit(numbers)])


def names_of(model):
    """Return the names of a graph's operators, which the program's own must not lose either."""
    import tensorflow as tf

    specs = [tf.TensorSpec((2, *each.shape[1:]), each.dtype) for each in model.inputs]
    traced = tf.function(model, autograph=False).get_concrete_function(*specs)
    return [each.name for each in traced.graph.get_operations()]


@pytest.mark.parametrize("make", [recurrent, mixed, operators], ids=lambda make: make.__name__)
def test_a_model_is_the_same_in_the_kernel_while_it_is_converted(make, elsewhere):
    model = small_models.stirred(make())
    source = from_model("m", model, "keras", None, None)
    portable = live.portable(model, "keras", source.signature, source.template)
    inputs = source.samples(2, seed=0)
    before, named = source.outputs(inputs), names_of(model)
    policies = [layer.compute_dtype for layer in model.layers]
    with (
        lowered(emit_recurrent),
        plain_operators(),
        plain_products(),
        named_after_layers(),
        in_float32(portable),
    ):
        assert {layer.compute_dtype for layer in model.layers} == {"float32"}
        assert elsewhere(lambda: [layer.compute_dtype for layer in model.layers]) == policies
        for mine, theirs in zip(elsewhere(lambda: source.outputs(inputs)), before, strict=True):
            np.testing.assert_array_equal(mine, theirs)
        assert elsewhere(lambda: names_of(model)) == named
    assert [layer.compute_dtype for layer in model.layers] == policies
