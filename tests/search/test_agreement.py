import keras
import numpy as np
import pytest

from inferspeed_magic.errors import OptionError
from inferspeed_magic.search.agreement_metrics import CLOSENESS, COSINE, DECISION, EQUALITY, TOP_1
from inferspeed_magic.search.metrics import resolve

DRAW = np.random.default_rng(0)
LOGITS = DRAW.normal(size=(50, 10))
SOFTMAX = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
SIGMOID = DRAW.random((50, 1))


def model(units, activation, loss=None):
    layers = keras.layers
    built = keras.Sequential([layers.Input((7,)), layers.Dense(units, activation=activation)])
    if loss:
        built.compile(loss=loss)
    return built


@pytest.mark.parametrize(
    ("built", "outputs", "name"),
    [
        (None, [SOFTMAX], TOP_1),
        (None, [LOGITS], TOP_1),
        (None, [DRAW.dirichlet(np.ones(4), (50, 6))], TOP_1),
        (None, [SIGMOID], DECISION),
        (None, [SIGMOID[:, 0]], DECISION),
        (None, [DRAW.normal(size=(50, 1))], CLOSENESS),
        (None, [DRAW.normal(size=(50, 8, 8, 3))], COSINE),
        (None, [DRAW.random((50, 8, 8, 1)) * 2], COSINE),
        (None, [DRAW.integers(0, 9, (50, 3))], EQUALITY),
        (None, [SOFTMAX, SIGMOID], "mean agreement"),
        (None, [SOFTMAX, LOGITS], TOP_1),
        (model(10, None, "mse"), [LOGITS], COSINE),
        (model(3, None, "mse"), [LOGITS[:, :3]], CLOSENESS),
        (model(10, "sigmoid", "binary_crossentropy"), [DRAW.random((50, 10))], DECISION),
        (model(7, None), [LOGITS[:, :7]], CLOSENESS),  # gives back its input
    ],
)
def test_kind_is_read_off_the_outputs(built, outputs, name):
    scorer = resolve(built, None, None, outputs)
    assert scorer.metric.name == name
    assert not scorer.metric.labelled
    assert scorer.metric.higher_is_better
    assert "not accuracy" in scorer.notes[0]
    assert scorer.score(outputs, outputs) == 1
    assert scorer.per_sample(outputs, outputs).shape == (50,)


def test_scores():
    changed = SOFTMAX.copy()
    changed[:5] = np.roll(changed[:5], 1, axis=1)
    assert resolve(None, None, None, [SOFTMAX]).score([SOFTMAX], [changed]) == 0.9
    flipped = np.where(np.arange(50)[:, None] < 10, 1 - SIGMOID, SIGMOID)
    assert resolve(None, None, None, [SIGMOID]).score([SIGMOID], [flipped]) == 0.8
    pictures = DRAW.normal(size=(50, 4, 4))
    scorer = resolve(None, None, None, [pictures])
    assert scorer.score([pictures], [3 * pictures]) == pytest.approx(1)
    assert scorer.score([pictures], [-pictures]) == pytest.approx(-1)
    assert scorer.score([0 * pictures], [0 * pictures]) == 1
    both = resolve(None, None, None, [SOFTMAX, SIGMOID])
    assert both.score([SOFTMAX, SIGMOID], [changed, flipped]) == pytest.approx(0.85)


def test_closeness_is_measured_in_what_answers_differ_by():
    numbers = 1000 + DRAW.normal(size=(50, 1))
    scorer = resolve(None, None, None, [numbers])
    near, far = (scorer.score([numbers], [numbers + shift * numbers.std()]) for shift in (0.1, 5))
    assert near == pytest.approx(0.9)
    assert far == 0


def test_kinds_can_be_asked_for_by_name():
    assert resolve(None, COSINE, None, [LOGITS]).metric.name == COSINE
    with pytest.raises(OptionError, match="metric `accuracy` needs labels: give data=\\(x, y\\)"):
        resolve(None, "accuracy", None, [LOGITS])
    with pytest.raises(OptionError, match="needs labels"):
        resolve(None, lambda y, p: 1.0, None, [LOGITS])
