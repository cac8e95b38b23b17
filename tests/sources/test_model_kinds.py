"""What counts as a model, told without importing anything."""

from __future__ import annotations

import json
import subprocess
import sys

import keras
import pytest
import small_models
import tf_keras

from inferspeed_magic.sources.kinds import FILE_SUFFIXES, is_model, object_kind, path_kind


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (small_models.mlp, "keras"),
        (small_models.mixed, "keras"),
        (small_models.subclassed, "keras"),
        (small_models.Subclassed, "keras"),
        (small_models.in_tf_keras, "tf_keras"),
    ],
)
def test_models_of_both_libraries(make, kind):
    model = make()
    assert object_kind(model) == kind
    assert is_model(model)


@pytest.mark.parametrize(
    "thing",
    [None, 3, "model.keras", keras.Model, keras.Sequential, tf_keras.Model, keras.layers.Dense(2), object(), len],
    ids=lambda thing: type(thing).__name__,
)
def test_everything_else_is_no_model(thing):
    assert object_kind(thing) is None
    assert not is_model(thing)


def test_nothing_is_imported_to_find_out():
    code = """
import json, sys
from inferspeed_magic.sources.kinds import is_model
print(json.dumps([is_model(3), is_model(sys), "keras" in sys.modules, "tf_keras" in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [False] * 4


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.keras", "keras_file"),
        ("a.h5", "keras_file"),
        ("a.HDF5", "keras_file"),
        ("a.b.onnx", "onnx"),
        ("A.TFLITE", "litert"),
        ("a.litert", "litert"),
        ("a.pkl", None),
        ("a.pb", None),
        ("keras", None),
        ("a.keras.zip", None),
    ],
)
def test_files_by_their_names(tmp_path, name, kind):
    (tmp_path / name).write_text("")
    assert path_kind(tmp_path / name) == kind


def test_folders_by_what_is_in_them(tmp_path):
    assert path_kind(tmp_path) is None
    folder = tmp_path / "looks_like.keras"
    folder.mkdir()
    assert path_kind(folder) is None
    (tmp_path / "saved_model.pb").write_text("")
    assert path_kind(tmp_path) == "saved_model"


def test_every_suffix_is_known():
    assert set(FILE_SUFFIXES) >= {".keras", ".h5", ".onnx", ".tflite"}
