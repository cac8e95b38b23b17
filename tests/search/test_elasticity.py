"""With which power of a layer's width the latency goes, from what is left without half of it."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferspeed_magic.pruning import gained
from inferspeed_magic.search.elasticity import _share, powers
from inferspeed_magic.search.narrowing import Narrowing, narrowing_of
from inferspeed_magic.techniques.base import step

LEFT = st.dictionaries(st.sampled_from("abcd"), st.tuples(st.floats(0.5, 1.0), st.floats(0.1, 0.9)), min_size=1)
STEP = step("channel_pruner:remove", "keras", "channels removed", sparsity_percent=50, multiple_of=1)


@given(LEFT)
def test_one_by_one_they_gain_what_was_seen(alone):
    found = powers(alone, None)
    for name, (left, share) in alone.items():
        assert math.exp(-gained(found.get(name, 0.0), share)) == pytest.approx(left, abs=1e-3)


@given(LEFT, st.floats(0.2, 0.99))
def test_together_they_gain_what_was_seen_together(alone, together):
    found = powers(alone, together)
    alike = -sum(math.log(left) for left, _ in alone.values())
    ratio = -math.log(together) / alike if alike else 0.0
    if 0.3 <= ratio <= 1.2:
        gain = sum(gained(power, alone[name][1]) for name, power in found.items())
        assert math.exp(-gain) == pytest.approx(together, abs=2e-3)


def test_rounds_that_were_disturbed_do_not_count():
    whole = [10.0, 11.0, 10.0, 30.0, 10.0]
    assert _share([5.0, 5.5, 5.0, 60.0, 5.0], whole) == 0.5
    assert _share([9.9, 10.0, 9.9, 9.9, 9.9], whole) == 1.0  # as much as two processes differ in
    assert _share([11.0], [10.0]) == 1.0


def test_channels_go_for_time_where_it_is_known_what_takes_it():
    narrowing = Narrowing(8, {"a": 0.6, "b": 0.5})
    found, words = narrowing.step(STEP, 40)
    settings = dict(found.settings)
    assert words == "for 40% less time"
    assert found.call.endswith("channel_pruner:remove_for_latency")
    assert json.loads(settings["elasticities"]) == {"a": 0.6, "b": 0.5}
    assert settings["less_time_percent"] == 40
    assert narrowing.bracket().share() == 50  # half of the channels are expected to bring 53%


@pytest.mark.parametrize("elasticities", [{}, {"a": 0.05}])
def test_channels_go_by_their_number_where_that_is_not_known(elasticities):
    found, words = Narrowing(4, elasticities).step(STEP, 70)
    assert words == "70%"
    assert dict(found.settings) == {"sparsity_percent": 70, "multiple_of": 4}
    assert found.call == STEP.call


def test_where_time_is_known_both_ways_are_gone():
    by_time = Narrowing(8, {"a": 0.6, "b": 0.5})
    assert by_time.ways() == (by_time, Narrowing(8))
    assert Narrowing(4, {"a": 0.05}).ways() == (Narrowing(4, {"a": 0.05}),)
    assert [way.step(STEP, 50)[1] for way in by_time.ways()] == ["for 50% less time", "50%"]


class Earlier:
    def __init__(self, **settings):
        self.settings = tuple(settings.items())


def test_an_earlier_run_is_taken_over_where_the_lesson_is_the_same():
    known = Earlier(lesson="abcdefgh", multiple_of="8", elasticities='{"a": 0.5}', less_time_percent="50")
    by_number = Earlier(lesson="abcdefgh", multiple_of="8", sparsity_percent="50")
    assert narrowing_of([Earlier(lesson="abcdefgh"), by_number, known], "abcdefghij") == Narrowing(8, {"a": 0.5})
    assert narrowing_of([by_number], "abcdefghij") == Narrowing(8)
    assert narrowing_of([known], "another_one") is None
    assert narrowing_of([], "abcdefgh") is None
