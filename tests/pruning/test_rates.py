"""Which channels go for a latency: the cheapest ones; and what each costs is measured as if it were gone."""

from __future__ import annotations

import itertools
import math
import time

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import drawn

from inferspeed_magic.pruning import (
    at_least_squares,
    cheapest_rates,
    gained,
    groups,
    loss_rises,
    parts_left,
    prune,
    shares_of,
    traced,
)

pytestmark = pytest.mark.filterwarnings("ignore:Layer .* mask attached", "ignore:You are using a softmax over axis")

SHARES = (0.25, 0.5, 0.75)
PRICES = st.dictionaries(
    st.sampled_from("abcd"),
    st.tuples(st.one_of(st.just(0.0), st.floats(0.004, 0.9)), st.lists(st.floats(0.0, 5.0), min_size=3, max_size=3)),
    min_size=1,
)


def taken_apart(prices):
    parts = {name: part for name, (part, _) in prices.items()}
    return parts, {name: dict(zip(SHARES, sorted(rises), strict=True)) for name, (_, rises) in prices.items()}


def latency(parts, rates):
    return math.exp(-sum(gained(parts[name], share) for name, share in rates.items()))


def cost(rises, rates):
    return sum(rises[name][share] for name, share in rates.items())


@given(PRICES, st.floats(0.05, 0.95))
@settings(max_examples=150, deadline=None)
def test_no_other_choice_is_as_fast_for_less(prices, wanted):
    parts, rises = taken_apart(prices)
    rates = cheapest_rates(parts, rises, wanted)
    found, paid = latency(parts, rates), cost(rises, rates)
    names = list(rises)
    for shares in itertools.product((0.0, *SHARES), repeat=len(names)):
        other = {name: share for name, share in zip(names, shares, strict=True) if share}
        if latency(parts, other) <= found + 1e-12:
            assert paid <= cost(rises, other) + 1e-9
        if found > wanted + 1e-9:  # as much as there is
            assert latency(parts, other) >= found - 1e-9


@given(PRICES, st.floats(0.05, 0.95))
@settings(max_examples=100, deadline=None)
def test_the_latency_is_reached_where_it_can_be_and_nothing_more_is_paid(prices, wanted):
    parts, rises = taken_apart(prices)
    rates = cheapest_rates(parts, rises, wanted)
    most = latency(parts, dict.fromkeys(parts, 0.75))
    assert latency(parts, rates) <= max(wanted, most) + 1e-9
    assert set(rates) <= {name for name, part in parts.items() if part > 0}
    fewer = cheapest_rates(parts, rises, min(0.99, wanted * 1.2))
    assert all(rates.get(name, 0.0) >= share for name, share in fewer.items())


def test_what_takes_time_goes_before_what_has_many_channels():
    rises = {"fast": {0.5: 0.1}, "slow": {0.5: 0.1}}
    assert cheapest_rates({"fast": 0.01, "slow": 0.9}, rises, 0.6) == {"slow": 0.5}
    assert cheapest_rates({"fast": 0.9, "slow": 0.01}, rises, 0.6) == {"fast": 0.5}


def test_answers_that_are_lost_already_do_not_make_losing_more_cheap():
    lost = {0.25: 1.0, 0.5: 1.2, 0.75: 1.21}
    assert at_least_squares(lost) == pytest.approx({0.25: 1.0, 0.5: 4.0, 0.75: 9.0})
    assert at_least_squares({0.25: 0.0, 0.5: 3.0}) == {0.25: 0.0, 0.5: 3.0}
    parts = {"a": 0.5, "b": 0.5}
    assert cheapest_rates(parts, {"a": lost, "b": lost}, 0.63) == {"a": 0.75}
    squares = {name: at_least_squares(lost) for name in parts}
    assert cheapest_rates(parts, squares, 0.63) == {"a": 0.5, "b": 0.5}


def test_groups_that_take_no_time_are_left_alone():
    assert cheapest_rates({"a": 0.0}, {"a": {0.5: 0.0}, "unknown": {0.5: 0.0}}, 0.5) == {}


def test_parts_of_what_is_left():
    left = parts_left({"a": 0.5, "b": 0.2}, {"a": 0.5})
    assert left["a"] == pytest.approx(0.25 / 0.75)  # half of a half, of three quarters
    assert left["b"] == pytest.approx(0.2)


@pytest.mark.parametrize("multiple_of", [1, 4, 8])
@pytest.mark.parametrize("seed", range(10))
def test_shares_leave_multiples(seed, multiple_of):
    found = groups(traced(drawn(seed)))
    by_name = {group.name: group for group in found}
    for name, shares in shares_of(found, multiple_of).items():
        group = by_name[name]
        for share in shares:
            left = len(group.units) - round(share * len(group.free))
            assert 0 < left < len(group.units)
            assert group.heads or left % multiple_of == 0
        assert list(shares) == sorted(set(shares))


def classifier():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8, 8, 2))
    x = keras.layers.Conv2D(12, 3, padding="same", use_bias=False, name="first")(inputs)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    short = keras.layers.Conv2D(8, 1, name="short")(x)
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="second")(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()([x, short]))
    return keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Dense(6, activation="relu")(x)))


def test_a_rise_is_what_pruning_the_group_does_and_weights_come_back():
    model = classifier()
    draw = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(np.abs(draw.normal(0.5, 0.3, weight.shape)).astype("float32"))
    before = [weight.numpy().copy() for weight in model.weights]
    x = draw.normal(size=(16, 8, 8, 2)).astype("float32")
    right = model.predict_on_batch(x)

    def loss(of=model):
        return float(np.mean((of.predict_on_batch(x) - right) ** 2))

    shares = {group.name: (0.25, 0.5) for group in groups(traced(model)) if group.free}
    assert len(shares) >= 3
    rises = loss_rises(model, shares, loss, until=time.monotonic() + 60)
    assert set(rises) == set(shares)
    for name, seen in rises.items():
        for share, rise in seen.items():
            assert rise == pytest.approx(loss(prune(model, {name: share})), rel=1e-3, abs=1e-7)
        assert max(seen.values()) > 0
    assert all(np.array_equal(*each) for each in zip(before, [w.numpy() for w in model.weights], strict=True))


def test_what_is_not_reached_in_time_is_left_out():
    model = classifier()
    assert loss_rises(model, {"first": (0.5,)}, lambda: 0.0, until=time.monotonic() - 1) == {}
