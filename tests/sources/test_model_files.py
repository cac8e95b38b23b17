"""Files in Keras's formats: old ones that only tf_keras reads, damaged ones, and ones that hold code."""

from __future__ import annotations

import codecs
import json
import marshal

import h5py
import keras
import numpy as np
import pytest
import small_models
import tf_keras
from keras import layers

from inferspeed_magic.errors import ModelError
from inferspeed_magic.formats.agreement import relative_error
from inferspeed_magic.profiling import arguments
from inferspeed_magic.sources.quiet import quiet
from inferspeed_magic.sources.source import from_keras_file


def refusal(path):
    with pytest.raises(ModelError) as caught:
        from_keras_file("m", path, None, None)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    return str(caught.value)


def saved(model, path):
    with quiet():
        model.save(str(path))
    return path


def edited(path, edit):
    """Change the description of the model in an HDF5 file, layer by layer."""
    with h5py.File(path, "a") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            edit(layer)
        file.attrs["model_config"] = json.dumps(config)
    return path


@pytest.fixture
def no_loading(monkeypatch):
    """Whoever calls a loader has gone too far."""

    def refuse(*arguments, **options):
        pytest.fail("the file was loaded before it was looked at")

    monkeypatch.setattr(keras.saving, "load_model", refuse)
    monkeypatch.setattr(tf_keras.models, "load_model", refuse)


@pytest.mark.parametrize("make", [small_models.cnn, small_models.two_and_two, small_models.embedding_lstm])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_whole_file_is_the_model_that_was_saved(tmp_path, make, suffix):
    model = make()
    source = from_keras_file("m", saved(model, tmp_path / f"model{suffix}"), None, None)
    assert source.kind == "keras"
    assert source.notes == ()
    arrays = source.samples(2, 0)
    expected = model(arrays[0] if len(arrays) == 1 else arrays, training=False)
    expected = expected if isinstance(expected, list) else [expected]
    assert relative_error(source.outputs(arrays), [np.asarray(each) for each in expected]) <= 1e-6


def test_a_lambda_in_a_keras_file_is_refused(tmp_path):
    model = keras.Sequential([layers.Input((3,)), layers.Lambda(lambda x: x * 2)])
    said = refusal(saved(model, tmp_path / "code.keras"))
    assert "holds Python code (a Lambda layer or the like)" in said
    assert "safe_mode=False" in said


def in_keras():
    return keras.Sequential([layers.Input((3,)), layers.Lambda(lambda x: x * 2)])


def in_tf_keras():
    own = tf_keras.layers
    return tf_keras.Sequential([own.Input((3,)), own.Lambda(lambda x: x * 2)])


def nested_in_tf_keras():
    own = tf_keras.layers
    return tf_keras.Sequential([own.Input((3,)), in_tf_keras(), own.Dense(2)])


def wrapped_in_tf_keras():
    own = tf_keras.layers
    return tf_keras.Sequential([own.Input((4, 3)), own.TimeDistributed(own.Lambda(lambda x: x * 2))])


@pytest.mark.parametrize("make", [in_keras, in_tf_keras, nested_in_tf_keras, wrapped_in_tf_keras])
@pytest.mark.parametrize("suffix", ["h5", "hdf5"])
def test_marshalled_code_is_refused_before_loading(tmp_path, no_loading, make, suffix):
    path = saved(make(), tmp_path / f"code.{suffix}")
    assert "holds Python code" in refusal(path)


def _write_a_file(x):
    from pathlib import Path

    Path("code_was_run").write_text("")
    return x


CODE = codecs.encode(marshal.dumps(_write_a_file.__code__), "base64").decode()
RAW = {
    "name": "d",
    "trainable": True,
    "dtype": "float32",
    "output_shape": None,
    "output_shape_type": "raw",
    "arguments": {},
}


def a_string(layer):
    """The code as a bare string, which looks like the name of a function."""
    layer.clear()
    layer |= {"class_name": "Lambda", "config": RAW | {"function": CODE, "function_type": "lambda"}}


def the_shape(layer):
    """A harmless function, and code to compute its shape."""
    layer.clear()
    config = RAW | {"function": "relu", "function_type": "function", "module": "tf_keras.activations"}
    layer |= {"class_name": "Lambda", "config": config | {"output_shape": CODE, "output_shape_type": "lambda"}}


def a_path(layer):
    """The class by another of its names."""
    layer.clear()
    config = RAW | {"function": [CODE, None, None], "function_type": "lambda"}
    layer |= {"module": "keras", "class_name": "layers.Lambda", "registered_name": None, "config": config}


def an_activation(layer):
    """Not a layer at all."""
    layer["config"]["activation"] = {
        "class_name": "__lambda__",
        "config": {"code": CODE, "defaults": None, "closure": None},
    }


def a_wrapper(layer):
    """A wrapper whose configuration names any function of any module."""
    config = {"function": "system", "function_type": "function", "function_module": "os"}
    layer |= {"class_name": "ResidualWrapper", "config": layer["config"] | config}


def a_foreign_module(layer):
    """A class of a module outside of Keras, which is imported to find it."""
    layer |= {"module": "antigravity", "registered_name": None}


@pytest.mark.parametrize("edit", [a_string, the_shape, a_path, an_activation, a_wrapper, a_foreign_module])
@pytest.mark.parametrize("library", [keras, tf_keras])
def test_hidden_code_is_refused_before_loading(tmp_path, monkeypatch, no_loading, library, edit):
    monkeypatch.chdir(tmp_path)
    model = library.Sequential([library.layers.Input((3,)), library.layers.Dense(3, name="d")])
    path = edited(saved(model, tmp_path / "code.h5"), lambda layer: layer["class_name"] == "Dense" and edit(layer))
    assert "holds Python code" in refusal(path)
    assert not (tmp_path / "code_was_run").exists()


def test_tensorflow_operators_are_no_code(tmp_path):
    """tf_keras calls them TFOpLambda."""
    inputs = tf_keras.Input((3,))
    path = saved(tf_keras.Model(inputs, inputs * 2.0 + 1.0), tmp_path / "operators.h5")
    source = from_keras_file("m", path, None, None)
    assert source.kind == "tf_keras"
    (answer,) = source.outputs([np.ones((2, 3), "float32")])
    assert np.array_equal(answer, np.full((2, 3), 3.0, "float32"))


def test_a_truncated_keras_file(tmp_path):
    path = saved(small_models.mlp(), tmp_path / "cut.keras")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "cut.keras cannot be read as a Keras model" in refusal(path)


def test_a_truncated_h5_file(tmp_path):
    path = saved(small_models.mlp(), tmp_path / "cut.h5")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "cut.h5 is not an HDF5 file, or it is damaged" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"just text\n", b"\x89HDF\r\n\x1a\n"])
def test_a_text_named_h5(tmp_path, content):
    path = tmp_path / "text.h5"
    path.write_bytes(content)
    assert "is not an HDF5 file, or it is damaged" in refusal(path)


def test_a_text_named_keras(tmp_path):
    path = tmp_path / "text.keras"
    path.write_text("just text\n")
    assert "cannot be read as a Keras model" in refusal(path)


def test_weights_without_a_model(tmp_path):
    path = tmp_path / "only.weights.h5"
    with quiet():
        small_models.mlp().save_weights(str(path))
    assert "holds weights only, without the model: save the whole model with model.save()" in refusal(path)


@pytest.mark.parametrize("config", ["{not json", 7])
def test_a_description_that_is_none(tmp_path, config):
    path = saved(small_models.mlp(), tmp_path / "odd.h5")
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = config
    assert "its description of the model is not JSON" in refusal(path)


def test_classes_that_nobody_registered(tmp_path):
    """In a process that has never seen the class, as here where its name is another."""
    path = saved(keras.Sequential([layers.Input((3,)), layers.Dense(3, name="d")]), tmp_path / "own.h5")

    def rename(layer):
        if layer["class_name"] == "Dense":
            layer["class_name"] = "OwnDense"

    assert "needs classes that are not registered: load it yourself and give the model" in refusal(edited(path, rename))


def time_major(layer):
    if layer["class_name"] == "LSTM":
        layer["config"]["time_major"] = False


def groups(layer):
    if layer["class_name"] == "DepthwiseConv2D":
        layer["config"]["groups"] = 1


def old_lstm():
    own = tf_keras.layers
    return tf_keras.Sequential([own.Input((6, 3)), own.LSTM(4), own.Dense(2)])


def old_depthwise():
    own = tf_keras.layers
    return tf_keras.Sequential([own.Input((8, 8, 3)), own.DepthwiseConv2D(3), own.Flatten(), own.Dense(2)])


@pytest.mark.parametrize(
    ("make", "edit", "word"), [(old_lstm, time_major, "time_major"), (old_depthwise, groups, "groups")]
)
def test_old_files_are_read_through_tf_keras(tmp_path, make, edit, word):
    model = make()
    path = edited(saved(model, tmp_path / "old.h5"), edit)
    source = from_keras_file("m", path, None, None)
    assert source.kind == "tf_keras"
    (note,) = source.notes
    assert note.startswith("read through tf_keras, since Keras 3 refuses the file: ")
    assert word in note
    assert "\n" not in note
    arrays = source.samples(2, 0)
    assert relative_error(source.outputs(arrays), [np.asarray(model(arrays[0], training=False))]) <= 1e-6


def handed_in(thing):
    def describe(kind, path):
        pytest.fail("nothing to describe")

    with pytest.raises(ModelError) as caught:
        arguments.sources({"m": thing}, None, None, describe)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_paths_that_lead_nowhere(tmp_path):
    assert f"there is no file or folder {tmp_path}/gone.keras" in handed_in(tmp_path / "gone.keras")
    assert "there is no file or folder gone.h5" in handed_in("gone.h5")


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model.pb", "model.txt", "model"])
def test_files_that_are_no_models(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x04.")
    said = handed_in(tmp_path / name)
    assert f"{name} is not a model file: give .keras, .h5" in said
    assert "SavedModel folder" in said


def test_a_folder_that_is_no_saved_model(tmp_path):
    assert "is not a model file" in handed_in(tmp_path)


def test_things_that_are_no_models():
    assert "`m` is a int, not a model: give a Keras model, or a path" in handed_in(3)
    assert "`m` is a Dense, not a model" in handed_in(layers.Dense(2))
