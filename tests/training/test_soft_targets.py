"""How outputs are read, and what is minimized."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from inferspeed_magic.training.soft_targets import soft_loss, target, targets

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(64, 5))
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)


@pytest.mark.parametrize(
    ("answers", "from_logits", "reading"),
    [
        (PROBABILITIES, False, "probabilities"),
        (LOGITS, True, "logits"),
        (LOGITS, False, "numbers"),
        (RNG.random((64, 5)), False, "sigmoid"),
        (RNG.random((64, 1)), False, "sigmoid"),
        (np.zeros((64, 1)), False, "numbers"),
        (100 * RNG.random((64, 4, 2)), False, "numbers"),
        (PROBABILITIES.reshape(8, 8, 5), False, "probabilities"),
    ],
)
def test_outputs_are_read_as_what_they_are(answers, from_logits, reading):
    assert target(answers, from_logits=from_logits).reading == reading


class Teacher:
    output_names = ("first", "second")


BINARY = keras.losses.BinaryCrossentropy(from_logits=True)
CLASSES = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.mark.parametrize(
    ("loss", "readings"),
    [
        (None, ["numbers", "sigmoid"]),
        (CLASSES, ["logits", "logits"]),
        ([BINARY, CLASSES], ["numbers", "logits"]),
        ({"second": BINARY, "first": CLASSES}, ["logits", "numbers"]),
        (BINARY, ["numbers", "numbers"]),
        (keras.losses.BinaryFocalCrossentropy(from_logits=True), ["numbers", "numbers"]),
    ],
)
def test_the_users_loss_says_how_outputs_are_read(loss, readings):
    """Logits of yes or no, each for itself, are no classes, even where all of them lie between 0 and 1."""
    found = targets([LOGITS, RNG.random((64, 5))], Teacher, loss, keras)
    assert [each.reading for each in found] == readings


@pytest.mark.parametrize("answers", [PROBABILITIES, 0.98 * RNG.random((64, 5)) + 0.01, LOGITS])
def test_the_loss_is_least_where_both_answer_alike(answers):
    loss = soft_loss([target(answers)], keras)

    def at(seen):
        return float(loss([answers], [np.asarray(seen, "float32")]))

    other = np.roll(answers, 1, axis=0)
    assert at(answers) < at(0.5 * answers + 0.5 * other) < at(other)


def test_probabilities_are_not_softened_twice():
    """Logits, and the probabilities made of them, give the same loss."""
    other = np.roll(LOGITS, 1, axis=0)
    as_probabilities = np.exp(other) / np.exp(other).sum(-1, keepdims=True)
    logits = soft_loss([target(LOGITS, from_logits=True)], keras)([LOGITS], [other])
    probabilities = soft_loss([target(PROBABILITIES)], keras)([PROBABILITIES], [as_probabilities])
    assert float(logits) == pytest.approx(float(probabilities), rel=1e-3)


def test_numbers_of_any_scale_weigh_alike():
    far = 1000 * LOGITS
    small, large = (float(soft_loss([target(each)], keras)([each], [np.roll(each, 1, 0)])) for each in (LOGITS, far))
    assert small == pytest.approx(large, rel=1e-3)
