"""What to use for what, from this record's own numbers."""

from __future__ import annotations

import dataclasses

import pytest
from panel_records import CANDIDATES, OPTIMIZED, accuracy, optimized, unlabelled, without_winner

from inferspeed_magic.panel.guide import guide
from inferspeed_magic.records import Interval


def chosen(**more):
    """A record of some of the usual candidates, changed: ``way=(p50_ms, changes)``; None leaves one out."""
    there = {way: (p50, given) for way, p50, given in CANDIDATES}
    for way, change in more.items():
        p50, given = there[way]
        there[way] = None if change is None else (change[0] or p50, given | change[1])
    return optimized(candidates=tuple((way, *each) for way, each in there.items() if each))


def test_each_situation_names_its_candidate_and_what_it_costs():
    first, second, third = guide(optimized())
    assert first.startswith("Lowest latency, smallest file, ")
    assert "the winner, litert+static_int8; p50 0.0620 ms (" in first
    assert "a file of 0.570 MB" in first
    assert "not on the device" in first
    assert second.startswith(
        "No measurable loss of accuracy: litert+dynamic_int8; accuracy 97.25%, no drop seen on 2,000"
    )
    assert "slower than the winner" in second
    assert third.startswith("Faster still, but not within the goal: onnxruntime+static_int8[percentile], 1.0")
    assert third.endswith("a drop of accuracy of 3.40 percentage points (3.00 to 3.80).")


def test_one_choice_that_is_best_in_all_takes_one_sentence():
    best = {"score": accuracy(0.0)}
    (sentence,) = guide(chosen(**{"litert+static_int8": (0.02, best)}))
    assert sentence.startswith(
        "Best in everything, of those within the goal: litert+static_int8; lowest latency: p50 0.0200 ms"
    )
    for words in ("smallest file: ", "no measurable loss of accuracy: ", "least memory: ", "an edge device: "):
        assert words in sentence


def test_what_differs_hardly_is_the_winner_s():
    """The file of another is 2% smaller, its memory 1% less: nobody would choose by that."""
    close = chosen(**{"litert+dynamic_int8": (None, {"file_mb": 0.561, "memory_mb": 91.0})})
    assert "smallest file" in guide(close)[0]
    assert "least memory" in guide(close)[0]
    far = chosen(**{"litert+dynamic_int8": (None, {"file_mb": 0.4, "memory_mb": 60.0})})
    (sentence,) = [each for each in guide(far) if each.startswith("Smallest file")]
    assert sentence.startswith("Smallest file, no measurable loss of accuracy and least memory: litert+dynamic")
    assert "file of 0.400 MB against 0.570 MB" in sentence


def test_speedups_that_were_estimated_turn_by_turn_are_preferred():
    key = ("digits/litert+dynamic_int8", "digits/litert+static_int8", 1)
    (sentence,) = [each for each in guide(optimized(), {key: Interval(0.98, 0.95, 1.01)}) if "loss" in each]
    assert "no difference in latency from the winner can be seen" in sentence


def test_what_does_not_meet_the_goal_is_recommended_for_nothing():
    for made in (OPTIMIZED[name]() for name in ("usual", "losses", "single_numbers", "forty")):
        rejected = {one.way for one in made.profile.results if one.rejected}
        for sentence in guide(made):
            if not sentence.startswith("Faster still"):
                named = sentence.partition(": ")[2].partition(";")[0].removeprefix("the winner, ")
                assert named not in rejected


def test_where_nothing_meets_the_goal_that_comes_first():
    first, *others = guide(without_winner())
    assert first == "Nothing of this meets the goal."
    assert any("faster than the original" in each for each in others)
    assert not any("winner" in each for each in others)


def test_the_edge_needs_a_litert_file():
    without = tuple(each for each in CANDIDATES if not each[0].startswith("litert"))
    made = optimized(candidates=without, best="digits/onnxruntime", path=())
    assert not any("edge device" in each for each in guide(made))


def test_agreement_is_not_accuracy():
    assert any("loss of agreement (which is not accuracy)" in each for each in guide(unlabelled()))


@pytest.mark.parametrize("name", ["nothing", "interrupted"])
def test_little_is_said_of_little(name):
    made = OPTIMIZED[name]()
    assert (guide(made) == ()) == (name == "nothing")


def test_numbers_that_are_missing_are_left_out():
    made = optimized()
    results = tuple(dataclasses.replace(one, artifact_mb=None, measurement=None) for one in made.profile.results)
    bare = dataclasses.replace(made, profile=dataclasses.replace(made.profile, results=results))
    assert not any("file" in each.partition(":")[0] or "memory" in each for each in guide(bare))
    assert guide(bare)[0].startswith("Lowest latency")
