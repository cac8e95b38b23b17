"""Techniques that change the Keras model: what is written is read by another process, and is nearly the same."""

import json
from pathlib import Path

import low_rank_models
import numpy as np
import pytest
from workbench import Workbench

from inferspeed_magic.discovery import runtimes, techniques
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.formats.agreement import relative_error
from inferspeed_magic.formats.routes import routes
from inferspeed_magic.techniques.base import Subject, changed

STEPS = {
    "low_rank": techniques()["low_rank"].step_for(Subject("any"), "keras", "e99"),
    "int8": techniques()["post_training_dynamic"].step_for(Subject("any"), "keras"),
    "int4": techniques()["weight_only_int4"].step_for(Subject("any"), "keras"),
}


@pytest.fixture(scope="module")
def bench():
    with Workbench() as bench:
        yield bench


def outputs_of_changed(bench, make, step, runtime):
    source = bench.source(make)
    formats = runtimes()[runtime].capabilities().formats
    artifact = bench.converter.submit(source, changed(routes(source.kind, formats[0])[0], STEPS[step]), 3).result()
    inputs = [np.asarray(each[:3]) for each in source.samples(3, seed=0)]
    opened = bench.open(runtimes()[runtime], artifact.path, [inputs])
    return artifact, relative_error(opened.outputs[0], source.outputs(inputs))


@pytest.mark.parametrize(
    ("make", "step", "runtime"),
    [
        (low_rank_models.intricate, "low_rank", "keras.compiled"),
        (low_rank_models.intricate, "low_rank", "litert"),
        (low_rank_models.intricate, "low_rank", "onnxruntime"),
        (low_rank_models.intricate, "int8", "keras.compiled"),
        (low_rank_models.intricate, "int4", "keras.compiled"),
        (low_rank_models.without_input, "low_rank", "keras.compiled"),
        (low_rank_models.in_tf_keras, "low_rank", "keras.compiled"),
        (low_rank_models.in_tf_keras, "low_rank", "openvino"),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_what_was_changed_is_nearly_the_same(bench, make, step, runtime):
    artifact, error = outputs_of_changed(bench, make, step, runtime)
    assert 1e-6 < error < 0.3
    plain = bench.artifact(bench.source(make), runtimes()[runtime], 3)
    if runtime != "keras.compiled":
        assert artifact.size_mb < 0.9 * Path(plain).stat().st_size / 1e6 + (runtime == "openvino")


def test_layers_become_two_of_the_same_name(bench):
    """Those that gain: not the three outputs of ``Dense(3)``, whose rank is low already; shared ones once."""
    artifact, _ = outputs_of_changed(bench, low_rank_models.intricate, "low_rank", "keras.compiled")
    assert json.loads((Path(artifact.path) / "portable.json").read_text())["library"] == "keras"
    from inferspeed_magic.sources.portable import read

    model = read(artifact.path).model
    source = bench.source(low_rank_models.intricate).model
    split = [layer.name for layer in model.layers if type(layer).__name__ == "Sequential"]
    assert {"shared", "conv2d", "einsum_dense"} <= {name.rstrip("_0123456789") for name in split}
    assert len(set(split)) == len(split)
    # A layer whose class takes no name comes back under another one, changed or not.
    assert {each.name for each in source.layers} - {each.name for each in model.layers} <= {"factor"}
    narrow, wide = model.get_layer("shared").layers
    assert narrow.units < 20
    assert wide.activation.__name__ == "gelu"
    assert model.count_params() < 0.6 * source.count_params()
    # A model in the model is rebuilt, with its layers split.
    assert {type(layer).__name__ for layer in model.get_layer("inner").layers} == {"InputLayer", "Sequential"}


@pytest.mark.parametrize(
    ("make", "step", "reason"),
    [
        (low_rank_models.subclassed, "low_rank", "the layers of a subclassed model cannot be exchanged"),
        (low_rank_models.subclassed, "int8", "none stands alone here"),
        (low_rank_models.only_convolutions, "int8", "Keras quantizes Dense, EinsumDense and Embedding"),
        (low_rank_models.in_tf_keras, "int4", "only Keras 3 quantizes by itself"),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_what_cannot_be_changed_says_so_in_one_line(bench, make, step, reason):
    source = bench.source(make)
    with pytest.raises(WorkerError, match=reason) as caught:
        bench.converter.submit(source, changed(routes(source.kind, "keras")[0], STEPS[step]), 1).result()
    assert caught.value.status == "unsupported"
    assert "\n" not in caught.value.reason


@pytest.mark.parametrize(
    ("path", "reason"),
    [("live:net", "no copy that could be changed"), ("model.onnx", "only Keras models have layers")],
)
def test_what_is_no_file_of_a_keras_model_is_left_alone(bench, tmp_path, path, reason):
    arguments = {"source": path, "target": str(tmp_path / "model"), "batch_size": 1, "inputs": [], "energy_percent": 95}
    with pytest.raises(WorkerError, match=reason):
        bench.converter._request(STEPS["low_rank"].call, arguments)
