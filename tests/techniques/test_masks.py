"""The smallest weights go, in the pattern that was asked for, and training does not bring them back."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferspeed_magic.techniques.clusters import clustered, distinct
from inferspeed_magic.techniques.kernels import kernels_of
from inferspeed_magic.techniques.masks import fits, kept_zero, mask_of, sparsity_of

#: Of tensorflow-model-optimization, when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:distutils Version classes:DeprecationWarning")


def drawn(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


@given(st.sampled_from([(20, 30), (3, 3, 7, 5), (2, 3, 4)]), st.sampled_from([0.1, 0.5, 0.8, 0.95]), st.integers(0, 5))
def test_the_smallest_weights_go(shape, sparsity, seed):
    kernel = drawn(shape, seed)
    mask = mask_of(kernel, sparsity)
    assert sparsity_of([mask]) == pytest.approx(sparsity, abs=1 / mask.size)
    assert np.abs(kernel[mask == 0]).max() <= np.abs(kernel[mask == 1]).min()
    assert mask.dtype == kernel.dtype


@pytest.mark.parametrize("shape", [(16, 9), (3, 3, 8, 4), (6, 5), (3, 2, 7, 3)])
def test_two_of_four_neighbours_along_the_inputs_stay(shape):
    kernel = drawn(shape)
    mask = np.moveaxis(mask_of(kernel, 0.5, "two_in_four"), -2, -1)
    sizes = np.abs(np.moveaxis(kernel, -2, -1))
    for start in range(0, mask.shape[-1], 4):
        stays, size = mask[..., start : start + 4], sizes[..., start : start + 4]
        assert (stays.sum(-1) == min(2, stays.shape[-1])).all()
        if stays.shape[-1] > 2:
            assert (np.where(stays > 0, size, np.inf).min(-1) >= np.where(stays > 0, 0, size).max(-1)).all()


def test_blocks_go_together():
    mask = mask_of(drawn((18, 16)), 0.75, "blocks")
    for row in range(0, 18, 4):
        for column in range(0, 16, 4):
            assert len(np.unique(mask[row : row + 4, column : column + 4])) == 1
    assert sparsity_of([mask]) == pytest.approx(0.75, abs=0.06)


def test_what_cannot_have_a_pattern_stays():
    assert not fits((3, 4, 5), "two_in_four")
    assert not fits((3, 3, 8, 8), "blocks")
    assert mask_of(drawn((3, 4, 5)), 0.9, "two_in_four").all()


def test_patterns_are_those_of_tfmot():
    """Its own functions make the same masks."""
    import tensorflow as tf
    from tensorflow_model_optimization.python.core.sparsity.keras import pruning_utils

    for shape in ((16, 9), (3, 3, 8, 4), (3, 3, 6, 4)):
        kernel = tf.constant(drawn(shape))
        mask = pruning_utils.generate_m_by_n_mask(pruning_utils.weights_rearrange(kernel), (2, 4))
        theirs = pruning_utils.m_by_n_sparsity_mask_prepare(mask, kernel.shape).numpy()
        np.testing.assert_array_equal(theirs, mask_of(kernel.numpy(), 0.5, "two_in_four"))


def test_training_leaves_zeros():
    model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(16, kernel_constraint="non_neg"), keras.layers.Dense(8)]
    )
    model.compile("adam", "mse")
    (_, kernel), (_, other) = kernels_of(model)
    own = kernel.constraint
    masks = {id(each): (each, mask_of(each.numpy(), 0.5)) for each in (kernel, other)}
    for each, mask in masks.values():
        each.assign(each.numpy() * mask)
    before = other.numpy()
    with kept_zero(masks):
        model.fit(drawn((64, 8)), drawn((64, 8), 1), epochs=2, verbose=0)
        assert (other.numpy()[masks[id(other)][1] == 0] == 0).all()
    assert not np.array_equal(before, other.numpy())
    # The user's own constraint holds as well, and is back.
    assert (kernel.numpy() >= 0).all()
    assert kernel.constraint is own


def test_kernels_are_what_multiplies():
    entrance = keras.Input((6,), dtype="int32")
    x = keras.layers.Embedding(50, 16)(entrance)
    shared = keras.layers.Dense(16, name="shared")
    x = keras.layers.DepthwiseConv1D(3)(shared(shared(x)))
    x = keras.layers.MultiHeadAttention(2, 8)(x, x)
    model = keras.Model(entrance, keras.layers.Dense(2, name="few")(keras.layers.LSTM(8)(x)))
    names = sorted(f"{layer.name}/{variable.name}" for layer, variable in kernels_of(model))
    attention = [name for name in names if name.split("/")[0] in ("query", "key", "value", "attention_output")]
    assert len(attention) == 4
    assert [name for name in names if name not in attention] == [
        "lstm_cell/kernel",
        "lstm_cell/recurrent_kernel",
        "shared/kernel",
    ]


@given(st.integers(2, 32), st.integers(0, 5))
def test_clusters_are_few_and_near(clusters, seed):
    kernel = drawn((40, 25), seed)
    few = clustered(kernel, clusters)
    assert distinct(few) <= clusters
    # No further from the weights than values that are spread evenly.
    evenly = np.linspace(kernel.min(), kernel.max(), clusters)
    nearest = np.abs(kernel[..., None] - evenly).min(-1)
    assert np.square(few - kernel).mean() <= np.square(nearest).mean() + 1e-6


def test_what_has_few_values_already_stays():
    kernel = np.random.default_rng(0).choice([-1.0, 0.0, 0.5, 2.0], (9, 9)).astype("float32")
    np.testing.assert_allclose(clustered(kernel, 16), kernel, atol=1e-6)
