"""Matrices are split at the lowest rank that keeps enough, and layers at any rank stay the layers they were."""

import keras
import numpy as np
import pytest
import tf_keras
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from inferspeed_magic.techniques.factorization import factors
from inferspeed_magic.techniques.thin_layers import matrix_of, thin


@given(st.integers(2, 40), st.integers(2, 40), st.integers(1, 5), st.sampled_from([0.5, 0.9, 0.99]), st.integers(0, 9))
def test_the_lowest_rank_that_keeps_the_share(rows, columns, rank, share, seed):
    draw = np.random.default_rng(seed)
    matrix = draw.standard_normal((rows, rank)) @ draw.standard_normal((rank, columns))
    singular = np.linalg.svd(matrix, compute_uv=False) ** 2
    needed = int(np.argmax(np.cumsum(singular) >= share * singular.sum() * (1 - 1e-9))) + 1
    pair = factors(matrix.astype(np.float32), share)
    if needed * (rows + columns) >= rows * columns:
        assert pair is None
        return
    left, right = pair
    assert left.shape == (rows, needed)
    assert right.shape == (needed, columns)
    lost = np.sum((left @ right - matrix) ** 2) / np.sum(matrix**2)
    assert lost <= 1 - share + 1e-4
    # No matrix of this rank is nearer (Eckart and Young).
    assert lost == pytest.approx(singular[needed:].sum() / singular.sum(), abs=1e-4)


def test_zeros_are_left_alone():
    assert factors(np.zeros((30, 30), np.float32), 0.9) is None


LAYERS = {
    "dense": (lambda own: own.Dense(12, activation="tanh"), (3, 9)),
    "dense on sequences": (lambda own: own.Dense(12, use_bias=False), (2, 5, 9)),
    "conv1d": (lambda own: own.Conv1D(12, 3, padding="causal", dilation_rate=2), (2, 9, 4)),
    "conv2d": (lambda own: own.Conv2D(12, (3, 2), strides=(2, 1), padding="same", activation="relu"), (2, 9, 8, 4)),
    "pointwise": (lambda own: own.Conv2D(12, 1, strides=2, use_bias=False), (2, 9, 8, 4)),
    "conv3d": (lambda own: own.Conv3D(12, 2), (2, 4, 5, 6, 3)),
}
EINSUMS = {
    "product": (lambda own: own.EinsumDense("abc,cd->abd", (None, 12), bias_axes="d"), (2, 5, 9)),
    "heads": (lambda own: own.EinsumDense("abc,cde->abde", (None, 3, 4), bias_axes="de"), (2, 5, 9)),
    "merged heads": (lambda own: own.EinsumDense("abcd,cde->abe", (None, 12), activation="relu"), (2, 5, 3, 4)),
    "ellipsis": (lambda own: own.EinsumDense("...x,xy->...y", 12, bias_axes="y"), (2, 5, 6, 9)),
    "ellipsis and more": (lambda own: own.EinsumDense("...bx,xy->...by", (None, 12)), (2, 5, 6, 9)),
}


@pytest.mark.parametrize("name", [*LAYERS, *EINSUMS])
@pytest.mark.parametrize("library", [keras, tf_keras], ids=lambda each: each.__name__)
def test_a_layer_split_at_full_rank_is_the_layer(library, name):
    make, shape = (LAYERS | EINSUMS)[name]
    layer = make(library.layers)
    draw = np.random.default_rng(0)
    inputs = draw.standard_normal(shape).astype("float32")
    layer(inputs)
    layer.set_weights([draw.standard_normal(each.shape) for each in layer.get_weights()])
    matrix = matrix_of(layer, library)
    if matrix is None:
        assert (library, name in EINSUMS) == (tf_keras, True)
        return
    left, singular, right = np.linalg.svd(matrix, full_matrices=False)
    pair = thin(layer, library, left * singular, right)
    assert pair.name == layer.name
    np.testing.assert_allclose(np.asarray(pair(inputs)), np.asarray(layer(inputs)), rtol=1e-3, atol=1e-4)
    assert pair.count_params() == left.size + right.size + (0 if layer.bias is None else layer.bias.numpy().size)


class OwnDense(layers.Dense):
    def call(self, x):
        return 2 * super().call(x)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (OwnDense(12), (2, 9)),
        (layers.Conv2D(12, 3, groups=2), (2, 9, 8, 4)),
        (layers.DepthwiseConv2D(3), (2, 9, 8, 4)),
        (layers.EinsumDense("abc,bcd->abd", (5, 12)), (2, 5, 9)),
        (layers.EinsumDense("abc,dc->abd", (None, 12)), (2, 5, 9)),
        (layers.BatchNormalization(), (2, 9)),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_is_no_plain_product_is_none(layer, shape):
    layer(np.zeros(shape, "float32"))
    assert matrix_of(layer, keras) is None
