"""In which order channels are removed, and how far: stand-ins say what each training brings."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from inferspeed_magic.records import Epoch
from inferspeed_magic.search.narrowing import Narrowing
from inferspeed_magic.search.schooling import Schooling, ended_early

BY_TIME = Narrowing(8, {"a": 0.6, "b": 0.5})


def trial(*, p50_ms=1.0, drop=0.0, holds=True, trained=True):
    seen = SimpleNamespace(drop=SimpleNamespace(value=drop))
    return SimpleNamespace(
        candidate=SimpleNamespace(blocks=["x"] if trained else []),
        remembered=None,
        selection=seen,
        seen=seen,
        rejected=None if holds else "it lost too much",
        seen_ns=1e6 * p50_ms,
    )


def asked(brings, narrowing=BY_TIME, most=None):
    """List what is trained, one after the other, where each brings what is said of it."""

    class School(Schooling):
        def _trained(self, name, step, variant):
            assert step.words
            found.append(variant)
            return [trial(**brings(variant))], True

    found, left = [], []
    nothing = SimpleNamespace(trials=[], lesson=None, precision="float32", kind="keras", instruction_sets=())
    school = School(nothing, nothing, None, nothing, lambda *_, **__: None, narrowing=lambda *_: narrowing)
    school._ways = [None]
    for course in school.courses("structured_pruning"):
        if len(found) == most:
            left.append(course.title)
        else:
            assert len(course.train()) == 1
    return (found, left) if most is not None else found


def test_the_faster_way_goes_on():
    by_time = asked(lambda variant: {"p50_ms": 1.0 if "less time" in variant else 2.0})
    assert by_time[:2] == ["for 50% less time", "50%"]
    assert len(by_time) > 2
    assert all("less time" in variant for variant in by_time[2:])
    by_number = asked(lambda variant: {"p50_ms": 2.0 if "less time" in variant else 1.0})
    assert by_number[:2] == by_time[:2]
    assert len(by_number) > 2
    assert not any("less time" in variant for variant in by_number[2:])


@pytest.mark.parametrize("able", ["less time", "0%"])
def test_the_way_that_holds_goes_on_however_fast_the_other_is(able):
    def brings(variant):
        mine = ("less time" in variant) == (able == "less time")
        return {"p50_ms": 2.0, "holds": True} if mine else {"p50_ms": 1.0, "holds": False, "drop": 0.1}

    found = asked(brings)
    assert all(("less time" in variant) == (able == "less time") for variant in found[2:])
    assert len(found) > 2


def test_where_neither_holds_the_one_that_lost_less_gives_back():
    found = asked(lambda variant: {"holds": False, "drop": 0.02 if "less time" in variant else 0.03})
    assert found[2:4] == ["for 25% less time", "for 10% less time"]


def test_a_way_that_fails_is_left():
    found = asked(lambda variant: {"trained": "less time" not in variant})
    assert found[0] == "for 50% less time"
    assert not any("less time" in variant for variant in found[1:])
    assert asked(lambda _: {"trained": False}) == ["for 50% less time", "50%"]


def test_there_is_one_way_where_time_is_not_known():
    assert asked(lambda _: {"holds": False, "drop": 0.1}, Narrowing(4))[:2] == ["50%", "25%"]


@pytest.mark.parametrize(
    ("most", "left"),
    [
        (0, ["structured_pruning[for 50% less time]", "structured_pruning[50%]"]),
        (1, ["structured_pruning[50%]", "structured_pruning[for 65% less time]"]),
        (2, ["structured_pruning[for 65% less time]"]),
    ],
)
def test_what_there_is_no_time_for_is_named(most, left):
    assert asked(lambda _: {}, most=most)[1] == left


def test_it_is_said_where_time_cut_training_short():
    def after(*epochs):
        return [SimpleNamespace(candidate=SimpleNamespace(training=epochs))]

    whole = Epoch(1, 0.5, 0.5, 1.0), Epoch(2, 0.4, 0.4, 2.0)
    cut = Epoch(1, 0.5, 0.5, 1.0), Epoch(2, 0.4, 0.4, 2.0, cut_short=True)
    stages = (*cut, Epoch(3, 0.4, 0.4, 3.0, stage=2))
    assert ended_early("a[50%]", after(*whole), 8) == []
    assert ended_early("a", [], 8) == ended_early("a", after(), None) == []
    assert ended_early("a[50%]", after(*cut), 8) == ["a[50%] after 2 of 8 epochs"]
    assert ended_early("a", after(*cut), None) == ["a after 2 epochs"]
    assert ended_early("a", after(*stages), 8) == ["a after 3 of 16 epochs"]
