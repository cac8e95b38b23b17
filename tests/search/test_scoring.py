import time

import numpy as np
import pytest

from inferspeed_magic.records import Accuracy, Interval, Metric
from inferspeed_magic.search import scoring
from inferspeed_magic.search.metrics import resolve
from inferspeed_magic.search.scoring import compare, doubt, refusal, smallest_drop, within
from inferspeed_magic.search.splitting import Part

DRAW = np.random.default_rng(0)
SAMPLES = 400
CLASSES = DRAW.integers(0, 4, SAMPLES)
ACCURACY = Metric("accuracy")
ERROR = Metric("mae", higher_is_better=False, relative=True)


def answers(right):
    """Softmax-like outputs that are right for the first ``right`` samples only."""
    outputs = np.full((SAMPLES, 4), 0.1)
    outputs[np.arange(SAMPLES), (CLASSES + (np.arange(SAMPLES) >= right)) % 4] = 0.7
    return [outputs]


PART = Part([np.zeros((SAMPLES, 1))], [CLASSES])


def compared(original, candidate, metric=None, part=PART):
    return compare(resolve(None, metric, part.labels, original), part, original, candidate, 0)


def test_accuracy_of_a_candidate():
    accuracy = compared(answers(380), answers(360))
    assert (accuracy.original, accuracy.value, accuracy.samples) == (0.95, 0.9, SAMPLES)
    assert accuracy.drop.value == pytest.approx(0.05)
    assert 0.02 < accuracy.drop.low < 0.05 < accuracy.drop.high < 0.08


def test_a_better_candidate_has_a_negative_drop():
    assert compared(answers(360), answers(380)).drop.value == pytest.approx(-0.05)


def test_the_original_itself():
    accuracy = compared(answers(380), answers(380))
    assert accuracy.drop.value == 0
    assert 0 < accuracy.drop.high < 0.01


def test_errors_drop_relatively():
    labels = DRAW.normal(size=(SAMPLES, 1))
    part = Part(PART.inputs, [labels])
    noise = DRAW.normal(size=(SAMPLES, 1))
    accuracy = compared([labels + noise], [labels + 1.1 * noise], "mae", part)
    assert accuracy.drop.value == pytest.approx(0.1)
    assert accuracy.drop.low <= 0.1 <= accuracy.drop.high
    perfect = compared([labels], [labels + 0.5], "mae", part)
    assert perfect.drop.value == pytest.approx(0.5)  # absolute: of nothing there are no shares
    assert "%" not in refusal(perfect, 0.01, ERROR)


@pytest.mark.parametrize("metric", ["f1_macro", "roc_auc_ovr", "AUC", "rmse"])
def test_metrics_that_are_no_mean_have_intervals(metric, monkeypatch):
    # So many as the time allows, however busy the machine is.
    monkeypatch.setattr(scoring, "_RESCORING_S", 60.0)
    labels = np.eye(4)[CLASSES] if metric == "rmse" else CLASSES
    accuracy = compared(answers(380), answers(340), metric, Part(PART.inputs, [labels]))
    assert accuracy.drop.low < accuracy.drop.value < accuracy.drop.high
    assert accuracy.drop.value > 0
    assert accuracy.drop.high - accuracy.drop.low < 5 * accuracy.drop.value


def test_identical_answers_leave_doubt_where_answers_are_right_or_wrong():
    assert compared(answers(380), answers(380), "f1_macro").drop.high > 1 / SAMPLES
    labels = np.eye(4)[CLASSES]
    assert compared(answers(380), answers(380), "rmse", Part(PART.inputs, [labels])).drop.high == 0


def test_a_slow_metric_keeps_to_its_time(monkeypatch):
    monkeypatch.setattr(scoring, "_RESCORING_S", 0.3)

    def slow(y, p):
        time.sleep(0.05)
        return float(np.mean(p.argmax(1) == y))

    began = time.perf_counter()
    accuracy = compared(answers(380), answers(360), slow)
    assert time.perf_counter() - began < 5
    assert accuracy.drop.value == pytest.approx(0.05)
    assert np.isnan(accuracy.drop.low)


def test_agreement_needs_no_labels():
    accuracy = compared(answers(380), answers(360), part=Part(PART.inputs))
    assert accuracy.original == 1
    assert accuracy.drop.value == pytest.approx(20 / SAMPLES)
    same = compared(answers(380), answers(380), part=Part(PART.inputs)).drop
    assert same.low == same.value == 0 < same.high


def test_weights_count():
    weights = np.where(np.arange(SAMPLES) < 360, 1.0, 3.0)
    accuracy = compared(answers(380), answers(360), part=Part(PART.inputs, [CLASSES], weights))
    assert accuracy.original == pytest.approx((360 + 3 * 20) / (360 + 3 * 40))
    assert accuracy.drop.value == pytest.approx(3 * 20 / (360 + 3 * 40))


def broken(kind):
    (outputs,) = answers(380)
    if kind == "nan":
        outputs[3, 2] = np.nan
    elif kind == "infinite":
        outputs[3, 2] = np.inf
    elif kind == "short":
        return [outputs[:-1]]
    elif kind == "none":
        return []
    return [outputs]


@pytest.mark.parametrize("kind", ["nan", "infinite", "short", "none"])
@pytest.mark.parametrize("metric", [None, "f1_macro", "sparse_categorical_crossentropy"])
@pytest.mark.parametrize("labelled", [True, False])
def test_broken_answers_are_the_worst_and_no_crash(kind, metric, labelled):
    part = PART if labelled else Part(PART.inputs)
    accuracy = compared(answers(380), broken(kind), metric if labelled else None, part)
    assert accuracy.drop.value == np.inf
    assert abs(accuracy.value) == np.inf
    assert not within(accuracy, 1e9)
    assert "NaN" in refusal(accuracy, 0.01, ACCURACY)
    assert doubt(accuracy, 0.01, ACCURACY) is None


def test_infinite_answers_that_the_original_gives_too_are_none_of_its_faults():
    (outputs,) = answers(380)
    outputs[:, 0] = -np.inf  # masked
    assert compared([outputs], [outputs.copy()]).drop.value == 0


def accuracy_of(drop, low, high, original=0.95):
    return Accuracy(original - drop, original, Interval(drop, low, high), 200)


def test_what_is_allowed():
    assert within(accuracy_of(0.01, 0, 0.02), 0.01)
    assert within(accuracy_of(0.99 - 0.98, 0, 0.02), 0.01)
    assert not within(accuracy_of(0.0101, 0, 0.02), 0.01)
    assert within(accuracy_of(-0.1, -0.2, 0.02), 0.0)
    assert not within(accuracy_of(float("nan"), 0, 0.02), 0.5)
    assert refusal(accuracy_of(0.005, 0, 0.02), 0.01, ACCURACY) is None


def test_refusals_in_words():
    words = refusal(accuracy_of(0.031, 0.020, 0.042), 0.01, ACCURACY)
    assert words == ("accuracy drop 3.1 percentage points (2.0 to 4.2) is more than the 1 percentage point allowed")
    assert refusal(accuracy_of(0.031, 0.02, 0.042, 4.2), 0.01, ERROR) == (
        "accuracy drop 3.1% (2.0 to 4.2) is more than the 1% allowed"
    )
    agreement = Metric("top-1 agreement", labelled=False)
    assert refusal(accuracy_of(0.031, 0.02, 0.042, 1), 0.01, agreement).startswith("drop in agreement 3.1")


def test_doubts_in_words():
    assert doubt(accuracy_of(0.003, -0.008, 0.014), 0.01, ACCURACY) == (
        "200 samples cannot tell a drop of 0.3 from 1.4 percentage points: give more data"
    )
    assert doubt(accuracy_of(0.003, -0.002, 0.008), 0.01, ACCURACY) is None
    assert doubt(accuracy_of(0.03, 0.02, 0.04), 0.01, ACCURACY) is None  # refused
    assert doubt(accuracy_of(0.003, float("nan"), float("nan")), 0.01, ACCURACY) is None


def test_smallest_drop():
    assert smallest_drop(resolve(None, None, [CLASSES], answers(380)), 400) == 6 / 400
    assert np.isnan(smallest_drop(resolve(None, "sparse_categorical_crossentropy", [CLASSES], answers(380)), 400))
