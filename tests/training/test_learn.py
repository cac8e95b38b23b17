"""A model that lost something learns it again: from labels, from its teacher, or as the user has it."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.training import LOG, Lesson, learn, pickled, read_lesson, write_lesson
from inferspeed_magic.training.features import check_features


def first(flat):
    return flat[0]


def pair(outputs=3, activation="softmax", seed=0):
    """A teacher, and a student of the same shape that knows nothing."""
    keras.utils.set_random_seed(seed)

    def made():
        return keras.Sequential(
            [keras.Input((6,)), layers.Dense(16, activation="relu"), layers.Dense(outputs, activation=activation)]
        )

    return made(), made()


def samples(count=512, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 6)).astype("float32")


def agreement(one, other, x):
    return float((one.predict(x, verbose=0).argmax(-1) == other.predict(x, verbose=0).argmax(-1)).mean())


def lesson(**more):
    quick = keras.optimizers.serialize(keras.optimizers.Adam(1e-2))
    usual = {"check_inputs": [samples(128, 1)], "epochs": 8, "limit_s": 60, "optimizer": quick}
    return Lesson([samples()], **{**usual, **more})


def test_a_student_comes_to_answer_as_its_teacher():
    teacher, student = pair()
    before, x = agreement(teacher, student, samples(500, 2)), samples(500, 2)
    kept = [array.copy() for array in teacher.get_weights()]
    found, epochs = learn(student, teacher, lesson(epochs=30), pack=first)
    assert found is student
    assert agreement(teacher, student, x) > max(0.85, before)
    assert epochs[-1].loss < epochs[0].loss
    assert not any(epoch.cut_short for epoch in epochs)
    assert all(np.array_equal(*each) for each in zip(kept, teacher.get_weights(), strict=True))


def test_labels_are_learned_with_the_users_own_loss():
    teacher, student = pair()  # which knows nothing of these labels
    x = samples()
    y = (x[:, 0] > 0).astype("int64")
    taught = lesson(
        labels=[y], check_labels=[(samples(128, 1)[:, 0] > 0).astype("int64")], loss="sparse_categorical_crossentropy"
    )
    learn(student, teacher, replace(taught, epochs=30), pack=first)
    unlabelled = pair()[1]
    learn(unlabelled, teacher, lesson(epochs=30), pack=first)

    def right(model):
        return float((model.predict(x, verbose=0).argmax(-1) == y).mean())

    assert right(student) > 0.9 > right(unlabelled)


def test_numbers_are_learned_too():
    teacher, student = pair(activation=None)
    _, epochs = learn(student, teacher, lesson(epochs=20), pack=first)
    assert epochs[-1].check_loss < 0.5 * epochs[0].check_loss


def test_several_outputs_by_name_and_weights_of_samples():
    def made():
        inputs = keras.Input((6,))
        hidden = layers.Dense(8, activation="relu")(inputs)
        outputs = {
            "kind": layers.Dense(3, activation="softmax", name="kind")(hidden),
            "size": layers.Dense(1, name="size")(hidden),
        }
        return keras.Model(inputs, outputs)

    labels = {"kind": np.zeros(512, "int64"), "size": np.ones((512, 1), "float32")}
    taught = lesson(
        labels=labels,
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
        weights=np.ones(512),
    )
    student = made()
    _, epochs = learn(student, made(), taught, pack=first)
    assert epochs[-1].loss < epochs[0].loss


def test_several_outputs_by_position():
    def made():
        inputs = keras.Input((6,))
        hidden = layers.Dense(8, activation="relu")(inputs)
        return keras.Model(inputs, [layers.Dense(3, activation="softmax")(hidden), layers.Dense(1)(hidden)])

    taught = lesson(
        labels=[np.zeros(512, "int64"), np.ones((512, 1), "float32")], loss=["sparse_categorical_crossentropy", "mse"]
    )
    student = made()
    _, epochs = learn(student, made(), taught, pack=first)
    assert epochs[-1].loss < epochs[0].loss
    assert (student.predict(samples(50, 3), verbose=0)[0].argmax(-1) == 0).mean() > 0.8


def test_little_time_is_not_spent_on_the_teacher_alone():
    class Slow:
        output_names = ("only",)

        def predict_on_batch(self, x):
            time.sleep(0.5)
            return np.zeros((len(x), 3), "float32") + 1 / 3

    _, epochs = learn(pair()[1], Slow(), lesson(epochs=3, limit_s=6.0), pack=first)
    assert len(epochs) == 3


def test_time_is_kept():
    teacher, student = pair()
    began = time.monotonic()
    _, epochs = learn(student, teacher, lesson(epochs=100_000, limit_s=3.0, check_inputs=[]), pack=first)
    assert time.monotonic() - began < 20
    assert len(epochs) < 100_000
    assert epochs[-1].cut_short
    assert not any(epoch.cut_short for epoch in epochs[:-1])


def test_the_same_seed_gives_the_same_weights():
    found = []
    for _ in range(2):
        teacher, student = pair()
        learn(student, teacher, lesson(seed=3), pack=first)
        found.append(student.get_weights())
    assert all(np.allclose(*each, atol=1e-6) for each in zip(*found, strict=True))


def test_the_users_own_training_takes_the_place_of_ours():
    teacher, student = pair()

    def fine_tune(model):
        model.layers[-1].set_weights([np.zeros((16, 3)), np.array([0.0, 5.0, 0.0])])

    found, epochs = learn(student, teacher, lesson(fine_tune=fine_tune), pack=first)
    assert found is student
    assert (student.predict(samples(20), verbose=0).argmax(-1) == 1).all()
    assert epochs == []


def test_another_model_that_it_returns_is_taken():
    teacher, student = pair()
    assert learn(student, teacher, lesson(fine_tune=lambda _: teacher), pack=first)[0] is teacher


def test_without_samples_there_is_nothing_to_learn():
    teacher, student = pair()
    with pytest.raises(UnsupportedError, match="no samples"):
        learn(student, teacher, Lesson([]), pack=first)


def test_frozen_layers_learn_too():
    teacher, student = pair()
    student.layers[0].trainable = False
    before = student.layers[0].get_weights()[0].copy()
    learn(student, teacher, lesson(), pack=first)
    assert not np.array_equal(before, student.layers[0].get_weights()[0])


def test_a_schedule_of_the_users_does_not_stop_it():
    teacher, student = pair()
    schedule = keras.optimizers.schedules.CosineDecay(1e-2, 10)
    optimizer = keras.optimizers.serialize(keras.optimizers.Adam(schedule))
    _, epochs = learn(student, teacher, lesson(optimizer=optimizer), pack=first)
    assert epochs[-1].loss < epochs[0].loss


def test_epochs_are_written_down_while_it_goes_on(tmp_path):
    teacher, student = pair()
    _, epochs = learn(student, teacher, lesson(epochs=3), pack=first, log_folder=tmp_path)
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert lines[-1]["loss"] == pytest.approx(epochs[-1].loss)


@pytest.mark.parametrize("known", [True, False])
def test_losses_that_are_objects_arrive_and_give_the_same_bytes(tmp_path, known):
    class Own(keras.losses.Loss):
        def call(self, y, seen):
            return keras.ops.mean(keras.ops.abs(y - seen), axis=-1)

    made = keras.losses.SparseCategoricalCrossentropy if known else Own
    one = lesson(loss=made())
    other = replace(one, loss=made())
    assert pickled(one) == pickled(other)
    write_lesson(tmp_path / "lesson", one)
    found = read_lesson(tmp_path / "lesson").loss
    y, seen = (np.array([1, 0]), np.array([[0.3, 0.7], [0.6, 0.4]])) if known else (np.ones((2, 2)), np.zeros((2, 2)))
    assert float(found(y, seen)) == pytest.approx(float(one.loss(y, seen)))


def test_what_fit_returned_is_no_model():
    teacher, student = pair()
    found, _ = learn(student, teacher, lesson(fine_tune=lambda _: object()), pack=first)
    assert found is student


def test_a_lesson_arrives_as_it_was_written(tmp_path):
    def own_loss(y, seen):
        return keras.ops.mean(keras.ops.abs(y - seen))

    sent = lesson(
        labels={"a": np.arange(512), "b": np.ones((512, 2))}, weights=np.ones(512), loss=own_loss, loss_weights=[1, 2]
    )
    write_lesson(tmp_path / "lesson", sent)
    found = read_lesson(tmp_path / "lesson")
    assert np.array_equal(found.inputs[0], sent.inputs[0])
    assert list(found.labels) == ["a", "b"]
    assert np.array_equal(found.labels["b"], sent.labels["b"])
    assert np.array_equal(found.weights, sent.weights)
    assert found.check_labels is None
    assert found.loss_weights == [1, 2]
    assert float(found.loss(np.ones(2), np.zeros(2))) == 1.0
    assert (found.epochs, found.limit_s) == (8, 60)


def wide(units, seed):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(units, activation="relu", name="inner"),
            layers.Dense(3, activation="softmax", name="answer"),
        ]
    )


def seen_inside(model, x):
    inner = keras.Model(model.inputs, model.get_layer("inner").output).predict(x, verbose=0)
    products = inner @ inner.T
    return inner, products / np.linalg.norm(products, axis=1, keepdims=True)


@pytest.mark.parametrize("units", [16, 8])
def test_features_come_to_be_as_the_teachers_are(units):
    """Of the same width number by number; of another one, samples that are alike to the teacher become alike."""
    teacher, x = wide(16, 0), samples(200, 2)
    near = []
    for features in ({"inner": "inner"}, None):
        student = wide(units, 1)
        learn(student, teacher, lesson(epochs=30), pack=first, features=features)
        way = 0 if units == 16 else 1
        near.append(np.mean((seen_inside(teacher, x)[way] - seen_inside(student, x)[way]) ** 2))
        assert agreement(teacher, student, x) > 0.8
    assert near[0] < 0.7 * near[1]


def test_features_of_several_inputs_and_outputs_by_name():
    def made(width):
        one, other = keras.Input((6,), name="one"), keras.Input((4,), name="other")
        hidden = layers.Dense(width, activation="relu", name="inner")(layers.Concatenate()([one, other]))
        outputs = {
            "kind": layers.Dense(3, activation="softmax", name="kind")(hidden),
            "size": layers.Dense(1, name="size")(hidden),
        }
        return keras.Model({"one": one, "other": other}, outputs)

    draw = np.random.default_rng(0)
    inputs = [draw.normal(size=(256, width)).astype("float32") for width in (6, 4)]
    taught = lesson(
        labels={"kind": np.zeros(256, "int64"), "size": np.ones((256, 1), "float32")},
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
        check_inputs=[],
    )

    def by_name(flat):
        return dict(zip(("one", "other"), flat, strict=True))

    student = made(4)
    _, epochs = learn(student, made(8), replace(taught, inputs=inputs), pack=by_name, features={"inner": "inner"})
    assert epochs[-1].loss < epochs[0].loss
    assert (student.predict(by_name(inputs), verbose=0)["kind"].argmax(-1) == 0).mean() > 0.8


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ({"deep": "inner"}, "the teacher has no layer `deep`: it has inner, answer"),
        ({"inner": "deep"}, "the student has no layer `deep`"),
    ],
)
def test_layers_that_are_not_there_are_named(features, words):
    with pytest.raises(UnsupportedError, match=words):
        check_features(wide(8, 0), wide(4, 0), features)


def test_features_of_a_model_that_is_no_graph_are_refused():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(3, name="inner")

        def call(self, x):
            return self.inner(x)

    own = Own()
    own(samples(2))
    with pytest.raises(UnsupportedError, match="the student is no graph of layers"):
        check_features(wide(8, 0), own, {"inner": "inner"})


def test_the_temperature_softens_what_is_learned():
    """Soft answers tell of the classes that the teacher would name second: those are met the better the softer."""
    teacher, x = wide(16, 0), samples(200, 2)
    teacher.get_layer("answer").set_weights([4 * weight for weight in teacher.get_layer("answer").get_weights()])
    logits = []
    for temperature in (1.0, 20.0):
        student = wide(16, 1)
        learn(student, teacher, replace(lesson(epochs=30), temperature=temperature), pack=first)
        logits.append(np.log(np.maximum(student.predict(x, verbose=0), 1e-7)))
    assert not np.allclose(*logits, atol=0.05)


def test_what_is_to_be_learned_travels(tmp_path):
    write_lesson(tmp_path / "lesson", replace(lesson(), temperature=5.0, features={"a": "b"}))
    found = read_lesson(tmp_path / "lesson")
    assert (found.temperature, found.features) == (5.0, {"a": "b"})
