"""A script trains a student with layers of the user's own, and only with the files that it was written for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from inferspeed_magic.formats.routes import routes
from inferspeed_magic.optimized.recipe import recipe, write_inputs
from inferspeed_magic.optimized.recipe_inputs import write_lesson
from inferspeed_magic.runtimes.base import Lowering
from inferspeed_magic.search.teaching import written
from inferspeed_magic.sources.live import custom_objects
from inferspeed_magic.sources.source import from_model
from inferspeed_magic.techniques.base import Subject, changed
from inferspeed_magic.techniques.distillation import Distillation
from inferspeed_magic.training import Lesson

SCALE = 0.5


class Halved(layers.Layer):
    """A layer of the student's that neither Keras nor the original knows."""

    def call(self, x):
        return x * SCALE


def student():
    return keras.Sequential([keras.Input((6,)), layers.Dense(4), Halved(), layers.Dense(2)], name="student")


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipe")
    model = keras.Sequential([keras.Input((6,)), layers.Dense(16, activation="relu"), layers.Dense(2)], name="large")
    source = from_model("large", model, "keras", None, None)
    x = np.random.default_rng(0).standard_normal((64, 6)).astype("float32")
    source.lesson = written(Lesson([x], epochs=2), source, folder / "lesson", {"": student()})
    step = Distillation().step_for(Subject("litert", taught=True, samples=64), "keras")
    model_file, _, expected = write_inputs(source, folder / "kept")
    text = recipe(
        name="large/litert+distillation",
        kind="keras",
        route=changed(routes("keras", "litert")[0], step),
        runtime="litert",
        lowering=Lowering("cpu", 1, 1),
        batch_in_file="static",
        inputs=source.signature.inputs,
        model_file=model_file,
        calibration_file=None,
        expected_file=expected,
        template=source.template,
        custom={**custom_objects(model, "keras"), **source.lesson.custom[""]},
        lesson=write_lesson(source.lesson.folder, source.lesson.key, folder / "kept"),
    )
    file = folder / "recipe.py"
    file.write_text(text)
    return file


def run(script):
    return subprocess.run(
        [sys.executable, "-P", str(script)],
        cwd=script.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_it_trains_and_says_how_it_goes(script):
    ran = run(script)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "epoch 2: loss" in ran.stdout
    assert (script.parent / "made" / "model.tflite").exists()
    (kept,) = (script.parent / "kept").glob("lesson_*")
    assert not (kept / "epochs.jsonl").exists()


def test_files_that_somebody_changed_are_not_read(script, tmp_path):
    (kept,) = (script.parent / "kept").glob("lesson_*")
    copy = tmp_path / "recipe.py"
    changed_lesson = tmp_path / "lesson"
    shutil.copytree(kept, changed_lesson)
    (changed_lesson / "lesson.pkl").write_bytes(b"something else")
    copy.write_text(script.read_text().replace(str(kept), str(changed_lesson)))
    ran = run(copy)
    assert ran.returncode == 1
    assert ran.stderr.strip().splitlines()[-1].startswith(f"what to train with is gone from {changed_lesson}")
    assert not (Path(copy).parent / "made" / "model.tflite").exists()
