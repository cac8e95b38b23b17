"""A teacher answers what time allows, and each answer stays with its sample."""

from __future__ import annotations

import time

import keras
import numpy as np
import pytest

from inferspeed_magic.training.answers import answered, at


class Doubling:
    """Answers twice what it is given, and counts how often."""

    calls = 0

    def predict_on_batch(self, x):
        self.calls += 1
        return {"twice": 2 * x, "sum": x.sum(-1)}


X = np.random.default_rng(0).normal(size=(100, 3))


def ask(until, at_once=8):
    return answered(Doubling(), [X], lambda flat: flat[0], keras, at_once=at_once, until=until)


def test_all_are_answered_where_there_is_time():
    places, answers = ask(time.monotonic() + 60)
    assert places.tolist() == list(range(100))
    shapes = {array.shape for array in answers}
    assert shapes == {(100, 3), (100,)}
    twice = next(array for array in answers if array.ndim == 2)
    assert np.array_equal(twice, 2 * X)


def test_some_are_answered_where_there_is_none_and_not_the_first():
    places, answers = ask(time.monotonic() - 1)
    assert len(places) == 8
    assert places.tolist() == sorted(places.tolist())
    assert places.max() > 20  # data is often sorted
    twice = next(array for array in answers if array.ndim == 2)
    assert np.array_equal(twice, 2 * X[places])


@pytest.mark.parametrize("nest", [[X, X[:, 0]], {"a": X}, X, None])
def test_samples_are_taken_from_any_nest(nest):
    taken = at(nest, np.array([3, 5]))
    flat = list(taken.values()) if isinstance(taken, dict) else taken if isinstance(taken, list) else [taken]
    assert all(each is None or len(each) == 2 for each in flat)
    assert type(taken) is type(nest)
