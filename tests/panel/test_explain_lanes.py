"""Lanes: no line runs through a layer that it has nothing to do with."""

from __future__ import annotations

import random

import pytest

from inferspeed_magic.panel.explain_lanes import lanes


def drawn_rightly(feeds, chosen):
    """Follow every line: down its source's lane to the row above its end, where nobody else may stand."""
    for place, sources in enumerate(feeds):
        for source in sources:
            between = range(source + 1, place)
            assert all(chosen[row] != chosen[source] for row in between)


def test_a_chain_is_straight():
    assert lanes([[], [0], [1], [2]]) == (0, 0, 0, 0)


def test_a_shortcut_is_straight_and_what_it_goes_around_moves_aside():
    assert lanes([[], [0], [1], [0, 2], [3]]) == (0, 1, 1, 0, 0)


def test_branches_stand_beside_each_other():
    """Four branches of two layers, one layer of each after the other."""
    feeds = [[], [0], [0], [0], [0], [1], [2], [3], [4], [5, 6, 7, 8], [9]]
    chosen = lanes(feeds)
    drawn_rightly(feeds, chosen)
    assert len({chosen[place] for place in range(5, 9)}) == 4
    assert chosen[9] == chosen[10] == 0


def test_a_lane_is_used_again():
    block = [[0], [1], [0, 2]]
    feeds = [[], *([place + 3 * times for place in each] for times in range(20) for each in block)]
    assert set(lanes(feeds)) == {0, 1}


def test_nothing_known_of_edges_is_one_lane():
    assert lanes([[], [], []]) == (0, 0, 0)
    assert lanes([]) == ()


@pytest.mark.parametrize("seed", range(30))
def test_whatever_the_graph_no_line_runs_through_a_layer(seed):
    draw = random.Random(seed)  # noqa: S311  (a graph, no secret)
    feeds = [
        sorted(draw.sample(range(max(0, place - 9), place), min(place, draw.choice((0, 1, 1, 1, 2, 3)))))
        for place in range(60)
    ]
    drawn_rightly(feeds, lanes(feeds))
