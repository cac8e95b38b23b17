"""What is seen while a model learns: written down at the end of each epoch, and read while the next goes on."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from keras import layers

from inferspeed_magic.records import Epoch
from inferspeed_magic.techniques.twin_training import learn_in_tf_keras
from inferspeed_magic.training import LOG, Lesson, learn, read_epochs
from inferspeed_magic.training.correctness import correctness
from inferspeed_magic.training.log import write_epoch
from inferspeed_magic.training.soft_targets import Target


def first(flat):
    return flat[0]


def samples(count, seed):
    x = np.random.default_rng(seed).normal(size=(count, 6)).astype("float32")
    return x, (x[:, 0] > 0.3).astype("int64") + (x[:, 1] > 0).astype("int64")


CHECK = samples(200, 1)


def lesson(**more):
    x, y = samples(600, 0)
    quick = keras.optimizers.serialize(keras.optimizers.Adam(1e-2))
    usual = {"check_inputs": [CHECK[0]], "check_labels": [CHECK[1]], "loss": "sparse_categorical_crossentropy"}
    return Lesson([x], [y], **{**usual, "epochs": 5, "optimizer": quick, **more})


def model(library=keras):
    library.utils.set_random_seed(3)
    dense = library.layers.Dense
    return library.Sequential(
        [library.layers.Input((6,)), dense(16, activation="relu"), dense(3, activation="softmax")]
    )


def right(student, x, y):
    return float((student.predict(x, verbose=0).argmax(-1) == y).mean())


def best(epochs):
    return min(epochs, key=lambda epoch: epoch.check_loss)


def test_the_accuracy_of_the_best_epoch_is_that_of_the_model_that_is_kept(tmp_path):
    student, epochs = learn(model(), model(), lesson(), pack=first, log_folder=tmp_path)
    assert len(epochs) == 5
    assert best(epochs).check_accuracy == pytest.approx(right(student, *CHECK), abs=1e-6)
    assert best(epochs).check_accuracy > 0.5
    assert read_epochs(tmp_path / LOG) == tuple(epochs)


def test_it_is_the_same_in_tf_keras(tmp_path):
    tf_keras = pytest.importorskip("tf_keras")
    student = model(tf_keras)
    epochs = learn_in_tf_keras(student, model(), lesson(), pack=first, log_folder=tmp_path)
    assert best(epochs).check_accuracy == pytest.approx(right(student, *CHECK), abs=1e-6)
    assert read_epochs(tmp_path / LOG) == tuple(epochs)


@pytest.mark.parametrize(
    "more", [{"check_inputs": [], "check_labels": None}, {"loss": None, "check_labels": None}], ids=["others", "loss"]
)
def test_there_is_no_accuracy_without(more):
    _, epochs = learn(model(), model(), lesson(epochs=1, **more), pack=first)
    assert epochs[0].check_accuracy is None


def test_there_is_none_of_several_outputs():
    def made():
        inputs = keras.Input((6,))
        return keras.Model(inputs, [layers.Dense(3, activation="softmax")(inputs), layers.Dense(1)(inputs)])

    x, y = samples(64, 0)
    both = {"check_inputs": [x], "check_labels": [y, x[:, :1]], "loss": ["sparse_categorical_crossentropy", "mse"]}
    _, epochs = learn(made(), made(), Lesson([x], [y, x[:, :1]], epochs=1, **both), pack=first)
    assert epochs[0].check_accuracy is None


ANSWERS = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3], [0.0, 0.9, 0.1]], "float32")
TAGS = np.array([[0.9], [0.2], [0.6], [0.1]], "float32")


@pytest.mark.parametrize(
    ("labels", "answers", "reading", "shares"),
    [
        ([0, 2, 0, 1], ANSWERS, "probabilities", [1, 1, 0, 1]),
        ([[0], [2], [0], [1]], ANSWERS, "logits", [1, 1, 0, 1]),
        ([0.0, 2.0, 0.0, 1.0], ANSWERS, "probabilities", [1, 1, 0, 1]),
        (np.eye(3)[[0, 2, 0, 1]], ANSWERS, "probabilities", [1, 1, 0, 1]),
        ([1, 0, 0, 0], TAGS, "sigmoid", [1, 1, 0, 1]),
        ([[1.0], [0.0], [0.0], [0.0]], TAGS, "sigmoid", [1, 1, 0, 1]),
    ],
)
def test_what_is_right(labels, answers, reading, shares):
    found = correctness([np.array(labels)], [answers], [Target(reading)], keras)
    assert np.asarray(found(np.array(labels), answers)).tolist() == shares


@pytest.mark.parametrize(
    ("labels", "answers", "reading"),
    [
        (None, ANSWERS, "probabilities"),
        ([0.5, 1.5, 0.0, 1.0], ANSWERS, "probabilities"),
        (["a", "b", "c", "d"], ANSWERS, "probabilities"),
        ([0.3, 0.2, 0.9, 1.0], TAGS, "sigmoid"),
        ([0, 1, 2, 3], ANSWERS, "numbers"),
    ],
)
def test_where_there_are_no_classes(labels, answers, reading):
    given = None if labels is None else [np.array(labels)]
    assert correctness(given, [answers], [Target(reading)], keras) is None


def test_stages_are_counted_on(tmp_path):
    """A model from which more and more is taken learns several times, and each begins at 1."""
    for epoch, elapsed_s in ((1, 2.0), (2, 4.0), (1, 3.0), (2, 5.0), (1, 1.0)):
        write_epoch(tmp_path, Epoch(epoch, 0.5, 0.6, elapsed_s))
    found = read_epochs(tmp_path / LOG)
    assert [one.epoch for one in found] == [1, 2, 3, 4, 5]
    assert [one.stage for one in found] == [1, 1, 2, 2, 3]
    assert [one.elapsed_s for one in found] == [2.0, 4.0, 7.0, 9.0, 10.0]


def test_a_line_that_is_still_written_is_left_for_later(tmp_path):
    write_epoch(tmp_path, Epoch(1, 0.5, 0.6, 2.0))
    with (tmp_path / LOG).open("a") as file:
        file.write('{"epoch": 2, "lo')
    assert [one.epoch for one in read_epochs(tmp_path / LOG)] == [1]


def test_what_an_older_version_wrote_is_read(tmp_path):
    (tmp_path / LOG).write_text(
        json.dumps({"epoch": 1, "loss": 0.5, "check_loss": 0.6, "elapsed_s": 2.0}) + "\n[]\n7\n"
    )
    assert read_epochs(tmp_path / LOG) == (Epoch(1, 0.5, 0.6, 2.0),)
    assert read_epochs(tmp_path / "nothing") == ()
    write_epoch(None, Epoch(1, 0.5, 0.6, 2.0))


def test_what_is_not_yet_as_it_has_to_be_is_an_earlier_stage(tmp_path):
    """Weights of epochs before sparsity was reached are not kept, however low their loss was."""
    tf_keras = pytest.importorskip("tf_keras")
    seen = []

    class Count(tf_keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(epoch)

    student = model(tf_keras)
    epochs = learn_in_tf_keras(
        student, model(), lesson(), pack=first, log_folder=tmp_path, callbacks=[Count()], ready=lambda: len(seen) > 3
    )
    assert [one.stage for one in epochs] == [1, 1, 1, 2, 2]
    assert read_epochs(tmp_path / LOG) == tuple(epochs)
    assert best(epochs[3:]).check_accuracy == pytest.approx(right(student, *CHECK), abs=1e-6)
