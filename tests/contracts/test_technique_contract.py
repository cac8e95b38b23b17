"""What every technique promises, on every format that it has a step for."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest
import small_models
from keras import layers

import inferspeed_magic as im
from inferspeed_magic.discovery import runtimes, techniques
from inferspeed_magic.errors import OptionError
from inferspeed_magic.techniques.base import Subject, Technique, saturates

RUNTIME_OF = {"litert": "litert", "onnx": "onnxruntime", "openvino_ir": "openvino"}
CASES = [
    pytest.param(name, RUNTIME_OF[made], id=f"{name}-{made}")
    for name, technique in techniques().items()
    for made in technique.steps
]


@pytest.fixture(scope="module")
def network():
    """Two inputs, convolutions and dense layers, large enough that every quantizer finds something to do."""
    image, vector = keras.Input((16, 16, 3), name="image"), keras.Input((64,), name="vector")
    seen = layers.Conv2D(32, 3, activation="relu")(image)
    seen = layers.GlobalAveragePooling2D()(layers.Conv2D(64, 3, activation="relu")(seen))
    both = layers.Concatenate()([seen, layers.Dense(128, activation="relu")(vector)])
    outputs = [layers.Dense(256)(both), layers.Dense(5, name="small")(layers.Dense(128, activation="relu")(both))]
    return small_models.stirred(keras.Model([image, vector], outputs))


@pytest.fixture(scope="module")
def inputs():
    draw = np.random.default_rng(0)
    return [
        draw.standard_normal((40, 16, 16, 3)).astype("float32"),
        draw.standard_normal((40, 64)).astype("float32"),
    ]


@pytest.fixture(scope="module")
def report(network, inputs):
    """Every technique on every file runtime, at a batch size that does not divide the samples."""
    return im.profile(
        {"net": network},
        runtimes=list(RUNTIME_OF.values()),
        techniques=list(techniques()),
        inputs=inputs,
        batch_sizes=3,
        duration_s=0.05,
        batch_in_file="static",
        progress=False,
    )


def test_there_are_techniques():
    assert {"float16", "post_training_dynamic", "post_training_static", "int16x8"} <= set(techniques())


@pytest.mark.parametrize("name", techniques())
def test_it_says_what_it_is(name):
    technique = techniques()[name]
    assert technique.name == name
    assert technique.summary
    assert technique.needs in ("nothing", "calibration")
    assert technique.steps
    for made, step in technique.steps.items():
        assert step.makes == made
        assert step.calibrated == (technique.needs == "calibration")
        module, _, function = step.call.partition(":")
        taken = inspect.signature(getattr(__import__(module, fromlist=[function]), function)).parameters
        settings = dict(technique.step_for(Subject("any", instruction_sets=("AVX2",)), made).settings)
        assert {*settings, *(["calibration"] if step.calibrated else [])} <= set(taken)


@pytest.mark.parametrize(("name", "runtime"), CASES)
def test_it_makes_a_model_that_runs_and_is_nearly_the_same(report, name, runtime):
    (result,) = [each for each in report.results if (each.runtime, each.technique) == (runtime, name)]
    assert result.status == "measured", result.reason
    assert result.name == f"net/{runtime}+{name}"
    # It did something, and not too much.
    assert 1e-6 < result.relative_error < 0.3
    assert result.summary.p50_ms.value > 0


@pytest.mark.parametrize(("name", "runtime"), CASES)
def test_weights_become_smaller(report, name, runtime):
    sizes = {each.technique: each.artifact_mb for each in report.results if each.runtime == runtime}
    assert sizes[name] < 0.75 * sizes["none"]


def test_the_model_as_it_is_comes_first_and_is_the_baseline(report):
    assert report.results[0].name == "net/litert"
    assert report.record.baseline == "net/litert"
    assert next(each.technique for each in report.results if each.runtime == "onnxruntime") == "none"
    assert any("accuracy was not measured" in note for note in report.record.notes)


def test_the_report_tells_techniques_apart(report):
    table = report.to_pandas()
    assert set(table.technique) == {"none", *techniques()}
    assert report.compare("net/litert+float16", "net/litert").ratio > 0
    assert "litert+post_training_static" in repr(report) or "post_training_static" in repr(report)


def test_only_what_was_asked_for_is_made(network):
    report = im.profile({"net": network}, runtimes=["litert"], techniques="float16", duration_s=0.02, progress=False)
    assert [each.technique for each in report.results] == ["none", "float16"]


def test_an_unknown_technique_is_one_line():
    with pytest.raises(OptionError, match=r"unknown technique `float61`: did you mean float16\?"):
        im.profile({"a": object()}, techniques=["float61"])


@pytest.mark.parametrize("name", techniques())
def test_what_computes_in_another_precision_is_left_alone(name):
    technique = techniques()[name]
    for made in technique.steps:
        why = technique.applies_to(Subject(RUNTIME_OF[made], precision="float16"), made)
        assert why == "the model computes in float16 already"


def test_what_has_nothing_to_quantize_is_unsupported():
    """And not a float model that is called int8."""
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    report = im.profile(
        {"tiny": model}, runtimes=["litert"], techniques=["post_training_dynamic"], duration_s=0.02, progress=False
    )
    _, changed = report.results
    assert changed.status == "unsupported"
    assert "changes nothing" in changed.reason


def test_weights_keep_to_7_bits_where_8_overflow():
    assert saturates(Subject("onnxruntime", instruction_sets=("AVX2", "FMA")))
    assert not saturates(Subject("onnxruntime", instruction_sets=("AVX2", "AVX-512 VNNI")))
    assert not saturates(Subject("onnxruntime", instruction_sets=("NEON", "dotprod")))
    step = techniques()["post_training_static"].step_for(Subject("onnxruntime", instruction_sets=("AVX2",)), "onnx")
    assert dict(step.settings)["reduce_range"] is True


def test_a_technique_is_one_class_in_a_file():
    for technique in techniques().values():
        assert isinstance(technique, Technique)
    assert set(RUNTIME_OF.values()) <= set(runtimes())
