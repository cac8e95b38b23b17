"""What every technique promises, on every runtime that it has a step for, with each of its variants."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest
import small_models
from keras import layers
from workbench import Workbench

import inferspeed_magic as im
from inferspeed_magic.discovery import runtimes, techniques
from inferspeed_magic.errors import OptionError
from inferspeed_magic.formats.agreement import relative_error
from inferspeed_magic.formats.routes import routes
from inferspeed_magic.measurement.bench import artifact_mb
from inferspeed_magic.measurement.machine import describe
from inferspeed_magic.techniques.base import Subject, Technique, changed, saturates

RUNTIME_OF = {"litert": "litert", "onnx": "onnxruntime", "openvino_ir": "openvino", "keras": "keras.compiled"}
#: As good as every CPU that there is.
SUBJECT = Subject("any", instruction_sets=("AVX2", "AVX-512 VNNI", "AVX-512 BF16"))
#: Weights were drawn at random, and the largest deviation of all counts; with a mistake it is 1 and more.
MOST_ERROR = 0.6
#: Half of what a model knows is gone, and nobody trained it on; tests/pruning has models that do not miss it.
ERRORS = {"structured_pruning": 3.0, "magnitude_pruning": 3.0}
#: Zeros, and few distinct values, take as much room as others until a file is compressed.
SMALLER = {"low_rank": 0.95, "bfloat16": 1.001, "magnitude_pruning": 1.001, "weight_clustering": 1.001}


def step_keys(runtime):
    formats = runtimes()[runtime].capabilities().formats
    found = [(name, technique.step_made(formats)) for name, technique in techniques().items()]
    return [(name, made) for name, made in found if made is not None]


CASES = [
    pytest.param(name, runtime, id=f"{name}-{runtime}")
    for runtime in RUNTIME_OF.values()
    for name, _ in step_keys(runtime)
]
VARIANTS = [
    pytest.param(name, runtime, variant, id=f"{name}-{runtime}-{variant}")
    for runtime in RUNTIME_OF.values()
    for name, made in step_keys(runtime)
    for variant in techniques()[name].variants(SUBJECT, made)
    if not techniques()[name].on_model or runtime in ("keras.compiled", "onnxruntime")
    if techniques()[name].applies_to(SUBJECT, made) is None  # tests/techniques trains what does nothing without
]


def network():
    """Two inputs, convolutions, attention and dense layers, all of a low rank: every technique finds something to do.

    They are large enough for every quantizer, and small enough that nothing overflows.
    """
    image, vector = keras.Input((16, 16, 3), name="image"), keras.Input((64,), name="vector")
    seen = layers.Conv2D(32, 3, activation="relu")(image)
    seen = layers.GlobalAveragePooling2D()(layers.Conv2D(64, 3, activation="relu")(seen))
    read = layers.Dense(128, activation="relu")(vector)
    parts = layers.Reshape((8, 16))(read)
    related = layers.Flatten()(layers.MultiHeadAttention(2, 16)(parts, parts))
    both = layers.Concatenate()([seen, related])
    outputs = [layers.Dense(256)(both), layers.Dense(5, name="small")(layers.Dense(128, activation="relu")(both))]
    model = small_models.stirred(keras.Model([image, vector], outputs))
    draw = np.random.default_rng(0)
    for variable in model.weights:
        if variable.name == "kernel":
            rows, columns = int(np.prod(variable.shape[:-1])), variable.shape[-1]
            rank = min(2, rows, columns)
            (left, _), (right, _) = (np.linalg.qr(draw.standard_normal((size, rank))) for size in (rows, columns))
            values = left @ right.T * np.sqrt(columns / rank)
            values += 0.1 * draw.standard_normal((rows, columns)) / np.sqrt(rows)  # a hundredth of the energy
            variable.assign(values.reshape(variable.shape))
    return model


@pytest.fixture(scope="module")
def inputs():
    draw = np.random.default_rng(0)
    return [
        draw.standard_normal((40, 16, 16, 3)).astype("float32"),
        draw.standard_normal((40, 64)).astype("float32"),
    ]


@pytest.fixture(scope="module")
def report(inputs):
    """Every technique on every file runtime and one call path of Keras; the batch size does not divide the samples."""
    return im.profile(
        {"net": network()},
        runtimes=list(RUNTIME_OF.values()),
        techniques=list(techniques()),
        inputs=inputs,
        batch_sizes=3,
        duration_s=0.02,
        batch_in_file="static",
        progress=False,
    )


@pytest.fixture(scope="module")
def bench():
    with Workbench() as bench:
        yield bench


def test_there_are_techniques():
    expected = {"float16", "bfloat16", "post_training_dynamic", "post_training_static", "int16x8"}
    expected |= {"weight_only_int8", "weight_only_int4", "smooth_quant", "low_rank", "structured_pruning"}
    expected |= {"distillation", "magnitude_pruning", "weight_clustering", "quantization_aware_training"}
    assert expected <= set(techniques())


@pytest.mark.parametrize("name", techniques())
def test_it_says_what_it_is(name):
    technique = techniques()[name]
    assert technique.name == name
    assert technique.summary
    assert technique.pays
    assert technique.needs in ("nothing", "calibration")
    assert technique.steps
    for made, step in technique.steps.items():
        assert step.makes == made
        assert step.calibrated == (technique.needs == "calibration")
        module, _, function = step.call.partition(":")
        taken = inspect.signature(getattr(__import__(module, fromlist=[function]), function)).parameters
        for variant in ("", *technique.variants(SUBJECT, made)):
            chosen = technique.step_for(SUBJECT, made, variant)
            settings = dict(chosen.settings)
            assert {*settings, *(["calibration"] if step.calibrated else [])} <= set(taken)
            assert all(isinstance(value, str | bool | int) for value in settings.values())
            assert variant == "" or (variant.isidentifier() and chosen.words.endswith(variant))


@pytest.mark.parametrize("name", techniques())
def test_no_variant_is_the_default_or_another_one(name):
    technique = techniques()[name]
    for made in technique.steps:
        variants = ("", *technique.variants(SUBJECT, made))
        assert len({technique.step_for(SUBJECT, made, variant).settings for variant in variants}) == len(variants)


@pytest.mark.parametrize(("name", "runtime"), CASES)
def test_it_makes_a_model_that_runs_and_is_nearly_the_same(report, name, runtime):
    (result,) = [each for each in report.results if (each.runtime, each.technique) == (runtime, name)]
    assert result.name == f"net/{runtime}+{name}"
    technique = techniques()[name]
    made = technique.step_made(runtimes()[runtime].capabilities().formats)
    against = technique.applies_to(Subject(runtime, instruction_sets=describe().instruction_sets), made)
    if against:  # this machine's CPU cannot
        assert (result.status, result.reason) == ("unsupported", against)
        return
    assert result.status == "measured", result.reason
    # It did something, and not too much.
    assert 1e-6 < result.relative_error < ERRORS.get(name, MOST_ERROR)
    assert result.summary.p50_ms.value > 0


@pytest.mark.parametrize(("name", "runtime"), CASES)
def test_weights_become_smaller(report, name, runtime):
    sizes = {each.technique: each.artifact_mb for each in report.results if each.runtime == runtime}
    if sizes[name] is not None:
        assert sizes[name] < SMALLER.get(name, 0.8) * sizes["none"]


@pytest.mark.parametrize(("name", "runtime", "variant"), VARIANTS)
def test_every_variant_makes_a_model_that_runs_and_is_nearly_the_same(bench, inputs, name, runtime, variant):
    technique, opener = techniques()[name], runtimes()[runtime]
    formats = opener.capabilities().formats
    step = technique.step_for(SUBJECT, technique.step_made(formats), variant)
    source = bench.source(network)
    source.calibration = inputs
    route = changed(routes("keras", formats[0])[0], step)
    artifact = bench.converter.submit(source, route, 3).result()
    batch = [each[:3] for each in inputs]
    opened = bench.open(opener, artifact.path, [batch])
    assert 1e-6 < relative_error(opened.outputs[0], source.outputs(batch)) < ERRORS.get(name, MOST_ERROR)
    assert artifact_mb(artifact.path) > 0


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


def test_an_unknown_technique_is_one_line():
    with pytest.raises(OptionError, match=r"unknown technique `float61`: did you mean float16\?"):
        im.profile({"a": object()}, techniques=["float61"])


def test_an_unknown_variant_is_one_line():
    with pytest.raises(OptionError, match=r"unknown variant `entropic` of post_training_static on any: there is "):
        techniques()["post_training_static"].step_for(SUBJECT, "onnx", "entropic")
    with pytest.raises(OptionError, match=r"unknown variant `any` of float16 on any: there is none"):
        techniques()["float16"].step_for(SUBJECT, "litert", "any")


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
        {"tiny": model},
        runtimes=["litert", "onnxruntime", "openvino"],
        techniques=["post_training_dynamic", "weight_only_int4", "smooth_quant", "low_rank"],
        duration_s=0.02,
        progress=False,
    )
    said = {f"{each.runtime}+{each.technique}": each for each in report.results}
    # Only what was asked for is made, on runtimes that it has a step for.
    assert [each.technique for each in report.results if each.runtime == "litert"] == [
        "none",
        "post_training_dynamic",
        "low_rank",
    ]
    for name, reason in {
        "litert+post_training_dynamic": "changes nothing",
        "onnxruntime+weight_only_int4": "no product with a large constant matrix",
        "openvino+smooth_quant": "no product of two activations",
        "litert+low_rank": "gains nothing here: no layer's rank at 95% energy is low enough",
    }.items():
        assert said[name].status == "unsupported"
        assert reason in said[name].reason


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


def test_reasons_for_what_is_not_done():
    known = techniques()
    assert "casting" in known["float16"].applies_to(Subject("onnxruntime"), "onnx")
    assert "not done for litert" in known["smooth_quant"].applies_to(Subject("litert"), "litert")
    assert "no bfloat16" in known["bfloat16"].applies_to(Subject("openvino", instruction_sets=("AVX2",)), "openvino_ir")
    assert known["bfloat16"].applies_to(SUBJECT, "openvino_ir") is None
    assert "an ONNX file" in known["low_rank"].applies_to(Subject("onnxruntime", kind="onnx"), "keras")
