from __future__ import annotations

import numpy as np
import pytest

from inferspeed_magic.records.signature import Signature, TensorSpec
from inferspeed_magic.sources.idle import idle, takes_numbers

INPUTS = (
    TensorSpec("picture", (8, 8, 3), "float32"),
    TensorSpec("words", (12,), "int32"),
    TensorSpec("number", (), "float32"),
)


@pytest.mark.parametrize("kind", ["keras", "tf_keras"])
@pytest.mark.parametrize("fixed", [None, 4])
def test_it_takes_what_the_model_takes(kind, fixed):
    pytest.importorskip(kind)
    source = idle("idle_0", kind, Signature(INPUTS, fixed_batch=fixed))
    assert [(spec.shape, spec.dtype) for spec in source.signature.inputs] == [
        (spec.shape, spec.dtype) for spec in INPUTS
    ]
    assert source.signature.fixed_batch == fixed
    arrays = source.samples(4, seed=0)
    outputs = source.outputs([array[:4] for array in arrays])
    assert [output.reshape(4).tolist() for output in outputs] == [
        array[:4].reshape(4, -1)[:, 0].tolist() for array in arrays
    ]


def test_it_has_no_weights():
    assert not idle("idle_0", "keras", Signature(INPUTS)).model.weights


def test_strings_are_another_matter():
    assert takes_numbers(Signature(INPUTS))
    assert not takes_numbers(Signature((TensorSpec("text", (), "str"),)))


def test_zeros_of_kernels_are_counted_and_those_of_tables_are_not():
    keras = pytest.importorskip("keras")
    from inferspeed_magic.sources.weight_values import zero_share

    layers = keras.layers
    model = keras.Sequential([keras.Input((4,)), layers.Embedding(100, 8), layers.Flatten(), layers.Dense(2)])
    table, dense = model.layers[0], model.layers[2]
    table.set_weights([np.zeros((100, 8), "float32")])
    kernel = np.ones((32, 2), "float32")
    kernel[:16] = 0
    dense.set_weights([kernel, np.zeros(2, "float32")])
    assert zero_share(model) == 0.5
