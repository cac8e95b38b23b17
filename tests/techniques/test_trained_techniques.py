"""What is lost without training comes back with it: zeros, clusters and int8 that a model learned with."""

import json
import time
from pathlib import Path

import keras
import lessons
import numpy as np
import pytest

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.sources.portable import read
from inferspeed_magic.techniques import (
    aware_quantizer,
    channel_pruner,
    clustering_trainer,
    magnitude_pruner,
    pruning_trainer,
    weight_clusterer,
)
from inferspeed_magic.techniques.clusters import distinct
from inferspeed_magic.techniques.kernels import kernels_of
from inferspeed_magic.techniques.masks import mask_of, sparsity_of

#: Of what tensorflow-model-optimization imports, and of Keras where it saves models.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning"),
]

NOTHING = {"state": {}, "batch_size": None, "inputs": []}


@pytest.fixture(scope="module")
def model():
    return lessons.taught()


@pytest.fixture(scope="module")
def source(model, tmp_path_factory):
    return lessons.folder_of(model, tmp_path_factory.mktemp("corners") / "model")


def prune(source, target, **settings):
    options = {"sparsity_percent": 80, "pattern": "unstructured"} | settings
    step = pruning_trainer if options.get("lesson") else magnitude_pruner
    step.prune(**NOTHING, source=source, target=str(target), **options)
    return [variable.numpy() for _, variable in kernels_of(read(str(target)).model)]


def epochs(lesson):
    return [json.loads(line) for line in (Path(lesson) / "epochs.jsonl").read_text().splitlines()]


def test_one_shot_zeros_every_kernel(source, tmp_path):
    kernels = prune(source, tmp_path / "pruned")
    assert len(kernels) == 4
    assert all(sparsity_of([each]) == pytest.approx(0.8, abs=0.01) for each in kernels)


@pytest.mark.parametrize("sparsity", [80, 90])
def test_pruning_while_it_learns_loses_less(source, tmp_path, sparsity):
    prune(source, tmp_path / "at_once", sparsity_percent=sparsity)
    lesson = lessons.lesson_in(tmp_path / "lesson", epochs=6)
    kernels = prune(source, tmp_path / "learned", sparsity_percent=sparsity, lesson=lesson)
    assert all(sparsity_of([each]) == pytest.approx(sparsity / 100, abs=0.01) for each in kernels)
    assert lessons.accuracy_of(tmp_path / "learned") > lessons.accuracy_of(tmp_path / "at_once") + 0.05
    assert len(epochs(lesson)) >= 4
    assert set(epochs(lesson)[0]) >= {"epoch", "loss", "check_loss", "elapsed_s"}


def test_it_goes_through_tfmot(source, tmp_path, monkeypatch):
    """And not by masks of our own, where the model has a twin."""
    monkeypatch.setattr(pruning_trainer, "learn", None)
    prune(source, tmp_path / "pruned", lesson=lessons.lesson_in(tmp_path / "lesson", epochs=1))


@pytest.mark.parametrize("pattern", ["two_in_four", "blocks"])
def test_patterns_hold_after_training(source, tmp_path, pattern):
    lesson = lessons.lesson_in(tmp_path / "lesson", epochs=2)
    kernels = prune(source, tmp_path / "pruned", sparsity_percent=50, pattern=pattern, lesson=lesson)
    for each in kernels:
        np.testing.assert_array_equal(each * mask_of(each, 0.5, pattern), each)
    assert max(map(sparsity_of, [[each] for each in kernels])) == pytest.approx(0.5, abs=0.01)


def test_custom_layers_are_trained_with_masks_of_our_own(tmp_path):
    source = lessons.folder_of(lessons.taught(own=True), tmp_path / "model")
    lesson = lessons.lesson_in(tmp_path / "lesson")
    prune(source, tmp_path / "at_once", sparsity_percent=90)
    kernels = prune(source, tmp_path / "learned", sparsity_percent=90, lesson=lesson)
    assert all(sparsity_of([each]) == pytest.approx(0.9, abs=0.01) for each in kernels)
    assert lessons.accuracy_of(tmp_path / "learned") > lessons.accuracy_of(tmp_path / "at_once") + 0.05


def fine_tune(model):
    x, y = lessons.pictures(lessons.SAMPLES, 0)
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=2, verbose=0)


def test_the_users_own_training_keeps_zeros(source, tmp_path):
    prune(source, tmp_path / "at_once", sparsity_percent=90)
    lesson = lessons.lesson_in(tmp_path / "lesson", fine_tune=fine_tune)
    kernels = prune(source, tmp_path / "learned", sparsity_percent=90, lesson=lesson)
    assert all(sparsity_of([each]) == pytest.approx(0.9, abs=0.01) for each in kernels)
    assert lessons.accuracy_of(tmp_path / "learned") > lessons.accuracy_of(tmp_path / "at_once") + 0.05


def test_the_users_own_training_keeps_clusters(source, tmp_path):
    cluster(source, tmp_path / "at_once", 3)
    kernels = cluster(source, tmp_path / "learned", 3, lessons.lesson_in(tmp_path / "lesson", fine_tune=fine_tune))
    assert all(distinct(each) <= 3 for each in kernels)
    assert lessons.accuracy_of(tmp_path / "learned") > lessons.accuracy_of(tmp_path / "at_once") + 0.02


def test_what_a_failed_way_took_is_not_there_for_the_next(source, tmp_path, monkeypatch):
    seen = []

    def fails(*_):
        time.sleep(0.5)
        raise RuntimeError("tfmot tripped")

    def train(found, taught, *_, **__):
        seen.append(taught.limit_s)
        return found.model

    monkeypatch.setattr(pruning_trainer, "_train_twin", fails)
    monkeypatch.setattr(pruning_trainer, "_train", train)
    for place, limit_s in enumerate((60.0, 0.2)):
        prune(source, tmp_path / f"out_{place}", lesson=lessons.lesson_in(tmp_path / str(place), limit_s=limit_s))
    assert 50 < seen[0] <= 59.5
    assert seen[1] == 0.0


def test_ranges_follow_however_few_steps_there_are():
    """They begin at -6 and 6, and nobody knows beforehand how long training will go on."""
    import tensorflow as tf
    from tensorflow_model_optimization.python.core.quantization.keras import quant_ops

    for steps in (10, 100, 1000):
        assert np.prod([aware_quantizer.decay_after(step) for step in range(1, steps + 1)]) < 0.002
    assert aware_quantizer.decay_after(100_000) == 0.999
    low, high = tf.Variable(-6.0), tf.Variable(6.0)
    with aware_quantizer._ranges_that_follow() as following:

        @tf.function
        def step():
            return quant_ops.MovingAvgQuantize(tf.constant([-0.5, 0.25]), low, high)

        following.on_train_begin()
        for batch in range(20):
            following.on_train_batch_begin(batch)
            step()
    np.testing.assert_allclose([low.numpy(), high.numpy()], [-0.5, 0.25], atol=0.01)


def penalized():
    """A model whose layers add to the loss: what one of them answers costs something."""
    model = keras.Sequential(
        [
            keras.Input(lessons.SHAPE),
            keras.layers.Conv2D(8, 3, activation="relu", activity_regularizer="l2", kernel_regularizer="l2"),
            keras.layers.Flatten(),
            keras.layers.ActivityRegularization(l1=1e-4),
            keras.layers.Dense(32, activation="relu", activity_regularizer="l1"),
            keras.layers.Dense(lessons.CLASSES, activation="softmax"),
        ],
        name="penalized",
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(*lessons.pictures(64, 0), verbose=0)
    return model


def test_penalties_on_activations_stand_in_nobodys_way(tmp_path, monkeypatch):
    source = lessons.folder_of(penalized(), tmp_path / "model")
    monkeypatch.setattr(pruning_trainer, "learn", None)  # through tfmot, like the others
    prune(source, tmp_path / "pruned", lesson=lessons.lesson_in(tmp_path / "prune", epochs=1))
    cluster(source, tmp_path / "clustered", 8, lessons.lesson_in(tmp_path / "cluster", epochs=1))
    quantize(source, tmp_path / "model.tflite", lessons.lesson_in(tmp_path / "quantize", epochs=1))
    for each in ("prune", "cluster", "quantize"):
        assert epochs(tmp_path / each)


def test_time_is_kept(source, tmp_path):
    lesson = lessons.lesson_in(tmp_path / "lesson", epochs=1000, limit_s=4.0)
    kernels = prune(source, tmp_path / "pruned", lesson=lesson)
    assert len(epochs(lesson)) < 500
    # And the zeros are there all the same.
    assert all(sparsity_of([each]) == pytest.approx(0.8, abs=0.01) for each in kernels)


def cluster(source, target, clusters, lesson=None):
    taught = {"lesson": lesson} if lesson else {}
    step = clustering_trainer if lesson else weight_clusterer
    step.cluster(**NOTHING, source=source, target=str(target), clusters=clusters, **taught)
    return [variable.numpy() for _, variable in kernels_of(read(str(target)).model)]


def test_clusters_that_learn_lose_less(source, tmp_path):
    cluster(source, tmp_path / "at_once", 3)
    kernels = cluster(source, tmp_path / "learned", 3, lessons.lesson_in(tmp_path / "lesson"))
    assert all(distinct(each) <= 3 for each in kernels)
    assert lessons.accuracy_of(tmp_path / "learned") > lessons.accuracy_of(tmp_path / "at_once")


def test_clusters_at_once(source, tmp_path, model):
    kernels = cluster(source, tmp_path / "clustered", 32)
    assert all(distinct(each) <= 32 for each in kernels)
    was = lessons.accuracy(lambda x: model.predict(x, verbose=0))
    assert lessons.accuracy_of(tmp_path / "clustered") > was - 0.03


def quantize(source, target, lesson, preserve="nothing", batch_size=None):
    options = {**NOTHING, "batch_size": batch_size, "preserve": preserve, "lesson": lesson}
    aware_quantizer.train(source=source, target=str(target), **options)
    import tensorflow as tf

    # Delegates take weights away, and these tests look at them.
    plain = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return tf.lite.Interpreter(model_path=str(target), experimental_op_resolver_type=plain)


def answers_of(interpreter, x):
    (given,), (seen,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert given["dtype"] == seen["dtype"] == np.float32
    interpreter.resize_tensor_input(given["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(seen["index"])


@pytest.mark.parametrize("preserve", ["nothing", "zeros", "clusters", "both"])
def test_int8_that_a_model_learned_with(source, model, tmp_path, preserve):
    lesson = lessons.lesson_in(tmp_path / "lesson")
    interpreter = quantize(source, tmp_path / "model.tflite", lesson, preserve)
    was = lessons.accuracy(lambda x: model.predict(x, verbose=0))
    assert lessons.accuracy(lambda x: answers_of(interpreter, x)) > was - 0.05
    interpreter.allocate_tensors()
    kernels = [
        interpreter.get_tensor(each["index"])
        for each in interpreter.get_tensor_details()
        if each["dtype"] == np.int8 and len(each["shape"]) in (2, 4) and each["shape"][0] in (16, 64)
    ]
    assert len(kernels) >= 2
    if preserve in ("zeros", "both"):
        assert sparsity_of(kernels) > 0.45
    if preserve in ("clusters", "both"):
        assert distinct(max(kernels, key=np.size)) <= 16
    assert len(epochs(lesson)) >= 1


def test_layers_that_tfmot_does_not_know_stay_float(tmp_path):
    entrance = keras.Input(lessons.SHAPE)
    x = keras.layers.Conv2D(8, 3, activation="hard_silu")(keras.layers.Rescaling(0.5)(entrance))
    x = keras.layers.Activation("hard_silu")(x)
    x = keras.layers.SeparableConv2D(16, 3, activation="silu")(x)
    x = keras.layers.BatchNormalization()(keras.layers.LayerNormalization()(x))
    model = keras.Model(entrance, keras.layers.Dense(4)(keras.layers.Flatten()(x)), name="odd")
    source = lessons.folder_of(model, tmp_path / "model")
    lesson = lessons.lesson_in(tmp_path / "lesson", labels=None, check_labels=None, loss=None, epochs=6)
    interpreter = quantize(source, tmp_path / "model.tflite", lesson)
    x, _ = lessons.pictures(8, 3)
    # What it learned of random answers says little: it answers, and both kinds of layers are in the file.
    assert np.isfinite(answers_of(interpreter, x)).all()
    kinds = [each["dtype"] for each in interpreter.get_tensor_details() if len(each["shape"]) == len(lessons.SHAPE) + 1]
    assert kinds.count(np.float32) > 1
    assert kinds.count(np.int8) > 1


def test_a_file_for_one_batch_size_has_it(source, tmp_path):
    lesson = lessons.lesson_in(tmp_path / "lesson", epochs=1)
    interpreter = quantize(source, tmp_path / "model.tflite", lesson, batch_size=3)
    assert list(interpreter.get_input_details()[0]["shape"]) == [3, *lessons.SHAPE]


def test_answers_of_the_original_are_learned_without_labels(source, tmp_path):
    lesson = lessons.lesson_in(tmp_path / "lesson", labels=None, check_labels=None, loss=None, epochs=8)
    prune(source, tmp_path / "at_once", sparsity_percent=90)
    prune(source, tmp_path / "learned", sparsity_percent=90, lesson=lesson)
    assert lessons.accuracy_of(tmp_path / "learned") > lessons.accuracy_of(tmp_path / "at_once") + 0.05


def test_several_inputs_outputs_and_losses(tmp_path):
    """As the user compiled them: by name, weighted, one of them of the user's own."""
    left, right = keras.Input((8,), name="right"), keras.Input((8,), name="left")
    x = keras.layers.Concatenate()([left, right])
    x = keras.layers.Dense(32, activation="relu")(x)
    outputs = {"number": keras.layers.Dense(1, name="number")(x), "kind": keras.layers.Dense(3, name="kind")(x)}
    source = lessons.folder_of(keras.Model([left, right], outputs, name="two"), tmp_path / "model")
    draw = np.random.default_rng(0)
    lesson = lessons.lesson_in(
        tmp_path / "lesson",
        inputs=[draw.standard_normal((64, 8)).astype("float32") for _ in range(2)],
        labels={"number": draw.standard_normal((64, 1)), "kind": draw.integers(0, 3, 64)},
        check_inputs=[],
        check_labels=None,
        epochs=2,
        loss={"number": own_loss, "kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True)},
        loss_weights={"number": 0.5, "kind": 2.0},
    )
    pruning_trainer.prune(
        **NOTHING,
        source=source,
        target=str(tmp_path / "out"),
        sparsity_percent=50,
        pattern="unstructured",
        lesson=lesson,
    )
    assert len(epochs(lesson)) == 2
    interpreter = quantize(source, tmp_path / "model.tflite", lesson)
    assert len(interpreter.get_output_details()) == 2


def own_loss(expected, seen):
    return keras.ops.mean(keras.ops.abs(expected - seen), axis=-1)


def test_without_samples_there_is_no_aware_training(source, tmp_path):
    with pytest.raises(UnsupportedError, match="learns from samples"):
        quantize(source, tmp_path / "model.tflite", None)


def test_custom_layers_cannot_learn_with_int8(tmp_path):
    source = lessons.folder_of(lessons.taught(own=True), tmp_path / "model")
    with pytest.raises(UnsupportedError, match=r"\(Own\) is of your own making"):
        quantize(source, tmp_path / "model.tflite", lessons.lesson_in(tmp_path / "lesson"))


def test_a_model_without_kernels_is_left_alone(tmp_path):
    tiny = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    source = lessons.folder_of(tiny, tmp_path / "model")
    with pytest.raises(UnsupportedError, match="no layer has a kernel of at least 64 weights"):
        prune(source, tmp_path / "pruned")
    with pytest.raises(UnsupportedError, match="no layer has a kernel of at least 64 weights"):
        cluster(source, tmp_path / "clustered", 16)


def test_channels_go_even_where_layers_are_as_narrow_as_kernels_like(source, tmp_path):
    """In multiples of 16 nothing goes of two layers of 16; the second time, nothing goes of what is left in 8s."""
    lesson = lessons.lesson_in(tmp_path / "lesson", epochs=1)
    channel_pruner.remove(
        **NOTHING,
        source=source,
        target=str(tmp_path / "narrow"),
        sparsity_percent=80,
        multiple_of=16,
        lesson=lesson,
    )
    left = {layer.name: layer for layer in read(str(tmp_path / "narrow")).model.layers}
    widths = [getattr(layer, "filters", getattr(layer, "units", 0)) for layer in left.values()]
    assert sum(widths) < 0.5 * (16 + 16 + 64 + lessons.CLASSES)
    assert len(epochs(lesson)) == 3  # one stage after the other
