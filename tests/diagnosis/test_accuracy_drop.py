"""Does the 95% interval of a drop hold the true drop? Simulated, seeded: the shares below are exact repeats."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from inferspeed_magic.diagnosis.accuracy_drop import drop_interval, drop_of, rescored_interval, resolution

RUNS = 300


def holds(interval, truth):
    return interval.low - 1e-12 <= truth <= interval.high + 1e-12


def right_or_wrong(draw, samples, accuracy, lost, gained):
    """Answers of an original and of a candidate that loses and gains such shares of all samples."""
    before = np.zeros(samples)
    after = np.zeros(samples)
    kind = draw.random(samples)
    before[kind < accuracy] = 1
    after[(kind < accuracy - lost) | (kind >= 1 - gained)] = 1
    return before, after


@pytest.mark.parametrize("samples", [30, 50, 100, 300, 2000])
def test_interval_of_right_and_wrong_answers_holds_the_true_drop_at_every_rate(samples):
    """Exact: the intervals for each number of answers lost, with the probability of that number."""
    before = np.ones(samples)
    most = min(samples, samples // 5 + 10 + samples // 20 * 2)
    low, high = np.array(
        [
            (interval.low, interval.high)
            for lost in range(most + 1)
            for interval in [drop_interval(before, np.arange(samples) >= lost, higher_is_better=True, relative=False)]
        ]
    ).T
    for rate in np.linspace(0.0005, 0.2, 150):
        inside = (low - 1e-12 <= rate) & (rate <= high + 1e-12)
        assert (binom.pmf(np.arange(most + 1), samples, rate) * inside).sum() >= 0.93


def test_interval_holds_the_true_drop_over_random_rates_and_sizes():
    draw = np.random.default_rng(7)
    held = 0
    for run in range(2000):
        discordance, share_lost, accuracy = draw.uniform(0, 0.2), draw.random(), draw.uniform(0.5, 0.75)
        lost, gained = discordance * share_lost, discordance * (1 - share_lost)
        answers = right_or_wrong(draw, int(draw.integers(30, 2001)), accuracy, lost, gained)
        held += holds(drop_interval(*answers, higher_is_better=True, relative=False, seed=run), lost - gained)
    assert 0.93 <= held / 2000 <= 0.99


@pytest.mark.parametrize("samples", [30, 200])
@pytest.mark.parametrize("errors", ["lognormal", "exponential"])
def test_interval_of_a_relative_drop_holds_it(samples, errors):
    draw = np.random.default_rng(samples)
    held = 0
    for run in range(RUNS):
        before = getattr(draw, errors)(size=samples)
        after = before * draw.lognormal(0, 0.3, samples)
        interval = drop_interval(before, after, higher_is_better=False, relative=True, seed=run)
        held += holds(interval, np.exp(0.3**2 / 2) - 1)
    assert held / RUNS >= 0.93


@pytest.mark.parametrize(("heavy", "light"), [(0.1, 0.02), (0.02, 0.02), (0.2, 0.1)])
def test_weighted_interval_holds_the_true_drop(heavy, light):
    draw = np.random.default_rng(3)
    held = 0
    for run in range(1000):
        weights = draw.choice([1.0, 5.0], 200)
        lost = draw.random(200) < np.where(weights > 1, heavy, light)
        interval = drop_interval(
            np.ones(200), 1.0 - lost, higher_is_better=True, relative=False, weights=weights, seed=run
        )
        held += holds(interval, (5 * heavy + light) / 6)
    assert held / 1000 >= 0.93


@pytest.mark.parametrize("samples", [10, 50, 1000])
def test_no_change_is_no_proof_of_none(samples):
    right = np.ones(samples)
    interval = drop_interval(right, right, higher_is_better=True, relative=False)
    assert interval.value == 0
    assert 1.5 / samples < interval.high <= 3.7 / samples  # the rule of three, one-sided at 97.5%: 3.7
    assert -3.7 / samples <= interval.low < -1.5 / samples


def test_equal_changes_leave_an_interval():
    before = np.linspace(1, 2, 40)
    interval = drop_interval(before, before + 0.1, higher_is_better=False, relative=False)
    assert interval.low < 0.1 < interval.high


def test_errors_that_hardly_change_have_a_narrow_interval():
    draw = np.random.default_rng(0)
    before = draw.exponential(size=200)
    interval = drop_interval(before, before + 1e-7 * draw.normal(size=200), higher_is_better=False, relative=True)
    assert interval.high - interval.low < 1e-6


def test_few_samples():
    interval = drop_interval(np.ones(1), np.zeros(1), higher_is_better=True, relative=False)
    assert interval.value == 1
    assert np.isnan([interval.low, interval.high]).all()


@given(
    st.integers(2, 60),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_interval_always_holds_its_value_and_repeats(samples, seed, higher, relative):
    draw = np.random.default_rng(seed)
    before, after = draw.normal(size=samples), draw.normal(size=samples)
    first, again = (
        drop_interval(before, after, higher_is_better=higher, relative=relative, seed=seed) for _ in range(2)
    )
    assert first == again
    assert first.low <= first.value <= first.high


@pytest.mark.parametrize(
    ("original", "value", "higher", "relative", "drop"),
    [
        (0.9, 0.8, True, False, 0.1),
        (0.8, 0.9, True, False, -0.1),
        (2.0, 3.0, False, True, 0.5),
        (2.0, 3.0, False, False, 1.0),
        (-2.0, -3.0, True, True, 0.5),  # scikit-learn's neg_mean_squared_error
        (0.0, 0.3, False, True, 0.3),  # a share of nothing is none
    ],
)
def test_drop_of(original, value, higher, relative, drop):
    assert drop_of(original, value, higher_is_better=higher, relative=relative) == pytest.approx(drop)


def test_a_relative_drop_from_zero_is_absolute():
    interval = drop_interval(np.zeros(30), np.full(30, 0.2), higher_is_better=False, relative=True)
    assert interval.value == pytest.approx(0.2)
    assert np.isfinite([interval.low, interval.high]).all()


def f1(labels, found):
    hits = (labels & found).sum()
    return 2 * hits / max(1, labels.sum() + found.sum())


def test_interval_of_f1_holds_the_true_drop():
    population = np.random.default_rng(1)
    size = 200_000
    labels = population.random(size) < 0.3
    before = labels ^ (population.random(size) < 0.1)
    after = before ^ (population.random(size) < 0.05)
    truth = f1(labels, before) - f1(labels, after)
    held = 0
    for run in range(200):
        chosen = population.integers(0, size, 300)
        y, one, other = labels[chosen], before[chosen], after[chosen]
        interval = rescored_interval(
            lambda places, y=y, one=one, other=other: f1(y[places], one[places]) - f1(y[places], other[places]),
            300,
            seed=run,
            step=1 / 300,
        )
        held += holds(interval, truth)
    assert held / 200 >= 0.93


def test_rescoring_stops_when_time_is_up():
    calls = []
    ends = iter([False] * 5 + [True])
    interval = rescored_interval(
        lambda places: calls.append(1) or 0.1, 50, seed=0, step=0.02, enough=lambda: next(ends)
    )
    assert len(calls) == 6  # the value and five replicates: too few for an interval
    assert interval.value == 0.1
    assert np.isnan(interval.low)


def test_resamples_without_a_score_are_left_out():
    draw = np.random.default_rng(0)
    interval = rescored_interval(
        lambda places: 0.1 if len(set(places)) == 50 or draw.random() < 0.5 else float("nan"), 50, seed=0, step=0.02
    )
    assert interval.low < 0.1 < interval.high


def test_resolution_is_where_intervals_begin_to_exclude_none():
    for samples in (60, 400):
        seen = resolution(samples)
        before = np.ones(samples)
        for changed, excludes in ((round(seen * samples), True), (round(seen * samples) - 2, False)):
            after = before.copy()
            after[:changed] = 0
            assert (drop_interval(before, after, higher_is_better=True, relative=False).low > 0) == excludes


def test_resolution_falls_with_samples_and_rises_with_discordance():
    assert resolution(100) > resolution(1000) > resolution(10_000)
    assert resolution(1000, 0.0) < resolution(1000, 0.05) < resolution(1000, 0.2)
    assert resolution(3) == 1
    assert np.isnan(resolution(0))
