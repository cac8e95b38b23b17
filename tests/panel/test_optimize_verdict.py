"""The sentences on top: what won, and nothing that the intervals do not support."""

from __future__ import annotations

import dataclasses

import pytest
from panel_records import (
    CANDIDATES,
    LOST,
    OPTIMIZED,
    accuracy,
    losses,
    optimized,
    single_numbers,
    unlabelled,
    without_winner,
)

from inferspeed_magic.panel import optimize_view
from inferspeed_magic.records import Goal, Interval

NAN = float("nan")
WINNER = "digits/litert+static_int8"


def said(made):
    return " ".join(optimize_view(made).headline)


def changed(made, name=WINNER, **changes):
    """Change a result, its ``summary`` and ``measurement`` by their own fields."""
    results = []
    for one in made.profile.results:
        if one.name == name:
            given = {
                key: dataclasses.replace(getattr(one, key), **changes.get(key, {})) for key in PARTS & set(changes)
            }
            results.append(dataclasses.replace(one, **(changes | given)))
        else:
            results.append(one)
    return dataclasses.replace(made, profile=dataclasses.replace(made.profile, results=tuple(results)))


PARTS = {"summary", "measurement"}


def drop(value, low, high, *, original=0.974, samples=3000):
    return changed(
        optimized(),
        held_out=dataclasses.replace(
            accuracy(value, original=original, samples=samples), drop=Interval(value, low, high)
        ),
    )


class TestSpeed:
    def test_the_winner_is_named_with_its_latency_and_lead(self):
        first = optimize_view(optimized()).headline[0]
        assert first.startswith("Chosen for low latency: litert+static_int8, p50 0.0620 ms (")
        assert "x (" in first
        assert first.endswith(") faster than the original (keras.predict).")

    @pytest.mark.parametrize(
        ("speedup", "words"),
        [
            (Interval(2.0, 1.9, 2.1), "2.00x (1.90-2.10) faster than the original"),
            (Interval(1.05, 0.98, 1.1), "no difference from the original (keras.predict) can be seen"),
            (Interval(0.5, 0.4, 0.6), "2.00x (1.67-2.50) slower than the original"),
            (Interval(2.0, NAN, NAN), "too few samples to compare with the original"),
        ],
    )
    def test_only_what_the_interval_supports(self, speedup, words):
        assert words in said(changed(optimized(), summary={"speedup": speedup}))

    def test_ties_are_named(self):
        wide = {"p50_ms": Interval(0.062, 0.055, 0.072)}
        tied = said(changed(optimized(), summary=wide))
        assert "No difference in latency from litert+dynamic_int8 can be seen." in tied
        assert "No difference" not in said(optimized())

    def test_a_winner_that_is_the_original(self):
        stays = said(optimized(best="digits/keras.predict", path=()))
        assert stays.startswith("Nothing better than the original was found within the goal: keras.predict stays, p50")
        assert "faster" not in stays

    @pytest.mark.parametrize(
        ("target", "words"),
        [
            ("throughput", "high throughput"),
            ("size", "a small file"),
            ("memory", "little memory: litert+static_int8, 92"),
        ],
    )
    def test_what_was_looked_for(self, target, words):
        made = optimized(goal=Goal(target=target))
        assert f"Chosen for {words}" in said(made)
        assert (" samples/s" in said(made)) == (target == "throughput")
        assert optimize_view(made).aim.startswith("Looked for ")

    def test_without_an_original_there_is_no_lead(self):
        first = optimize_view(optimized(original=None)).headline[0]
        assert "faster" not in first


class TestAccuracy:
    @pytest.mark.parametrize(
        ("interval", "words"),
        [
            ((0.0035, 0.0002, 0.0068), ": a drop of 0.35 percentage points (0.02 to 0.68)."),
            (
                (0.0035, -0.001, 0.008),
                ": no drop can be seen (0.35 percentage points (-0.10 to 0.80)), it is smaller",
            ),
            ((0.0, 0.0, 0.0), ": no drop."),
            ((-0.005, -0.008, -0.002), ": better than the original by 0.50 percentage points (0.20 to 0.80)."),
            ((0.0035, NAN, NAN), ": a drop of 0.35 percentage points, as a single number without an interval."),
            ((-0.0035, NAN, NAN), ": no drop, as a single number without an interval."),
            ((0.02, 0.015, 0.025), "(1.50 to 2.50). More than the 1 percentage point that may be lost."),
        ],
    )
    def test_only_what_the_interval_supports(self, interval, words):
        sentence = optimize_view(drop(*interval)).headline[1]
        assert sentence.startswith("On 3,000 held-out samples, accuracy is ")
        assert words in sentence

    def test_without_held_out_samples_it_says_which_ones(self):
        assert "On 2,000 selection samples, accuracy is 96.90% (original: 97.40%)" in said(
            changed(optimized(), held_out=None)
        )

    def test_a_score_that_was_not_looked_at(self):
        made = changed(optimized(), held_out=None, selection=None)
        assert "How accurate it is was not looked at." in said(made)

    def test_agreement_is_not_accuracy(self):
        words = said(unlabelled())
        assert "top-1 agreement is 98.92%: a drop of" in words
        assert "this is not accuracy" in words
        assert "original: 100" not in words
        assert "not accuracy" not in said(optimized())

    def test_a_function_of_the_user_s_own_has_no_samples(self):
        assert "evaluate(predict) is 96.9% (original: 97.4%): a drop of 0.50 percentage points, as a single" in said(
            single_numbers()
        )

    def test_losses_rise(self):
        assert "mean_squared_error is 0.04146 (original: 0.04120): a rise of 0.63% (0.27 to 0.99)." in said(losses())


class TestSize:
    def test_beside_the_model_as_it_is_on_the_same_runtime(self):
        assert "Its file is 0.570 MB, 3.81x smaller than that of litert (2.17 MB)." in said(optimized())

    def test_beside_the_original_where_that_has_a_file(self):
        made = changed(optimized(), "digits/keras.predict", artifact_mb=0.1)
        assert "Its file is 0.570 MB, 5.70x larger than the original's (0.100 MB)." in said(made)

    def test_of_the_same_size(self):
        made = changed(optimized(), "digits/keras.predict", artifact_mb=0.57)
        assert "Its file is 0.570 MB, as large as the original's." in said(made)

    @pytest.mark.parametrize("unknown", [None, NAN, 0.0])
    def test_unknown(self, unknown):
        assert "file" not in said(changed(optimized(), artifact_mb=unknown))


class TestNothing:
    def test_what_came_closest_and_why_not(self):
        words = said(without_winner())
        assert words.startswith(
            "No candidate met the goal (a drop of accuracy of at most 1 percentage point, at most 90 MB of memory); "
            "12 were measured. Closest came litert+static_int8, p50 0.0620 ms"
        )
        assert "its process takes 92 MB, more than the 90 MB allowed." in words
        assert "Chosen" not in words

    def test_all_lose_too_much(self):
        """The one that loses least came closest."""
        lossy = tuple(
            (way, p50, given | {"score": accuracy(0.02 + place / 100)})
            for place, (way, p50, given) in enumerate(CANDIDATES)
            if way != "keras.predict"
        )
        words = said(optimized(candidates=lossy, best=None, original=None))
        assert "Closest came keras.compiled" in words
        assert LOST in words
        assert "More than the 1 percentage point that may be lost." in words

    def test_interrupted_before_anything_was_chosen(self):
        view = optimize_view(OPTIMIZED["interrupted"]())
        assert view.interrupted == "Interrupted: partial results kept (4 candidates measured); more was to be tried."
        assert view.headline[0].startswith("Nothing had been chosen yet; the fastest so far is litert, p50")

    def test_nothing_measured(self):
        assert said(OPTIMIZED["nothing"]()) == "Nothing was measured: the reasons are below."
        assert said(optimized(candidates=(), best=None, original=None)) == "Nothing was measured."
