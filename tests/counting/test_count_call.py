"""The call that a worker makes: from a folder, in another process, and what it refuses."""

from __future__ import annotations

import json

import keras
import pytest
import small_models
from counted import counted

from inferspeed_magic.counting.count import count
from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.profiling.environment import environment
from inferspeed_magic.profiling.limits import LIMITS
from inferspeed_magic.sources import live
from inferspeed_magic.sources.quiet import quiet
from inferspeed_magic.workers.crew import Crew


def written(model, folder):
    signature, template = live.describe("model", model)
    with quiet():
        live.write(folder, model, "keras", live.manifest("keras", signature, template))


def test_a_worker_counts_a_portable_model(tmp_path):
    model = small_models.custom_layer()
    written(model, tmp_path / "model")
    with Crew() as crew:
        worker = crew.start("counting", environment=environment(None, "cpu") | {"KERAS_BACKEND": "tensorflow"})
        arguments = {"source": str(tmp_path / "model"), "batch_size": 2}
        found = worker.request("inferspeed_magic.counting.count:count", arguments, LIMITS.convert_s)
    here = counted(model, 2)
    assert [row["kind"] for row in found["layers"]] == [row.kind for row in here.layers]
    assert [row["flops"] for row in found["layers"]] == [row.flops for row in here.layers]
    assert found["batch_size"] == 2
    assert found["depth"] == here.depth
    assert set(found) == {"batch_size", "layers", "depth", "activation_bytes", "uncounted"}


@pytest.mark.parametrize("name", ["model.onnx", "model.tflite"])
def test_files_without_layers_are_refused(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(b"")
    with pytest.raises(UnsupportedError, match=f"{name} is a file without Keras layers.*give the Keras model"):
        count({}, source=str(path), batch_size=1)


def test_a_model_is_read_once(tmp_path):
    model = small_models.mlp()
    written(model, tmp_path / "model")
    state = {}
    first = count(state, source=str(tmp_path / "model"), batch_size=1)
    kept = state["models"][str(tmp_path / "model")]
    assert count(state, source=str(tmp_path / "model"), batch_size=1) == first
    assert state["models"][str(tmp_path / "model")] is kept
    json.dumps(first, allow_nan=False)


def test_counting_leaves_the_libraries_as_they_were():
    before = keras.layers.Layer.__call__, keras.Operation.__call__
    counted(small_models.cnn())
    assert (keras.layers.Layer.__call__, keras.Operation.__call__) == before
