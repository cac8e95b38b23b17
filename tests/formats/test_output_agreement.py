"""The one number that decides whether an artifact is the same model."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from inferspeed_magic.formats.agreement import TOLERANCES, best_order, relative_error

INF = math.inf
NAN = math.nan

floats = hnp.arrays(
    np.float32,
    hnp.array_shapes(max_dims=3, max_side=4),
    # Of one order of magnitude: what lies far beyond the others counts for itself only.
    elements=st.floats(1, 1e3, width=32).flatmap(lambda value: st.sampled_from([value, -value, 0.0])),
)


def f(*values):
    return np.array(values, "float32")


def test_the_largest_deviation_counts_relative_to_the_largest_magnitude():
    assert relative_error([f(1.0, -3.5)], [f(1.0, -4.0)]) == pytest.approx(0.125)


def test_the_worst_output_counts():
    assert relative_error([f(1), f(2.2), f(3)], [f(1), f(2), f(3)]) == pytest.approx(0.1)


def test_small_outputs_are_not_drowned_by_large_ones():
    assert relative_error([f(1e6), f(2e-6)], [f(1e6), f(1e-6)]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ([], []),
        ([f(1)], []),
        ([], [f(1)]),
        ([f(1), f(2)], [f(1)]),
        ([np.ones((2, 3), "float32")], [np.ones((3, 2), "float32")]),
        ([np.ones((1, 3), "float32")], [np.ones((3,), "float32")]),
        ([f(1, NAN)], [f(1, 2)]),
        ([f(1, 2)], [f(1, NAN)]),
        ([f(NAN, 1)], [f(1, NAN)]),
        ([f(1, INF)], [f(1, 2)]),
        ([f(1, 2)], [f(1, INF)]),
        ([f(1, -INF)], [f(1, INF)]),
        ([f(1e-9)], [f(0)]),
    ],
    ids=str,
)
def test_what_cannot_be_a_rounding_error_is_infinite(mine, theirs):
    assert relative_error(mine, theirs) == INF


@pytest.mark.parametrize(
    "outputs",
    [[f(0, 0)], [f(1, NAN)], [f(INF, -INF, 2)], [f(NAN)], [np.zeros((0, 3))], [np.array([True, False])]],
    ids=str,
)
def test_the_same_agrees_exactly(outputs):
    assert relative_error(outputs, [each.copy() for each in outputs]) == 0.0


def test_strings_and_booleans_count_as_the_share_that_differs():
    assert relative_error([np.array([True, False, True, True])], [np.array([True, True, True, True])]) == 0.25
    assert relative_error([np.array(["a", "b"])], [np.array(["a", "c"])]) == 0.5


def test_integers_count_as_the_share_that_differs():
    assert relative_error([np.array([100, 1], "int32")], [np.array([100, 2], "int32")]) == 0.5
    assert relative_error([np.array([50_000, 17, 3])], [np.array([49_990, 60, 40])]) == 1.0


def test_large_integers_are_not_rounded():
    assert relative_error([np.array([2**53 + 1, 5])], [np.array([2**53, 5])]) == 0.5


def test_pictures_may_be_rounded_either_way():
    assert relative_error([np.array([100, 7], "uint8")], [np.array([101, 7], "uint8")]) == 0.0
    assert relative_error([np.array([100, 7], "uint8")], [np.array([102, 7], "uint8")]) == 0.5


def test_complex_numbers_count_with_both_parts():
    assert relative_error([np.array([1 + 5j])], [np.array([1 - 5j])]) == pytest.approx(10 / 26**0.5)


def test_masks_hide_nothing():
    assert relative_error([f(5, 3, -1e9)], [f(0.1, 0.2, -1e9)]) > 1
    assert relative_error([f(0.1, 0.2, -1e9)], [f(0.1, 0.2, -1e9 * (1 + 1e-6))]) < 1e-5


def test_tails_of_activations_may_be_rounded_to_nothing():
    """As of GELU: what is left of large negative numbers."""
    assert relative_error([f(-3e-3, 0, 0)], [f(-3e-3, -9e-9, -1e-24)]) < 1e-5


def test_boxes_do_not_hide_scores():
    boxes = np.random.default_rng(0).random((1, 20, 3)).astype("float32") * [640, 480, 0.9]
    wrong = boxes.copy()
    wrong[..., 2] = 0.9 - wrong[..., 2]
    assert relative_error([wrong], [boxes]) > 0.1


def test_columns_that_are_nearly_zero_may_be_rounded():
    """As after a cancellation: what is left of them is rounding."""
    values = np.random.default_rng(0).standard_normal((64, 5))
    values[:, 2] *= 1e-6
    noise = np.random.default_rng(1).standard_normal((64, 5)) * 2e-6
    assert relative_error([values + noise], [values]) < 1e-5


def test_columns_that_are_always_zero_agree():
    """As of ReLU: units that are dead for all samples, beside one that deviates."""
    values = np.abs(np.random.default_rng(0).standard_normal((64, 5)))
    values[:, 2] = 0.0
    wrong = values.copy()
    wrong[:, 4] = 0.0
    assert relative_error([values], [values]) == 0.0
    assert relative_error([wrong], [values]) > 0.1


def test_unlikely_classes_may_be_rounded():
    logits = np.random.default_rng(0).standard_normal((16, 1000)) * 12
    chances = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    assert relative_error([chances.astype("float32")], [chances]) < 1e-6


def test_unsigned_integers_do_not_wrap():
    assert relative_error([np.array([0], "uint8")], [np.array([255], "uint8")]) == pytest.approx(1.0)


def test_float16_is_compared_without_overflow():
    assert relative_error([np.array([-60000], "float16")], [np.array([60000], "float16")]) == pytest.approx(2.0)


@settings(deadline=None)
@given(floats)
def test_agrees_with_itself(array):
    assert relative_error([array], [array.copy()]) == 0.0


@settings(deadline=None)
@given(floats, st.floats(1e-5, 1.0))
def test_finds_what_was_added(array, share):
    """A deviation of a share of the largest magnitude, at any place, is at least that share."""
    reference = array.astype("float64")
    magnitude = np.abs(reference).max()
    if magnitude < 1e-30:
        return
    changed = reference.copy()
    changed.flat[changed.size // 2] += share * magnitude
    assert relative_error([changed], [reference]) >= share * (1 - 1e-6)


@settings(deadline=None)
@given(floats, st.sampled_from([0.5, 2.0, 1024.0]))
def test_does_not_depend_on_the_unit(array, scale):
    reference = array.astype("float64")
    changed = reference * 1.001
    assert relative_error([changed * scale], [reference * scale]) == pytest.approx(
        relative_error([changed], [reference])
    )


@settings(deadline=None)
@given(st.permutations(range(5)))
def test_the_order_of_outputs_is_found(order):
    expected = [f(number, number * 2 + 1) for number in range(5)]
    shuffled = [expected[position] for position in order]
    found = best_order(shuffled, expected)
    assert [shuffled[position] for position in found] == expected


def test_the_order_is_kept_where_it_is_right_or_cannot_be_known():
    same = [f(1), f(1), f(1)]
    assert best_order(same, same) == (0, 1, 2)
    assert best_order([f(1)], [f(2)]) == (0,)
    assert best_order([f(1), f(2)], [f(2), f(1), f(3)]) == (0, 1)
    many = [f(number) for number in range(9)]
    assert best_order(many[::-1], many) == tuple(range(9))


def test_float32_is_held_to_a_thousandth():
    assert TOLERANCES["float32"] == 1e-3
    assert TOLERANCES["float16"] > TOLERANCES["float32"]
