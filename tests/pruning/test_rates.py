"""Which channels go for a latency: the cheapest ones; and what each costs is measured as if it were gone."""

from __future__ import annotations

import itertools
import math

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
    multiples_of,
    multiplications,
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
def test_no_other_choice_is_as_fast_for_less_than_one_step_less(prices, wanted):
    parts, rises = taken_apart(prices)
    rates = cheapest_rates(parts, rises, wanted)
    found, paid = latency(parts, rates), cost(rises, rates)
    step = max((cost(rises, {name: share}) for name, share in rates.items()), default=0.0)
    names = list(rises)
    for shares in itertools.product((0.0, *SHARES), repeat=len(names)):
        other = {name: share for name, share in zip(names, shares, strict=True) if share}
        if latency(parts, other) <= wanted:  # the last step may be too long by what is left of it
            assert paid <= cost(rises, other) + step + 1e-9
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
    square = (gained(1.0, 0.5) / gained(1.0, 0.25)) ** 2
    assert at_least_squares(lost)[0.5] == pytest.approx(square)
    assert at_least_squares({0.25: 0.0, 0.5: 3.0}) == {0.25: 0.0, 0.5: 3.0}
    powers = {"a": 0.5, "b": 0.5}
    assert cheapest_rates(powers, {"a": lost, "b": lost}, 0.5) == {"a": 0.75}
    assert cheapest_rates(powers, {name: at_least_squares(lost) for name in powers}, 0.5) == {"a": 0.5, "b": 0.5}


def test_groups_that_take_no_time_are_left_alone():
    assert cheapest_rates({"a": 0.0}, {"a": {0.5: 0.0}, "unknown": {0.5: 0.0}}, 0.5) == {}


def test_powers_add_up_where_groups_share_layers():
    """Half of what goes into a layer, and half of what comes out of it, leave a quarter; stages change nothing."""
    assert math.exp(-gained(1.0, 0.5) - gained(1.0, 0.5)) == pytest.approx(0.25)
    assert gained(2.0, 0.5) + gained(2.0, 0.5) == pytest.approx(gained(2.0, 0.75))
    assert gained(0.0, 0.9) == gained(-0.1, 0.9) == 0.0


@pytest.mark.parametrize("power", [0.3, 0.8, 1.0, 2.0])
@pytest.mark.parametrize("wanted", [0.8, 0.5, 0.3])
def test_of_the_last_step_no_more_is_taken_than_is_needed(power, wanted):
    shares = (0.25, 0.5, 0.75, 0.875)
    costs = at_least_squares(dict.fromkeys(shares, 0.1))
    (share,) = cheapest_rates({"only": power}, {"only": costs}, wanted).values()
    able = [each for each in shares if math.exp(-gained(power, each)) <= wanted + 1e-12]
    assert share == (min(able) if able else 0.875)


def test_what_is_no_number_is_never_taken():
    assert at_least_squares({0.25: math.nan, 0.5: math.inf}) == {}
    assert set(at_least_squares({0.25: 0.1, 0.5: math.nan, 0.75: 0.2})) == {0.25, 0.75}
    assert cheapest_rates({"a": 1.0}, {"a": {}}, 0.5) == {}


@pytest.mark.parametrize("multiple_of", [1, 4, 8])
@pytest.mark.parametrize("seed", range(10))
def test_shares_leave_multiples(seed, multiple_of):
    found = groups(traced(drawn(seed)))
    by_name = {group.name: group for group in found}
    for name, shares in shares_of(found, multiples_of(found, multiple_of)).items():
        group = by_name[name]
        for share in shares:
            left = len(group.units) - round(share * len(group.free))
            assert 0 < left < len(group.units)
            assert 0 < share < 1
            multiple = multiple_of
            while left % multiple:  # too narrow a group
                multiple //= 2
            assert group.heads or multiple == multiple_of or len(group.units) <= 2 * multiple_of
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
    rises = loss_rises(model, shares, loss, limit_s=60)
    assert set(rises) == set(shares)
    for name, seen in rises.items():
        for share, rise in seen.items():
            assert rise == pytest.approx(loss(prune(model, {name: share})), rel=1e-3, abs=1e-7)
        assert max(seen.values()) > 0
    assert all(np.array_equal(*each) for each in zip(before, [w.numpy() for w in model.weights], strict=True))


def test_what_is_not_reached_in_time_is_left_out():
    model = classifier()
    assert loss_rises(model, {"first": (0.5,)}, lambda: 0.0, limit_s=-1.0) == {}


def test_multiplications_are_counted_by_hand():
    inputs = keras.Input((8, 6))
    x = keras.layers.Conv1D(5, 3, padding="same", use_bias=False)(inputs)
    x = keras.layers.GRU(4, use_bias=False, return_sequences=True)(x)
    x = keras.layers.Bidirectional(keras.layers.GRU(3, use_bias=False))(x)
    model = keras.Model(inputs, keras.layers.Dense(3, use_bias=False)(x))
    convolved, recurrent, both_ways, dense = 8 * 3 * 6 * 5, 8 * (5 * 12 + 4 * 12), 8 * 2 * (4 * 9 + 3 * 9), 6 * 3
    assert multiplications(traced(model)) == convolved + recurrent + both_ways + dense
    words = keras.Input((8,), dtype="int32")
    looked_up = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(1000, 6)(words))
    assert multiplications(traced(keras.Model(words, keras.layers.Dense(3, use_bias=False)(looked_up)))) == 6 * 3
