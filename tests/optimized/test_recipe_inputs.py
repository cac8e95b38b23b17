"""What scripts start from is kept once, whole, and where the user wants it."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import small_models

from inferspeed_magic.errors import ModelError
from inferspeed_magic.optimized import recipe_inputs
from inferspeed_magic.optimized.recipe import write_inputs
from inferspeed_magic.optimized.recipe_inputs import write_lesson
from inferspeed_magic.sources.kinds import object_kind
from inferspeed_magic.sources.source import Source, from_model


def source_of(model, *, calibrated=True):
    source = from_model("net", model, object_kind(model), None, None)
    source.calibration = source.samples(5, seed=0) if calibrated else None
    return source


def test_the_model_its_samples_and_its_answers_are_kept(tmp_path):
    source = source_of(small_models.two_and_two())
    model, calibration, expected = write_inputs(source, tmp_path)
    batch = source.random_batches(2, seed=0)[0]
    again = keras.saving.load_model(model)
    assert all(np.allclose(a, b) for a, b in zip(again(batch), source.outputs(batch), strict=True))
    with np.load(calibration) as file:
        assert [file[name].shape for name in sorted(file.files)] == [(5, 5), (5, 5)]
    with np.load(expected) as file:
        inputs, outputs = ([file[f"{kind}_{position}"] for position in range(2)] for kind in ("input", "output"))
    assert all(np.allclose(a, b) for a, b in zip(source.outputs(inputs), outputs, strict=True))


def test_the_same_is_kept_once_and_leaves_no_drafts(tmp_path):
    model = small_models.mlp()
    first, second = (write_inputs(source_of(model), tmp_path) for _ in range(2))
    assert first == second
    other = write_inputs(source_of(model, calibrated=False), tmp_path)
    assert other[1] is None
    assert other[0] != first[0]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_model_stays_as_it_was(tmp_path):
    model = small_models.mlp()
    model.compile(loss=lambda truth, answer: answer)
    write_inputs(source_of(model), tmp_path)
    assert model.compiled


def test_tf_keras_is_saved_by_tf_keras(tmp_path):
    import tf_keras

    model, _, _ = write_inputs(source_of(small_models.in_tf_keras()), tmp_path)
    assert tf_keras.models.load_model(model).name == "in_tf_keras"


def test_files_stay_where_they_are(tmp_path):
    from inferspeed_magic.records.signature import Signature, TensorSpec

    file = tmp_path / "a.onnx"
    file.write_bytes(b"")
    source = Source("a", "litert", Signature((TensorSpec("x", (2,), "float32"),)), 0, path=file)
    assert write_inputs(source, tmp_path / "kept") == (str(file), None, None)


def test_the_user_says_where(tmp_path, monkeypatch):
    source = source_of(small_models.mlp())
    monkeypatch.setenv("INFERSPEED_MAGIC_CACHE", str(tmp_path / "moved"))
    assert Path(write_inputs(source)[0]).is_relative_to(tmp_path / "moved" / "recipes")
    monkeypatch.setattr(recipe_inputs.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("INFERSPEED_MAGIC_CACHE", "off")
    assert Path(write_inputs(source)[0]).parent.parent.name.startswith("inferspeed_magic_recipe_")
    monkeypatch.setenv("INFERSPEED_MAGIC_CACHE", "")
    monkeypatch.setattr(recipe_inputs.platformdirs, "user_data_path", lambda name: tmp_path / "data" / name)
    assert Path(write_inputs(source)[0]).is_relative_to(tmp_path / "data" / "inferspeed_magic" / "recipes")


def test_what_cannot_be_saved_is_one_line(tmp_path):
    class Odd(keras.layers.Layer):
        def get_config(self):
            raise RuntimeError("no configuration\nat all")

        def call(self, x):
            return x

    model = keras.Sequential([keras.Input((2,)), Odd()])
    with pytest.raises(ModelError, match=r"^`net` cannot be saved, so no script can start from it: no configuration$"):
        write_inputs(source_of(model), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError, match="cannot be kept for a recipe"):
        write_inputs(source_of(small_models.mlp()), tmp_path / "file")


@pytest.fixture
def kept_lesson(tmp_path):
    kept = tmp_path / "run" / "lesson_0"
    (kept / "student").mkdir(parents=True)
    (kept / "lesson.json").write_text("{}")
    (kept / "student" / "model.keras").write_bytes(b"weights")
    (kept / "epochs.jsonl").write_text("what a training wrote down")
    return kept


def test_a_lesson_is_kept_once_without_what_a_training_wrote_down(kept_lesson, tmp_path):
    home = tmp_path / "home"
    first, again = (write_lesson(kept_lesson, "key", home) for _ in range(2))
    assert first == again
    assert [each.name for each in home.iterdir()] == [Path(first[0]).name]
    names = {str(each.relative_to(first[0])) for each in Path(first[0]).rglob("*") if each.is_file()}
    assert names == {"lesson.json", "student/model.keras"}


def test_the_same_lesson_written_a_little_differently_is_the_one_that_is_kept(kept_lesson, tmp_path):
    first = write_lesson(kept_lesson, "key", tmp_path / "home")
    (kept_lesson / "student" / "model.keras").write_bytes(b"weights, and another time")
    assert write_lesson(kept_lesson, "key", tmp_path / "home") == first
    assert write_lesson(kept_lesson, "other", tmp_path / "home") != first


def test_two_recipes_may_keep_a_lesson_at_once(kept_lesson, tmp_path, monkeypatch):
    copied, inner = recipe_inputs.shutil.copytree, []

    def copy(*arguments, **options):
        found = copied(*arguments, **options)
        if not inner:  # while the first one copies, another process does all of it
            inner.append(None)
            inner.append(write_lesson(kept_lesson, "key", tmp_path / "home"))
        return found

    monkeypatch.setattr(recipe_inputs.shutil, "copytree", copy)
    assert write_lesson(kept_lesson, "key", tmp_path / "home") == inner[1]
    assert len(list((tmp_path / "home").iterdir())) == 1


def test_a_lesson_whose_files_were_changed_is_kept_anew(kept_lesson, tmp_path):
    first = write_lesson(kept_lesson, "key", tmp_path / "home")
    (Path(first[0]) / "lesson.json").write_text("somebody else's")
    assert write_lesson(kept_lesson, "key", tmp_path / "home") == first
    assert (Path(first[0]) / "lesson.json").read_text() == "{}"


def test_a_lesson_that_cannot_be_kept_is_one_line(kept_lesson, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError, match="cannot be kept for a recipe"):
        write_lesson(kept_lesson, "key", tmp_path / "file")
