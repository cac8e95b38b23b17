"""What candidates are run with: real inputs are timed, and checked beside random ones."""

from __future__ import annotations

import numpy as np
import pytest
import small_models
from keras import Input, Model, layers, ops

from inferspeed_magic.profiling.samples import Samples
from inferspeed_magic.sources import array_files
from inferspeed_magic.sources.source import from_model


@pytest.fixture
def samples(tmp_path):
    return Samples(tmp_path, seed=0)


def same(first, second):
    return all(np.array_equal(mine, theirs) for mine, theirs in zip(first, second, strict=True))


def test_made_up_inputs_are_all_timed(samples):
    source = from_model("m", small_models.mlp(), "keras", None, None)
    files, batches = samples.inputs(source, 2)
    assert len(files) == len(batches) > 1
    assert samples.untimed(source, 2) == ()
    assert not same(batches[0], batches[1])


@pytest.mark.parametrize("count", [1, 3, 8])
def test_beside_real_inputs_random_ones_are_checked_but_not_timed(samples, count):
    model = small_models.mlp()
    real = np.full((count, *model.input_shape[1:]), 0.5, "float32")
    source = from_model("m", model, "keras", real, None)
    _, batches = samples.inputs(source, 2)
    assert samples.untimed(source, 2) == (1,)
    assert [same(batch, [real[:1].repeat(2, axis=0)]) for batch in batches] == [True, False] + [True] * (
        len(batches) - 2
    )


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "int8", "bool"])
def test_files_hold_what_the_model_is_run_with(samples, dtype):
    inputs = Input((3,), dtype=dtype)
    source = from_model("m", Model(inputs, ops.cast(inputs, "float32") * 2), "keras", None, None)
    (files, *_), (arrays, *_) = samples.inputs(source, 2)
    assert str(arrays[0].dtype) == dtype
    read = array_files.read(files[0])
    assert read.dtype == arrays[0].dtype
    np.testing.assert_array_equal(read, arrays[0])


def test_a_model_that_takes_no_random_inputs_is_checked_on_the_real_ones_alone(samples):
    inputs = Input((3,))
    model = Model(inputs, ops.log(layers.Dense(1, use_bias=False, kernel_initializer="ones")(inputs) - 100))
    source = from_model("m", model, "keras", np.full((4, 3), 60.0, "float32"), None)
    _, batches = samples.inputs(source, 2)
    assert samples.untimed(source, 2) == ()
    assert all((batch[0] == 60).all() for batch in batches)
