"""The model's own metric gives the number that ``evaluate`` gives, in both Keras libraries."""

import keras
import numpy as np
import pytest
import tf_keras

from inferspeed_magic.errors import InputError
from inferspeed_magic.search.metrics import resolve

LIBRARIES = [keras, tf_keras]
SAMPLES = 40
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(SAMPLES, 6)).astype("float32")
CLASSES = DRAW.integers(0, 4, SAMPLES)
ONE_HOT = np.eye(4, dtype="float32")[CLASSES]
BITS = DRAW.integers(0, 2, SAMPLES)
NUMBERS = DRAW.normal(size=SAMPLES).astype("float32")
TAGS = DRAW.integers(0, 4, (SAMPLES, 6))


def classifier(library, units=4, activation="softmax"):
    library.utils.set_random_seed(1)
    return library.Sequential([library.layers.Input((6,)), library.layers.Dense(units, activation=activation)])


def tagger(library):
    library.utils.set_random_seed(1)
    layers = library.layers
    return library.Sequential(
        [layers.Input((6,)), layers.Reshape((6, 1)), layers.LSTM(3, return_sequences=True), layers.Dense(4, "softmax")]
    )


def evaluated(model, y, weights=None):
    return model.evaluate(X, y, sample_weight=weights, verbose=0, return_dict=True, batch_size=SAMPLES)


def own_agreement(y_true, y_pred):
    import tensorflow as tf

    return tf.cast(tf.equal(tf.cast(y_true, "float32") > 0.5, y_pred > 0.4), "float32")


CASES = [
    # units, activation, loss, metric, labels, name, higher, decomposes
    (4, "softmax", "sparse_categorical_crossentropy", "accuracy", CLASSES, "accuracy", True, True),
    (4, "softmax", "sparse_categorical_crossentropy", "acc", CLASSES[:, None], "acc", True, True),
    (4, "softmax", "categorical_crossentropy", "accuracy", ONE_HOT, "accuracy", True, True),
    (1, "sigmoid", "binary_crossentropy", "accuracy", BITS, "accuracy", True, True),
    (1, "sigmoid", "binary_crossentropy", "AUC", BITS, "AUC", True, False),
    (1, None, "mse", "mae", NUMBERS, "mae", False, True),
    (1, None, "mae", "mse", NUMBERS, "mse", False, True),
    (4, "softmax", "categorical_crossentropy", "Precision", ONE_HOT, "Precision", True, False),
    (4, "softmax", "sparse_categorical_crossentropy", "sparse_top_k", CLASSES, "sparse_top_k", True, True),
    (1, "sigmoid", "binary_crossentropy", own_agreement, BITS[:, None], "own_agreement", True, True),
    (1, None, "mse", "rmse", NUMBERS, "rmse", False, False),
]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("case", CASES)
def test_score_is_that_of_evaluate(library, case):
    units, activation, loss, metric, y, name, higher, decomposes = case
    given = {
        "sparse_top_k": lambda: library.metrics.SparseTopKCategoricalAccuracy(2, name="sparse_top_k"),
        "rmse": lambda: library.metrics.RootMeanSquaredError(name="rmse"),
    }.get(metric, lambda: metric)()
    model = classifier(library, units, activation)
    model.compile(loss=loss, metrics=[given])
    outputs = [model.predict(X, verbose=0)]
    scorer = resolve(model, None, [y], outputs)
    assert scorer.metric.name == name
    assert scorer.metric.higher_is_better == higher
    assert scorer.metric.relative != higher
    results = evaluated(model, y)
    (expected,) = [value for key, value in results.items() if key != "loss"]
    assert scorer.score([y], outputs) == pytest.approx(expected, rel=2e-4)
    values = scorer.per_sample([y], outputs)
    assert (values is not None) == decomposes
    if values is not None:
        assert values.shape == (SAMPLES,)
        assert values.mean() == pytest.approx(expected, rel=2e-4)


def test_an_own_function_gets_labels_in_the_shape_of_the_outputs():
    """Keras 3 itself lets (40,) and (40, 1) spread to (40, 40), and reports their mean."""
    model = classifier(keras, 1, "sigmoid")
    model.compile(loss="binary_crossentropy", metrics=[own_agreement])
    outputs = [model.predict(X, verbose=0)]
    scorer = resolve(model, None, [BITS], outputs)
    assert scorer.score([BITS], outputs) == pytest.approx(np.mean((outputs[0][:, 0] > 0.4) == BITS))


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_loss_counts_where_there_is_no_metric(library):
    model = classifier(library)
    model.compile(loss=library.losses.SparseCategoricalCrossentropy())
    outputs = [model.predict(X, verbose=0)]
    scorer = resolve(model, None, [CLASSES], outputs)
    assert not scorer.metric.higher_is_better
    assert scorer.metric.relative
    assert "loss that the model was compiled with" in scorer.notes[0]
    assert scorer.score([CLASSES], outputs) == pytest.approx(evaluated(model, CLASSES)["loss"], rel=1e-4)
    assert scorer.per_sample([CLASSES], outputs).shape == (SAMPLES,)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_metric_that_is_the_loss_gives_way(library):
    model = classifier(library, 1, None)
    model.compile(loss="mean_squared_error", metrics=["mean_squared_error", "mean_absolute_error"])
    outputs = [model.predict(X, verbose=0)]
    assert resolve(model, None, [NUMBERS], outputs).metric.name == "mean_absolute_error"
    model.compile(loss="mean_squared_error", metrics=["mean_squared_error"])
    assert resolve(model, None, [NUMBERS], outputs).metric.name == "mean_squared_error"


@pytest.mark.parametrize("library", LIBRARIES)
def test_sequences_are_averaged_over_their_steps(library):
    model = tagger(library)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    outputs = [model.predict(X, verbose=0)]
    scorer = resolve(model, None, [TAGS], outputs)
    expected = [value for key, value in evaluated(model, TAGS).items() if key != "loss"]
    assert scorer.score([TAGS], outputs) == pytest.approx(expected[0], rel=1e-4)
    assert scorer.per_sample([TAGS], outputs).shape == (SAMPLES,)
    weights = DRAW.integers(0, 3, TAGS.shape).astype("float64")
    right = outputs[0].argmax(-1) == TAGS
    assert scorer.score([TAGS], outputs, weights) == pytest.approx((right * weights).sum() / weights.sum())


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("metric", ["accuracy", "AUC"])
def test_weights_count_as_in_keras(library, metric):
    model = classifier(library, 1, "sigmoid")
    model.compile(loss="binary_crossentropy", weighted_metrics=[metric])
    weights = np.where(BITS, 3.0, 1.0)
    outputs = [model.predict(X, verbose=0)]
    scorer = resolve(model, None, [BITS], outputs)
    (expected,) = [value for key, value in evaluated(model, BITS, weights).items() if key != "loss"]
    assert scorer.score([BITS], outputs, weights) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_model_keeps_the_state_of_its_metrics(library):
    auc = library.metrics.AUC()
    model = classifier(library, 1, "sigmoid")
    model.compile(loss="binary_crossentropy", metrics=[auc])
    evaluated(model, BITS)
    before = float(auc.result())
    outputs = [model.predict(X, verbose=0)]
    scorer = resolve(model, None, [BITS], outputs)
    first = scorer.score([BITS], outputs)
    assert scorer.score([BITS], [1 - outputs[0]]) == pytest.approx(1 - first, abs=1e-3)
    assert scorer.score([BITS], outputs) == first
    assert float(auc.result()) == before


def two_outputs(library):
    library.utils.set_random_seed(1)
    layers = library.layers
    x = layers.Input((6,))
    model = library.Model(x, [layers.Dense(1, name="number")(x), layers.Dense(4, "softmax", name="kind")(x)])
    return model, [NUMBERS, CLASSES]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("metrics", "name", "output"),
    [
        ({"kind": "accuracy"}, "accuracy", 1),
        ({"kind": ["accuracy"], "number": "mse"}, "mse", 0),
        ([None, "accuracy"], "accuracy", 1),
        ([["mse"], ["accuracy"]], "mse", 0),
    ],
)
def test_several_outputs(library, metrics, name, output):
    model, labels = two_outputs(library)
    model.compile(loss={"number": "mae", "kind": "sparse_categorical_crossentropy"}, metrics=metrics)
    outputs = list(model.predict(X, verbose=0))
    expected = {
        "accuracy": np.mean(outputs[1].argmax(-1) == CLASSES),
        "mse": np.mean((outputs[0][:, 0] - NUMBERS) ** 2),
    }
    for given in (labels, {"kind": CLASSES, "number": NUMBERS}):
        scorer = resolve(model, None, given, outputs)
        assert scorer.metric.name == name
        assert scorer.score(given, outputs) == pytest.approx(expected[name], rel=1e-4)
        assert any(("kind", "number")[1 - output] in warning for warning in scorer.warnings)


def test_outputs_in_a_dict_are_in_the_order_of_their_keys():
    layers = keras.layers
    x = layers.Input((6,))
    model = keras.Model(x, {"b": layers.Dense(4, "softmax", name="b")(x), "a": layers.Dense(1, name="a")(x)})
    model.compile(loss={"a": "mse", "b": "sparse_categorical_crossentropy"}, metrics={"b": "accuracy"})
    labels = {"a": NUMBERS, "b": CLASSES}
    outputs = keras.tree.flatten(model.predict(X, verbose=0))
    scorer = resolve(model, None, labels, outputs)
    expected = model.evaluate(X, labels, verbose=0, return_dict=True)["b_accuracy"]
    assert scorer.score(labels, outputs) == pytest.approx(expected)


def test_labels_that_do_not_fit_the_outputs():
    model, labels = two_outputs(keras)
    model.compile(loss={"number": "mae", "kind": "sparse_categorical_crossentropy"}, metrics={"kind": "accuracy"})
    outputs = list(model.predict(X, verbose=0))
    with pytest.raises(InputError, match="labels for 3 outputs, the model has 2"):
        resolve(model, None, [*labels, NUMBERS], outputs)
    with pytest.raises(InputError, match=r"no labels for output 2.*named number, outputs named number, kind"):
        resolve(model, None, {"number": NUMBERS}, outputs)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_model_that_was_not_compiled(library):
    model = classifier(library)
    outputs = [np.asarray(model(X))]
    scorer = resolve(model, None, [CLASSES], outputs)
    assert scorer.metric.name == "sparse_categorical_accuracy"
    assert "compiled with no metric" in scorer.notes[0]


@pytest.mark.filterwarnings("ignore")  # Keras saves with what NumPy deprecates, and does not know its own optimizer
def test_a_model_read_from_a_file(tmp_path):
    model = classifier(keras, 1, "sigmoid")
    model.compile(loss="binary_crossentropy", metrics=["accuracy", keras.metrics.AUC()])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    outputs = [loaded.predict(X, verbose=0)]
    assert resolve(loaded, None, [BITS], outputs).metric.name == "accuracy"
