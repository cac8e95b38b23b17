"""Metrics by name, as objects and as functions; what is inferred where nothing is said."""

import keras
import numpy as np
import pytest
import sklearn.metrics
import tf_keras

from inferspeed_magic.errors import InputError, OptionError
from inferspeed_magic.search import sklearn_metrics
from inferspeed_magic.search.metrics import resolve

DRAW = np.random.default_rng(0)
SAMPLES = 200
LOGITS = DRAW.normal(size=(SAMPLES, 4)).astype("float32")
SOFTMAX = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
CLASSES = np.where(DRAW.random(SAMPLES) < 0.7, LOGITS.argmax(1), DRAW.integers(0, 4, SAMPLES))
ONE_HOT = np.eye(4)[CLASSES]
LOGIT = DRAW.normal(size=(SAMPLES, 1)).astype("float32") * 3
SIGMOID = 1 / (1 + np.exp(-LOGIT))
BITS = (DRAW.random(SAMPLES) < SIGMOID[:, 0]).astype(int)
NUMBERS = DRAW.normal(size=(SAMPLES, 1)).astype("float32")
TARGETS = NUMBERS[:, 0] + 0.1 * DRAW.normal(size=SAMPLES)


def scored(metric, labels, outputs, model=None):
    return resolve(model, metric, [labels], [outputs]).score([labels], [outputs])


@pytest.mark.parametrize(
    ("metric", "labels", "outputs", "expected"),
    [
        ("accuracy", CLASSES, SOFTMAX, sklearn.metrics.accuracy_score(CLASSES, LOGITS.argmax(1))),
        ("sparse_categorical_accuracy", ONE_HOT, SOFTMAX, np.mean(LOGITS.argmax(1) == CLASSES)),
        ("categorical_accuracy", CLASSES, SOFTMAX, np.mean(LOGITS.argmax(1) == CLASSES)),
        ("BinaryAccuracy", BITS, LOGIT, np.mean((LOGIT[:, 0] > 0) == BITS)),
        ("mse", TARGETS, NUMBERS, np.mean((TARGETS - NUMBERS[:, 0]) ** 2)),
        ("RootMeanSquaredError", TARGETS, NUMBERS, np.sqrt(np.mean((TARGETS - NUMBERS[:, 0]) ** 2))),
        ("categorical_crossentropy", CLASSES, SOFTMAX, sklearn.metrics.log_loss(CLASSES, SOFTMAX)),
        ("crossentropy", CLASSES, LOGITS, sklearn.metrics.log_loss(CLASSES, SOFTMAX)),
        ("binary_crossentropy", BITS, LOGIT, sklearn.metrics.log_loss(BITS, SIGMOID)),
        ("f1_score", CLASSES, SOFTMAX, sklearn.metrics.f1_score(CLASSES, LOGITS.argmax(1), average="macro")),
        ("F1Score", BITS, SIGMOID, sklearn.metrics.f1_score(BITS, SIGMOID[:, 0] > 0.5)),
        ("auc", BITS, LOGIT, sklearn.metrics.roc_auc_score(BITS, LOGIT[:, 0])),
        ("r2_score", TARGETS, NUMBERS, sklearn.metrics.r2_score(TARGETS, NUMBERS)),
        ("f1_macro", CLASSES, LOGITS, sklearn.metrics.f1_score(CLASSES, LOGITS.argmax(1), average="macro")),
        ("balanced_accuracy", ONE_HOT, SOFTMAX, sklearn.metrics.balanced_accuracy_score(CLASSES, LOGITS.argmax(1))),
        ("r2", TARGETS, NUMBERS, sklearn.metrics.r2_score(TARGETS, NUMBERS)),
        ("roc_auc", BITS, LOGIT, sklearn.metrics.roc_auc_score(BITS, LOGIT[:, 0])),
        ("roc_auc_ovr", CLASSES, LOGITS, sklearn.metrics.roc_auc_score(CLASSES, SOFTMAX, multi_class="ovr")),
        ("neg_mean_squared_error", TARGETS, NUMBERS, -np.mean((TARGETS - NUMBERS[:, 0]) ** 2)),
        ("median_absolute_error", TARGETS, NUMBERS, np.median(np.abs(TARGETS - NUMBERS[:, 0]))),
        ("log_loss", CLASSES, LOGITS, sklearn.metrics.log_loss(CLASSES, SOFTMAX)),
        (sklearn.metrics.recall_score, BITS, SIGMOID, sklearn.metrics.recall_score(BITS, SIGMOID[:, 0] > 0.5)),
        (sklearn.metrics.get_scorer("f1_micro"), CLASSES, SOFTMAX, np.mean(LOGITS.argmax(1) == CLASSES)),
        (keras.metrics.SparseCategoricalAccuracy(), CLASSES, SOFTMAX, np.mean(LOGITS.argmax(1) == CLASSES)),
        (keras.metrics.CategoricalAccuracy, ONE_HOT, SOFTMAX, np.mean(LOGITS.argmax(1) == CLASSES)),
        (tf_keras.metrics.BinaryAccuracy(threshold=0.7), BITS, SIGMOID, np.mean((SIGMOID[:, 0] > 0.7) == BITS)),
        (keras.losses.MeanAbsoluteError(), TARGETS, NUMBERS, np.mean(np.abs(TARGETS - NUMBERS[:, 0]))),
        (keras.losses.mean_absolute_error, TARGETS, NUMBERS, np.mean(np.abs(TARGETS - NUMBERS[:, 0]))),
        (tf_keras.losses.MeanSquaredError(), TARGETS, NUMBERS, np.mean((TARGETS - NUMBERS[:, 0]) ** 2)),
        (lambda y, p: np.mean(p.argmax(1) == y), CLASSES, SOFTMAX, np.mean(LOGITS.argmax(1) == CLASSES)),
        (lambda y, p: p.argmax(1) == y, CLASSES, SOFTMAX, np.mean(LOGITS.argmax(1) == CLASSES)),
    ],
)  # fmt: skip
def test_score(metric, labels, outputs, expected):
    assert scored(metric, labels, outputs) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    ("metric", "labels", "outputs", "higher", "relative"),
    [
        ("accuracy", CLASSES, SOFTMAX, True, False),
        ("mean_absolute_error", TARGETS, NUMBERS, False, True),
        ("cosine_similarity", ONE_HOT, SOFTMAX, True, False),
        (keras.losses.CosineSimilarity(), ONE_HOT, SOFTMAX, False, True),
        ("kl_divergence", ONE_HOT, SOFTMAX, False, True),
        ("KLDivergence", ONE_HOT, SOFTMAX, False, True),
        ("poisson", ONE_HOT, SOFTMAX, False, True),
        ("hinge", BITS, LOGIT, False, True),
        ("log_cosh", TARGETS, NUMBERS, False, True),
        ("huber", TARGETS, NUMBERS, False, True),
        ("dice", ONE_HOT, SOFTMAX, False, True),
        ("false_negatives", BITS, SIGMOID, False, True),
        ("true_positives", BITS, SIGMOID, True, True),  # a count has no natural scale
        ("r2_score", TARGETS, NUMBERS, True, False),
        (tf_keras.metrics.MeanSquaredError(), TARGETS, NUMBERS, False, True),
        (tf_keras.metrics.LogCoshError(), TARGETS, NUMBERS, False, True),
        (tf_keras.metrics.CategoricalCrossentropy(), ONE_HOT, SOFTMAX, False, True),
        (tf_keras.metrics.AUC(), BITS, SIGMOID, True, False),
        ("f1_weighted", CLASSES, SOFTMAX, True, False),
        ("zero_one_loss", CLASSES, SOFTMAX, False, True),
        ("max_error", TARGETS, NUMBERS, False, True),
        ("neg_mean_absolute_error", TARGETS, NUMBERS, True, True),
        ("d2_absolute_error_score", TARGETS, NUMBERS, True, False),
        ("d2_log_loss_score", CLASSES, SOFTMAX, True, False),
    ],
)
def test_direction_and_scale(metric, labels, outputs, higher, relative):
    found = resolve(None, metric, [labels], [outputs]).metric
    assert (found.higher_is_better, found.relative) == (higher, relative)
    assert found.labelled


def test_direction_of_all_metrics_of_keras():
    """Where Keras notes it, we say the same; by the name alone, too, as tf_keras does not note it."""
    from inferspeed_magic.search.measure import higher_is_better

    checked = 0
    for name in dir(keras.metrics):
        kind = getattr(keras.metrics, name)
        try:
            noted = getattr(kind(), "_direction", None) if isinstance(kind, type) else None
        except TypeError:
            continue
        if noted:
            checked += 1
            assert higher_is_better(getattr(tf_keras.metrics, name, object)(), name) == (noted == "up"), name
    assert checked > 25


def test_direction_of_own_functions():
    def psnr(y, p):
        return 0.5

    def my_loss(y, p):
        return 0.5

    def validation_rmse(y, p):
        return 0.5

    def strange(y, p):
        return 0.5

    strange.greater_is_better = False
    directions = [resolve(None, f, [BITS], [SIGMOID]).metric.higher_is_better for f in (psnr, my_loss, validation_rmse)]
    assert directions == [True, False, False]
    scorer = resolve(None, strange, [BITS], [SIGMOID])
    assert not scorer.metric.higher_is_better
    assert not scorer.notes
    assert "greater_is_better" in resolve(None, psnr, [BITS], [SIGMOID]).notes[0]


def test_scores_beyond_one_make_drops_relative():
    scorer = resolve(None, lambda y, p: 37.5, [BITS], [SIGMOID])
    assert scorer.metric.relative
    assert any("drops are shares" in note for note in scorer.notes)


def test_own_function_of_several_outputs_gets_all():
    seen = {}

    def metric(y, p):
        seen["y"], seen["p"] = y, p
        return 0.5

    labels = {"b": BITS, "a": CLASSES}
    resolve(None, metric, labels, [SIGMOID, SOFTMAX])
    assert seen["y"] == labels
    assert [each.shape for each in seen["p"]] == [(SAMPLES, 1), (SAMPLES, 4)]


def test_own_function_gets_weights_where_it_takes_them():
    def metric(y, p, sample_weight=None):
        return float(np.average((p[:, 0] > 0.5) == y, weights=sample_weight))

    weights = np.where(BITS, 4.0, 1.0)
    scorer = resolve(None, metric, [BITS], [SIGMOID])
    assert scorer.score([BITS], [SIGMOID], weights) == pytest.approx(
        np.average((SIGMOID[:, 0] > 0.5) == BITS, weights=weights)
    )


@pytest.mark.parametrize("metric", ["f1_macro", "jaccard", "r2"])
def test_weights_reach_scikit_learn(metric):
    weights = np.where(BITS, 4.0, 1.0)
    scorer = resolve(None, metric, [BITS], [SIGMOID])
    assert scorer.score([BITS], [SIGMOID], weights) != scorer.score([BITS], [SIGMOID])
    twice = np.repeat(np.arange(SAMPLES), weights.astype(int))
    assert scorer.score([BITS], [SIGMOID], weights) == pytest.approx(scorer.score([BITS[twice]], [SIGMOID[twice]]))


@pytest.mark.parametrize(
    ("labels", "outputs", "name"),
    [
        (CLASSES, SOFTMAX, "sparse_categorical_accuracy"),
        (CLASSES[:, None].astype("float32"), SOFTMAX, "sparse_categorical_accuracy"),
        (ONE_HOT, SOFTMAX, "categorical_accuracy"),
        (BITS, SIGMOID, "binary_accuracy"),
        (BITS.astype(bool), SIGMOID, "binary_accuracy"),
        (DRAW.integers(0, 2, (SAMPLES, 4)), SOFTMAX, "binary_accuracy"),
        (TARGETS, NUMBERS, "mean_absolute_error"),
        (np.arange(SAMPLES), NUMBERS, "mean_absolute_error"),
        (DRAW.normal(size=(SAMPLES, 4)), LOGITS, "mean_absolute_error"),
        (DRAW.integers(0, 4, (SAMPLES, 5)), DRAW.random((SAMPLES, 5, 4)), "sparse_categorical_accuracy"),
    ],
)
def test_what_is_inferred_without_a_metric(labels, outputs, name):
    scorer = resolve(None, None, [labels], [outputs])
    assert scorer.metric.name == name
    assert scorer.notes[0].startswith(f"{name}: labels are")
    assert scorer.per_sample([labels], [outputs]).shape == (SAMPLES,)


def test_logits_of_two_classes_are_decided_at_zero():
    scorer = resolve(None, None, [BITS], [LOGIT])
    assert scorer.score([BITS], [LOGIT]) == np.mean((LOGIT[:, 0] > 0) == BITS)
    assert any("logits" in note for note in scorer.notes)
    assert scorer.measure.decisions == 2


@pytest.mark.parametrize(
    ("metric", "labels", "outputs", "error", "message"),
    [
        ("acuracy", CLASSES, SOFTMAX, OptionError, "no metric `acuracy`: did you mean accuracy"),
        ("f1_makro", CLASSES, SOFTMAX, OptionError, "did you mean f1_macro"),
        ("mean_squared_eror", TARGETS, NUMBERS, OptionError, "did you mean mean_squared_error"),
        ("xyzzy", CLASSES, SOFTMAX, OptionError, "no metric `xyzzy`"),
        ("f1", CLASSES, SOFTMAX, OptionError, "f1_macro and f1_weighted"),
        ("roc_auc", CLASSES, SOFTMAX, OptionError, "roc_auc_ovr"),
        ("mae", CLASSES, SOFTMAX, OptionError, r"labels of shape \(200,\) and outputs of shape \(200, 4\)"),
        ("PrecisionAtRecall", BITS, SIGMOID, OptionError, "give the metric object"),
        ("categorical_accuracy", BITS, SIGMOID, InputError, "binary_accuracy"),
        (["accuracy", "auc"], BITS, SIGMOID, OptionError, "one metric at a time"),
        (lambda y, p: [1, 2], BITS, SIGMOID, OptionError, "return one number"),
        (lambda y, p: 1 / 0, BITS, SIGMOID, OptionError, "failed: ZeroDivisionError"),
        (lambda y, p: float("nan"), BITS, SIGMOID, InputError, "is nan"),
        (3, BITS, SIGMOID, OptionError, "neither a metric nor a loss"),
        ("accuracy", CLASSES + 1, SOFTMAX, InputError, "from 1 to 4, the outputs have 4 classes; classes count from 0"),
        (None, CLASSES + 3, SOFTMAX, InputError, "labels go from 3 to 6, the outputs have 4 classes$"),
        (None, DRAW.normal(size=(SAMPLES, 3)), SOFTMAX, InputError, "do not go together"),
        ("mse", np.full(SAMPLES, np.nan), NUMBERS, InputError, "is nan"),
    ],
)
def test_mistakes_are_told_in_one_line(metric, labels, outputs, error, message):
    with pytest.raises(error, match=message) as caught:
        resolve(None, metric, [labels], [outputs])
    assert "\n" not in str(caught.value)


def test_scikit_learn_is_optional(monkeypatch):
    monkeypatch.setattr(sklearn_metrics, "installed", lambda: False)
    with pytest.raises(OptionError, match="pip install scikit-learn"):
        resolve(None, "f1_macro", [CLASSES], [SOFTMAX])
    with pytest.raises(OptionError, match="did you mean f1_macro"):
        resolve(None, "f1_makro", [CLASSES], [SOFTMAX])
    assert scored("f1_score", CLASSES, SOFTMAX) > 0.5


def test_regression_with_steps():
    labels, outputs = DRAW.normal(size=(2, 30, 5, 3))
    assert scored("r2", labels, outputs) == pytest.approx(
        sklearn.metrics.r2_score(labels.reshape(-1, 3), outputs.reshape(-1, 3))
    )
    assert scored("mse", labels, outputs) == pytest.approx(np.mean((labels - outputs) ** 2))
