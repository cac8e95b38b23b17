"""The table of routes: whole, resolvable, and with a reason for every gap."""

from __future__ import annotations

import inspect
from typing import get_args

import pytest

from inferspeed_magic.discovery import runtimes
from inferspeed_magic.formats import routes as table
from inferspeed_magic.formats.routes import routes, why_none, words
from inferspeed_magic.sources.kinds import Kind
from inferspeed_magic.workers.child import resolve

SOURCES = [kind for kind in get_args(Kind) if kind != "keras_file"]  # a file becomes keras or tf_keras
FORMATS = sorted({made for runtime in runtimes().values() for made in runtime.capabilities().formats})
ALL = [
    (source, made, route, dynamic)
    for source in SOURCES
    for made in FORMATS
    for dynamic in (False, True)
    for route in routes(source, made, dynamic=dynamic, lower=True)
]
STEPS = sorted({step for *_, route, _ in ALL for step in route}, key=lambda step: (step.call, step.static))
#: What a file already is.
SAME = {("keras", "keras"), ("tf_keras", "keras"), ("saved_model", "keras"), ("onnx", "onnx"), ("litert", "litert")}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.call}-{step.static}")
def test_a_step_is_a_function_that_can_be_called_as_one(step):
    parameters = inspect.signature(resolve(step.call)).parameters
    assert list(parameters) == ["state", "source", "target", "batch_size", "inputs"]
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in list(parameters)[1:])
    assert step.words


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("made", FORMATS)
def test_there_are_routes_or_a_reason(source, made):
    if routes(source, made):
        return
    assert why_none(source, made) == table._NO_ROUTE[source, made]
    assert "\n" not in why_none(source, made)


def test_no_reason_is_given_where_there_are_routes():
    assert not [pair for pair in table._NO_ROUTE if routes(*pair)]


@pytest.mark.parametrize(
    ("source", "made", "route", "dynamic"), ALL, ids=lambda part: words(part) if isinstance(part, tuple) else str(part)
)
def test_a_route_ends_in_what_it_promises(source, made, route, dynamic):
    if route:
        assert route[-1].makes == made
        assert route[-1].static is not dynamic
        # A batch that is fixed stays fixed.
        fixed = [step.static for step in route]
        assert fixed == sorted(fixed)
    else:
        assert (source, made) in SAME


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("made", FORMATS)
def test_routes_differ(source, made):
    found = routes(source, made)
    assert len(set(found)) == len(found)
    assert len({words(route) for route in found}) == len(found), "the report could not tell them apart"


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("made", FORMATS)
def test_models_in_float32_take_no_way_around(source, made):
    for dynamic in (False, True):
        plain, all_of_them = (routes(source, made, dynamic=dynamic, lower=lower) for lower in (False, True))
        assert not [route for route in plain if any(step.computes for step in route)]
        assert set(plain) <= set(all_of_them)


def test_unknown_kinds_have_no_routes_and_a_reason():
    assert routes("pickle", "onnx") == ()
    assert why_none("pickle", "onnx") == "there is no way from pickle to onnx"


def test_words_name_the_steps_in_order():
    assert words(routes("keras", "onnx")[0]) == "frozen graph, any batch > tf2onnx > batch fixed"
    assert words(()) == "as it is"
