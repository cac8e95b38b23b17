"""A mistake gets one line that names the mend, at once, before any worker is started."""

from __future__ import annotations

import time

import numpy as np
import pytest
from onnx_files import perceptron

import inferspeed_magic as im
from inferspeed_magic.errors import InputError, ModelError, OptionError, UserError
from inferspeed_magic.workers.crew import Crew

SOON_S = 1.0


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    import keras

    folder = tmp_path_factory.mktemp("models")
    dense = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)], name="dense")
    (folder / "text.txt").write_text("no model")
    (folder / "damaged.keras").write_bytes(b"no zip")
    (folder / "damaged.h5").write_bytes(b"no HDF5")
    (folder / "empty").mkdir()
    left, right = keras.Input((8,), name="left"), keras.Input((3,), name="right")
    made = {
        "dense": dense,
        "unbuilt": keras.Sequential([keras.layers.Dense(4)]),
        "open": keras.Sequential([keras.Input((None, 8)), keras.layers.Dense(4)]),
        "words": keras.Sequential([keras.Input((5,), dtype="int32"), keras.layers.Embedding(10, 4)]),
        "pair": keras.Model([left, right], keras.layers.Concatenate()([left, right])),
        "text": folder / "text.txt",
        "damaged keras": folder / "damaged.keras",
        "damaged h5": folder / "damaged.h5",
        "empty folder": folder / "empty",
        "nowhere": folder / "nowhere.keras",
        "number": 42,
        "none": None,
        "nothing": {},
        "no list": [],
    }
    # What libraries import on first use is no part of what a mistake costs.
    with pytest.raises(ModelError):
        im.profile(made["unbuilt"], progress=False)
    return made


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    def start(*arguments, **options):
        raise AssertionError("a worker was started")

    monkeypatch.setattr(Crew, "start", start)


def mistake(model, **options):
    begin = time.monotonic()
    with pytest.raises(UserError) as caught:
        im.profile(model, progress=False, **options)
    elapsed = time.monotonic() - begin
    message = str(caught.value)
    assert message, "it says nothing"
    assert "\n" not in message
    assert elapsed < SOON_S
    return caught.value


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch_sizes": 0}, "batch size 0 makes no sense: batch sizes are whole numbers from 1 up"),
        ({"batch_sizes": (1, -8)}, "batch size -8 makes no sense"),
        ({"batch_sizes": 1.5}, "batch size 1.5 makes no sense"),
        ({"batch_sizes": "8"}, "batch size '8' makes no sense"),
        ({"batch_sizes": True}, "batch size True makes no sense"),
        ({"batch_sizes": ()}, "no batch size given"),
        ({"batch_sizes": None}, "batch size None makes no sense"),
        ({"runtimes": "onnxruntim"}, "unknown runtime `onnxruntim`: did you mean onnxruntime?"),
        ({"runtimes": ["litert", "tflite"]}, "unknown runtime `tflite`"),
        ({"runtimes": "keras.predcit"}, "did you mean keras.predict?"),
        ({"runtimes": []}, "no runtime given"),
        ({"device": "tpu"}, "unknown device `tpu`: say cpu, gpu or gpu:N"),
        ({"device": "gpu:"}, "unknown device `gpu:`"),
        ({"threads": 0}, "threads 0 makes no sense"),
        ({"threads": 1.5}, "threads 1.5 makes no sense"),
        ({"scenario": "multi"}, "unknown scenario `multi`: there are single_stream, offline, server"),
        ({"scenario": "server"}, "the server scenario needs either --target-qps or --latency-slo-ms"),
        ({"scenario": "server", "target_qps": 5, "latency_slo_ms": 5}, "needs either"),
        ({"target_qps": 5}, "add --scenario server"),
        ({"latency_slo_ms": 5, "scenario": "offline"}, "add --scenario server"),
        ({"scenario": "server", "target_qps": 0}, "--target-qps 0 makes no sense: it is a number above 0"),
        ({"scenario": "server", "target_qps": float("nan")}, "--target-qps nan makes no sense"),
        ({"scenario": "server", "latency_slo_ms": -1}, "--latency-slo-ms -1 makes no sense"),
        ({"scenario": "server", "target_qps": "fast"}, "--target-qps 'fast' makes no sense"),
        ({"duration_s": 0}, "duration 0 makes no sense"),
        ({"duration_s": float("inf")}, "duration inf makes no sense"),
        ({"duration_s": "1s"}, "duration '1s' makes no sense"),
        ({"seed": -1}, "seed -1 makes no sense"),
        ({"seed": 0.5}, "seed 0.5 makes no sense"),
        ({"baseline": "dense/torch"}, "baseline `dense/torch` is not among what is measured"),
        ({"baseline": "other"}, "say model/runtime, a model (dense) or a runtime"),
        ({"baseline": "litert", "runtimes": "onnxruntime"}, "or a runtime (onnxruntime)"),
    ],
)
def test_options(models, options, words):
    error = mistake(models["dense"], **options)
    assert isinstance(error, OptionError)
    assert words in str(error)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unbuilt", "was never built, so its inputs are unknown: give --input-shape"),
        ("text", "is not a model file: give .keras"),
        ("damaged keras", "damaged.keras cannot be read as a Keras model"),
        ("damaged h5", "damaged.h5 is not an HDF5 file, or it is damaged"),
        ("empty folder", "is not a model file"),
        ("nowhere", "there is no file or folder"),
        ("number", "is a int, not a model: give a Keras model, or a path"),
        ("none", "is a NoneType, not a model"),
        ("nothing", "no model given"),
        ("no list", "no model given"),
    ],
)
def test_models(models, name, words):
    error = mistake(models[name])
    assert isinstance(error, ModelError)
    assert words in str(error)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("dense", {"inputs": np.zeros((3, 9), np.float32)}, "shape (batch, 8), got (3, 9)"),
        ("dense", {"inputs": np.zeros(8, np.float32)}, "shape (batch, 8), got (8)"),
        ("dense", {"inputs": np.zeros((3, 8), complex)}, "dtype float32, got complex128"),
        ("dense", {"inputs": np.full((3, 8), "a")}, "dtype float32, got <U1"),
        ("dense", {"inputs": 3.0}, "batch dimension first"),
        ("dense", {"inputs": np.zeros((0, 8))}, "hold no sample"),
        ("dense", {"inputs": [[1.0, 2.0], [3.0]]}, "input"),
        ("dense", {"input_shapes": (9,)}, "of shape (8) without the batch, --input-shape gives (9)"),
        ("dense", {"input_shapes": (0,)}, "whole numbers from 1 up"),
        ("dense", {"input_shapes": [(8,), (8,)]}, "has 1 inputs"),
        ("open", {}, "leaves dimensions of input"),
        ("open", {}, "--input-shape 64,8 (without the batch)"),
        ("words", {"inputs": np.zeros((2, 5), np.float32)}, "dtype int32, got float32"),
        ("words", {"inputs": np.full((2, 5), 10)}, "embedding of 10 rows, its values go from 10 to 10"),
        ("words", {"inputs": np.full((2, 5), -1)}, "its values go from -1 to -1"),
        ("pair", {"inputs": np.zeros((3, 8))}, "has 2 inputs (left, right)"),
        ("pair", {"inputs": [np.zeros((3, 8))]}, "has 2 inputs (left, right), --input gives 1"),
        ("pair", {"inputs": {"left": np.zeros((3, 8))}}, "--input lacks right"),
        ("pair", {"inputs": [np.zeros((3, 8)), np.zeros((4, 3))]}, "differ in the number of samples: [3, 4]"),
        ("pair", {"inputs": [np.zeros((3, 3)), np.zeros((3, 8))]}, "expects input `left`"),
    ],
)
def test_inputs(models, name, options, words):
    error = mistake(models[name], **options)
    assert isinstance(error, InputError)
    assert words in str(error)


def test_a_mistake_of_one_model_among_several_names_it(models):
    error = mistake({"good": models["dense"], "bad": models["unbuilt"]})
    assert "`bad`" in str(error)


def test_a_damaged_file_of_another_format_is_one_line_too(tmp_path, monkeypatch):
    monkeypatch.undo()  # it takes a worker to find out
    for name in ("model.onnx", "model.tflite"):
        (tmp_path / name).write_bytes(b"no such thing")
        with pytest.raises(ModelError, match=f"{name} cannot be read") as caught:
            im.profile(tmp_path / name, progress=False)
        assert "\n" not in str(caught.value)


def test_inputs_that_do_not_fit_a_file_are_one_line_too(tmp_path, monkeypatch):
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"shape \(batch, 32\), got \(2, 5\)"):
        im.profile(perceptron(tmp_path / "model.onnx"), inputs=np.zeros((2, 5), np.float32), progress=False)


def test_a_mistake_leaves_the_last_report_alone(models):
    before = im.last_report()
    mistake(models["dense"], batch_sizes=0)
    assert im.last_report() is before
