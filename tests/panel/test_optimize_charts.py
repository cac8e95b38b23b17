"""The points of the Pareto chart."""

from __future__ import annotations

import dataclasses
import math

import pytest
from panel_records import CANDIDATES, OPTIMIZED, accuracy, forty, losses, optimized, single_numbers, unlabelled

from inferspeed_magic.panel import optimize_charts, optimize_view
from inferspeed_magic.records import Goal, Interval, Metric

NAN = float("nan")


def points(made):
    return {point.name.removeprefix("digits/"): point for point in optimize_charts(made).points}


def scored(drops, **changes):
    """The usual candidates with other drops."""
    there = tuple(
        (way, p50, given | {"score": accuracy(drops[way], half=None)}) for way, p50, given in CANDIDATES if way in drops
    )
    return optimized(candidates=there, **changes)


@pytest.mark.parametrize("name", OPTIMIZED)
def test_there_is_a_point_for_each_row(name):
    made = OPTIMIZED[name]()
    assert [point.name for point in optimize_charts(made).points] == [row.name for row in optimize_view(made).rows]


def test_a_point_has_its_costs_and_its_score_in_percent():
    point = points(optimized())["litert+static_int8"]
    assert (point.standing, point.at_edge) == ("winner", False)
    assert (
        point.latency
        == next(one for one in optimized().profile.results if one.way == "litert+static_int8").summary.p50_ms
    )
    assert (point.size.value, point.memory.value) == (0.57, 92.0)
    assert dataclasses.astuple(point.score) == pytest.approx((96.9, 96.6, 97.2))


def test_a_score_s_interval_is_that_of_the_drop():
    found = points(losses())["litert+static_int8"].score
    assert dataclasses.astuple(found) == pytest.approx((0.0412 * 1.007, 0.0412 * 1.003, 0.0412 * 1.011))


def test_what_is_not_known_is_left_out():
    made = points(optimized())
    assert made["onnxruntime+dynamic_int8"].score is None
    assert made["keras.predict"].size is None
    single = points(single_numbers())["litert"].score
    assert single.value == pytest.approx(97.4)
    assert math.isnan(single.low)
    assert math.isnan(single.high)


class TestEdge:
    def test_what_is_far_worse_is_drawn_on_the_edge(self):
        made = points(optimized())
        assert [name for name, point in made.items() if point.at_edge] == ["openvino+weights_int4"]
        edge = made["openvino+weights_int4"].score
        assert edge.value == pytest.approx(97.4 - 100 * 1.5 * 2.5 * 0.01)
        assert math.isnan(edge.low)
        assert all(edge.value <= point.score.value for point in made.values() if point.score)

    def test_a_loss_rises_to_its_edge(self):
        made = points(losses())
        edges = [point.score.value for point in made.values() if point.at_edge]
        assert edges == pytest.approx([0.0412 * (1 + 1.5 * 2.5 * 0.01)] * 3)
        assert all(max(edges) + 1e-12 >= point.score.value for point in made.values() if point.score)

    def test_nothing_is_cut_off_where_all_fit(self):
        assert not any(point.at_edge for point in points(scored({"litert": 0.0, "litert+static_int8": 0.02})).values())
        assert not any(point.at_edge for point in points(unlabelled()).values())

    def test_a_goal_that_allows_nothing_cuts_nothing_off(self):
        made = scored({"litert": 0.0, "litert+static_int8": 0.3}, goal=Goal(max_accuracy_drop=0.0))
        assert not any(point.at_edge for point in points(made).values())

    def test_what_is_off_the_edge_is_on_no_front(self):
        """A line to the edge would say that its score is there."""
        made = optimize_charts(scored({"litert": 0.0, "litert+static_int8": 0.005, "openvino+weights_int4": 0.31}))
        assert "digits/openvino+weights_int4" not in made.fronts["size"]


class TestFront:
    def test_latency_s_is_the_record_s(self):
        assert optimize_charts(optimized()).fronts["latency"] == optimized().pareto
        made = optimized(pareto=("digits/litert", "digits/gone"))
        assert optimize_charts(made).fronts["latency"] == ("digits/litert",)

    @pytest.mark.parametrize("better", [True, False])
    @pytest.mark.parametrize("cost", ["latency", "size", "memory"])
    def test_nobody_on_it_is_beaten(self, cost, better):
        made = forty() if better else losses()
        charts = optimize_charts(dataclasses.replace(made, pareto=()))
        there = {point.name: point for point in charts.points if point.score and not point.at_edge and point.cost(cost)}
        front = charts.fronts[cost]
        assert len(front) > 1

        def beats(one, other):
            """At least as good in both, and better in one."""
            sign = 1 if better else -1
            mine = (-one.cost(cost).value, sign * one.score.value)
            yours = (-other.cost(cost).value, sign * other.score.value)
            return all(a >= b for a, b in zip(mine, yours, strict=True)) and mine != yours

        for name in front:
            assert not [other for other in there if beats(there[other], there[name])]
        for name in set(there) - set(front):
            same = [each for each in front if dataclasses.replace(there[each], name=name) == there[name]]
            assert same or any(
                beats(there[other], there[name]) or there[other].score == there[name].score for other in front
            )

    def test_the_cheapest_comes_first(self):
        charts = optimize_charts(forty())
        by_name = {point.name: point for point in charts.points}
        for cost, names in charts.fronts.items():
            values = [by_name[name].cost(cost).value for name in names]
            assert values == sorted(values)


class TestGoal:
    def test_what_the_goal_allows(self):
        assert optimize_charts(optimized()).allowed == pytest.approx(96.4)
        assert optimize_charts(losses()).allowed == pytest.approx(0.0412 * 1.01)

    def test_unknown_without_a_score(self):
        bare = tuple((way, p50, given | {"score": None}) for way, p50, given in CANDIDATES)
        assert optimize_charts(optimized(candidates=bare, path=())).allowed is None

    def test_a_share_of_nothing_is_a_difference(self):
        """As the search takes it: there is no share of an original score of 0."""
        score = dataclasses.replace(accuracy(0.005, original=0.0, half=None), value=0.005)
        made = optimized(
            candidates=(("litert", 1.0, {"score": score}),),
            metric=Metric("loss", higher_is_better=False, relative=True),
            best="digits/litert",
        )
        assert optimize_charts(made).allowed == pytest.approx(0.01)


class TestSpeedups:
    def test_those_given_come_first(self):
        lead = Interval(2.0, 1.9, 2.1)
        charts = optimize_charts(optimized(), {("digits/litert", "digits/onnxruntime", 1): lead})
        names = [point.name for point in charts.points]
        assert charts.speedups[names.index("digits/litert")][names.index("digits/onnxruntime")] == lead

    def test_without_any_there_are_those_over_the_original(self):
        charts = optimize_charts(optimized())
        place = [point.name for point in charts.points].index("digits/keras.predict")
        assert charts.original == "digits/keras.predict"
        assert all((line[place] is not None) and line[place - 1] is None for line in charts.speedups)

    def test_an_original_that_was_not_measured_is_none(self):
        assert optimize_charts(optimized(original="digits/gone")).original is None
