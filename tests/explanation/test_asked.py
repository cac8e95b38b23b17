from __future__ import annotations

import pytest

from inferspeed_magic.errors import OptionError
from inferspeed_magic.explanation.asked import asked
from inferspeed_magic.explanation.circumstances import Circumstance, batches, counterfactuals, looked_into, usual

DEFAULTS = {
    "runtimes_named": None,
    "batch_size": 1,
    "device": "cpu",
    "threads": None,
    "count_only": False,
    "seed": 0,
    "duration_s": 0.35,
}


def test_all_runtimes_but_xla_are_measured():
    request = asked(**DEFAULTS).request
    assert request.runtimes[0] == "keras.predict"
    assert "keras.xla" not in request.runtimes
    assert {"litert", "onnxruntime"} <= set(request.runtimes)


def test_what_is_named_is_measured_in_that_order():
    request = asked(**DEFAULTS | {"runtimes_named": ["onnxruntime", "keras.xla"]}).request
    assert request.runtimes == ("onnxruntime", "keras.xla")


def test_larger_batches_stand_beside_the_one_that_is_explained():
    wanted = asked(**DEFAULTS | {"batch_size": 4})
    assert wanted.batch_size == 4
    assert wanted.request.batch_sizes == (4, 32, 128)


def test_who_only_counts_measures_on_nothing():
    assert asked(**DEFAULTS | {"count_only": True}).request.runtimes == ()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("batch_size", 0),
        ("batch_size", (1, 8)),
        ("batch_size", True),
        ("runtimes_named", "torchscript"),
        ("threads", 0),
    ],
)
def test_mistakes_are_one_line(option, value):
    with pytest.raises(OptionError) as caught:
        asked(**DEFAULTS | {option: value})
    assert "\n" not in str(caught.value)


def test_circumstances():
    request = asked(**DEFAULTS | {"runtimes_named": ["keras.predict", "litert", "onnxruntime"]}).request
    assert list(usual(request, 2)) == [Circumstance(name, 1, 2) for name in request.runtimes]
    assert {each.runtime for each in batches(request, 2, "onnxruntime")} == {"keras.predict", "onnxruntime"}
    assert {each.batch_size for each in batches(request, 2, "onnxruntime")} == {8, 32}
    assert [what for what, _, _ in counterfactuals(request, 2, "onnxruntime")] == ["one_thread", "int8"]
    assert [what for what, _, _ in counterfactuals(request, 1, "onnxruntime")] == ["int8"]
    assert list(counterfactuals(request, 2, None)) == []


def test_the_runtime_that_is_looked_into_says_what_its_operators_take():
    assert looked_into(["keras.predict", "openvino", "onnxruntime"], ["onnxruntime", "openvino"]) == "onnxruntime"
    assert looked_into(["keras.predict", "openvino"], ["onnxruntime", "openvino"]) == "openvino"
    assert looked_into(["keras.predict"], ["onnxruntime"]) is None
