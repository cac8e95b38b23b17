"""How scores and drops read."""

from __future__ import annotations

import dataclasses

import pytest
from panel_records import METRIC, accuracy, losses, optimized, single_numbers

from inferspeed_magic.panel.scores import scores
from inferspeed_magic.records import Interval, Metric

NAN = float("nan")


def of(*found, metric=METRIC):
    """The way to write scores of a record that holds these."""
    made = optimized(path=(), metric=metric)
    results = [dataclasses.replace(one, selection=None, held_out=None) for one in made.profile.results]
    results = [dataclasses.replace(one, selection=score) for one, score in zip(results, found, strict=False)]
    return scores(dataclasses.replace(made, profile=dataclasses.replace(made.profile, results=tuple(results))))


@pytest.mark.parametrize(
    ("samples", "shown"), [(50, "97.4%"), (1000, "97.4%"), (1001, "97.40%"), (10_000, "97.40%"), (10**6, "97.400%")]
)
def test_more_samples_show_more_digits(samples, shown):
    assert of(accuracy(samples=samples)).score(0.974) == shown


@pytest.mark.parametrize(("value", "shown"), [(1.0, "100.0%"), (0.99996, "99.996%"), (0.9996, "99.96%"), (0.0, "0.0%")])
def test_what_is_nearly_perfect_does_not_look_perfect(value, shown):
    assert of(accuracy(samples=100)).score(value) == shown


def test_scores_that_are_no_shares_are_plain():
    plain = of(accuracy(original=31.7, half=0.2), metric=Metric("PSNR"))
    assert not plain.percent
    assert plain.score(31.7) == "31.70"
    assert plain.drop(Interval(0.5, 0.3, 0.7)) == ("0.50", "(0.30 to 0.70)")
    assert plain.drop_words(Interval(0.5, NAN, NAN)) == "0.50"
    assert plain.allowed(0.01) == "0.01"
    assert (plain.title, plain.drop_header) == ("PSNR", "drop")


def test_losses_are_plain_though_they_lie_between_0_and_1():
    loss = scores(losses())
    assert loss.score(0.0412) == "0.04120"
    assert loss.score(0.00000123) == "1.230e-06"
    assert loss.drop_words(Interval(0.007, 0.003, 0.011)) == "0.70% (0.30 to 1.10)"
    assert loss.allowed(0.01) == "1%"
    assert (loss.title, loss.drop_header) == ("mean_squared_error, lower is better", "rise, %")


@pytest.mark.parametrize(("half", "shown"), [(0.02, "0.3"), (0.004, "0.31"), (0.0004, "0.310")])
def test_drops_have_the_digits_that_their_intervals_support(half, shown):
    assert of(accuracy(0.0031, half=half)).drop(Interval(0.0031, NAN, NAN))[0] == shown


def test_without_intervals_drops_have_two_decimals_of_a_percentage_point():
    assert scores(single_numbers()).drop(Interval(0.004, NAN, NAN)) == ("0.40", "")


def test_no_drop_is_not_negative():
    assert of(accuracy()).drop(Interval(-1e-9, -1e-9, 0.0)) == ("0.00", "(0.00 to 0.00)")


@pytest.mark.parametrize(
    ("drop", "shown"), [(0.01, "1 percentage point"), (0.005, "0.5 percentage points"), (0.0, "0 percentage points")]
)
def test_what_was_asked_for_is_said_as_it_was_asked(drop, shown):
    assert of(accuracy()).allowed(drop) == shown


@pytest.mark.parametrize("value", [NAN, float("inf")])
def test_scores_that_are_no_numbers(value):
    odd = dataclasses.replace(accuracy(), value=value, drop=Interval(value, value, value))
    made = of(accuracy(), odd)
    assert made.score(0.974) == "97.40%"
    assert made.score(value) in ("-", "inf")
    assert made.drop(odd.drop) == ("-", "")
