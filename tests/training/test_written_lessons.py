"""Lessons on their way to the process that trains: which are the same, and what is said where they cannot get there."""

from __future__ import annotations

import importlib
import re
import sys
import threading
from dataclasses import replace

import keras
import numpy as np
import pytest
import small_models
from keras import layers

from inferspeed_magic.discovery import runtimes, techniques
from inferspeed_magic.errors import OptionError
from inferspeed_magic.measurement.machine import describe
from inferspeed_magic.profiling.changes import changed_candidate
from inferspeed_magic.runtimes.base import Lowering
from inferspeed_magic.search import teaching
from inferspeed_magic.search.student import check_student
from inferspeed_magic.search.teaching import written
from inferspeed_magic.sources.preprocessing import after_preprocessing
from inferspeed_magic.sources.source import LessonFiles, from_model
from inferspeed_magic.techniques.base import Subject
from inferspeed_magic.training import Lesson


def source_of(model):
    return from_model("net", model, "keras", None, None)


@pytest.fixture(scope="module")
def source():
    return source_of(small_models.mlp())


def lesson(source, **more):
    return Lesson(source.samples(8, seed=0), **more)


def test_a_changed_module_makes_another_lesson(source, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    seen = []
    for place, rate in enumerate((1, 1, 2)):
        (tmp_path / "im_test_training.py").write_text(f"def train(model):\n    return {rate}\n")
        monkeypatch.delitem(sys.modules, "im_test_training", raising=False)
        importlib.invalidate_caches()
        train = importlib.import_module("im_test_training").train
        seen.append(written(lesson(source, fine_tune=train), source, tmp_path / str(place), {}).key)
    assert seen[0] == seen[1] != seen[2]


def test_it_says_whose_training_it_is(source, tmp_path):
    ours = written(lesson(source), source, tmp_path / "ours", {})
    theirs = written(Lesson([], fine_tune=len), source, tmp_path / "theirs", {})
    assert (ours.fine_tune, ours.samples, theirs.fine_tune, theirs.samples) == (False, 8, True, 0)


def test_a_full_disk_is_called_one(source, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(teaching, "write_lesson", full)
    for more in ({"loss": "mse"}, {"fine_tune": len}):
        with pytest.raises(OptionError, match=r"^what to train with cannot be written \(.*No space left.*free space"):
            written(lesson(source, **more), source, tmp_path / "lesson", {})


def test_what_cannot_be_pickled_is_blamed_all_the_same(source, tmp_path):
    lock = threading.Lock()
    with pytest.raises(OptionError, match=r"^fine_tune cannot be sent to the process that trains"):
        written(lesson(source, fine_tune=lambda _: lock), source, tmp_path / "lesson", {})


def like(model, *, outputs=None):
    """Make a smaller model for the same inputs."""
    inputs = [keras.Input(each.shape[1:]) for each in model.inputs]
    x = layers.Flatten()(inputs[0])
    answers = [layers.Dense(size)(x) for size in outputs or [each.shape[-1] for each in model.outputs]]
    return keras.Model(inputs, answers if len(answers) > 1 else answers[0])


def test_a_student_with_the_same_outputs_is_taken(source):
    check_student(like(source.model), source, source)


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ([7], r"the student answers a sample with \(7,\), and the original with \(\d+,\)"),
        ([3, 3], r"the student answers a sample with \(3,\), \(3,\), and the original with"),
    ],
)
def test_a_student_with_other_outputs_is_refused(source, outputs, said):
    with pytest.raises(OptionError, match=said) as caught:
        check_student(like(source.model, outputs=outputs), source, source)
    assert "\n" not in str(caught.value)


def test_outputs_by_other_names_are_others(source):
    inputs = source.model.inputs
    x = layers.Flatten()(inputs[0])
    first = source_of(keras.Model(inputs, {"kind": layers.Dense(3)(x), "size": layers.Dense(1)(x)}))
    other = keras.Model(inputs, {"kind": layers.Dense(3)(x), "large": layers.Dense(1)(x)})
    check_student(first.model, first, first)
    with pytest.raises(OptionError, match=r"kind: \(3,\), large: \(1,\), and the original with kind: \(3,\), size"):
        check_student(other, first, first)


def test_a_student_that_fails_on_the_inputs_is_refused(source):
    class Fails(keras.Model):
        def call(self, x):
            raise RuntimeError("it does not know how\nat all")

    with pytest.raises(OptionError, match=r"^the student cannot be run on the original's inputs: .*know how$"):
        check_student(Fails(), source, source)


def test_students_of_models_whose_text_stays_in_keras_are_refused():
    words = keras.Input((4,), dtype="string")
    numbers = layers.StringLookup(vocabulary=["a", "b"])(words)
    x = layers.Flatten()(layers.Embedding(3, 4)(numbers))
    model = keras.Model(words, layers.Dense(2)(x))
    whole = source_of(model)
    part = after_preprocessing(whole)
    assert part is not None
    with pytest.raises(OptionError, match="text and lookup layers stay in Keras") as caught:
        check_student(keras.models.clone_model(model), whole, part)
    assert "\n" not in str(caught.value)


def test_own_training_is_not_for_what_trains_in_tf_keras(source, tmp_path):
    aware = techniques()["quantization_aware_training"]
    alone = Subject("litert", taught=True, samples=0)
    assert "fine_tune takes models of Keras 3" in aware.applies_to(alone, "litert")
    assert aware.applies_to(replace(alone, samples=5), "litert") is None
    notes = []
    for fine_tune in (False, True):
        part = replace(source, lesson=LessonFiles(tmp_path, "key", 1.0, fine_tune=fine_tune, samples=5))
        made = changed_candidate(part, runtimes()["litert"], Lowering(), aware, machine=describe())
        assert made.status is None
        notes.append(" ".join(made.notes))
    assert not re.search("fine_tune", notes[0])
    assert "fine_tune takes models of Keras 3" in notes[1]


def test_samples_of_any_kind_make_the_key(source, tmp_path):
    found = lesson(source)
    moved = replace(found, inputs=[np.roll(each, 1, 0) for each in found.inputs])
    keys = [written(each, source, tmp_path / str(place), {}).key for place, each in enumerate((found, found, moved))]
    assert keys[0] == keys[1] != keys[2]
