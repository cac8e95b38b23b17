"""Preprocessing inside a model: what files cannot hold stays in Keras, the rest is measured, and the report says so."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import small_models
from keras import layers
from workbench import Workbench

import inferspeed_magic as im
from inferspeed_magic.discovery import runtimes
from inferspeed_magic.formats.agreement import relative_error
from inferspeed_magic.formats.routes import routes
from inferspeed_magic.profiling.samples import Samples
from inferspeed_magic.sources.preprocessing import after_preprocessing
from inferspeed_magic.sources.quiet import quiet
from inferspeed_magic.sources.source import from_model

ROUNDING = 1e-4
RUNTIMES = ("litert", "onnxruntime", "openvino")
WORDS = ["fast", "slow", "model", "cell", "layer"]
TABLES = (layers.TextVectorization, layers.StringLookup, layers.IntegerLookup, layers.Hashing, layers.HashedCrossing)
TEXTS = np.array([["fast model"], ["slow slow cell"], ["unheard of"], ["layer cell model slow fast"], [""]])


def text_vectorization(**options):
    return layers.TextVectorization(vocabulary=WORDS, output_sequence_length=6, name="words", **options)


def texts():
    text = keras.Input((1,), dtype="string", name="text")
    tokens = text_vectorization()(text)
    x = layers.GlobalAveragePooling1D()(layers.Embedding(10, 4, mask_zero=True)(tokens))
    return small_models.stirred(keras.Model(text, layers.Dense(3)(x)))


def sequential_texts():
    parts = [text_vectorization(), layers.Embedding(10, 4, mask_zero=True), layers.LSTM(5), layers.Dense(3)]
    return small_models.stirred(keras.Sequential([layers.Input((1,), dtype="string"), *parts]))


def counted_texts():
    text = keras.Input((), dtype="string", name="text")
    counts = layers.TextVectorization(vocabulary=WORDS, output_mode="count", name="words")(text)
    return small_models.stirred(keras.Model(text, layers.Dense(3)(counts)))


def tabular():
    """Strings, codes and numbers by name, in an order that is not that of their names."""
    size = keras.Input((2,), name="size")
    colour = keras.Input((1,), dtype="string", name="colour")
    code = keras.Input((1,), dtype="int64", name="code")
    day = keras.Input((1,), dtype="int32", name="day")
    parts = [
        layers.Normalization(mean=[1.0, -1.0], variance=[4.0, 0.5], name="scaled")(size),
        layers.StringLookup(vocabulary=["red", "green"], output_mode="one_hot", name="colours")(colour),
        layers.CategoryEncoding(5, output_mode="one_hot")(
            layers.IntegerLookup(vocabulary=[7, 3, 99], name="codes")(code)
        ),
        layers.CategoryEncoding(7, output_mode="one_hot", name="days")(day),
        layers.Flatten()(layers.Embedding(6, 2)(layers.Hashing(6, name="hashed")(colour))),
    ]
    inputs = {"size": size, "colour": colour, "code": code, "day": day}
    return small_models.stirred(keras.Model(inputs, layers.Dense(3)(layers.Concatenate()(parts))))


TABULAR = {
    "size": np.array([[1.0, 2.0], [-3.0, 0.5], [0.25, -1.0], [8.0, 4.0], [-0.5, -2.0]], "float32"),
    "colour": np.array([["green"], ["red"], ["blue"], ["red"], ["green"]]),
    "code": np.array([[99], [7], [5], [3], [7]]),
    "day": np.array([[0], [6], [3], [1], [1]]),
}


def nested():
    """The table is in a model inside the model, which is used twice."""
    word = keras.Input((1,), dtype="string")
    looked_up = layers.StringLookup(vocabulary=WORDS, name="table")(word)
    encoder = keras.Model(word, layers.Flatten()(layers.Embedding(8, 4)(looked_up)), name="encoder")
    first, second = (keras.Input((1,), dtype="string", name=name) for name in ("first", "second"))
    both = layers.Concatenate()([encoder(first), encoder(second)])
    return small_models.stirred(keras.Model([first, second], layers.Dense(2)(both)))


def early_answer():
    """One of the outputs is what the table says."""
    word = keras.Input((1,), dtype="string", name="word")
    number = layers.StringLookup(vocabulary=WORDS, name="table")(word)
    return small_models.stirred(keras.Model(word, [number, layers.Dense(2)(layers.Embedding(8, 4)(number))]))


WORDS_GIVEN = np.array([["slow"], ["fast"], ["unheard"], ["cell"], ["fast"]])
#: What is cut off each model, and inputs for it.
CUT = {
    texts: ("words", TEXTS),
    sequential_texts: ("words", TEXTS),
    counted_texts: ("words", TEXTS[:, 0]),
    tabular: ("colours, codes, hashed", TABULAR),
    nested: ("encoder", [WORDS_GIVEN, WORDS_GIVEN[::-1]]),
    early_answer: ("table", WORDS_GIVEN),
}
EACH = pytest.mark.parametrize("make", CUT, ids=lambda make: make.__name__)


@pytest.fixture(scope="module")
def bench():
    with Workbench() as bench:
        yield bench


@pytest.fixture(scope="module")
def sources():
    """Return each model with inputs of its user's, and the part of it that is left for files."""
    found = {}
    for make, (_, inputs) in CUT.items():
        source = from_model(make.__name__, make(), "keras", inputs, None)
        found[make] = source, after_preprocessing(source)
    return found


def kinds_in(model):
    return {type(layer) for layer in model._flatten_layers()}


@EACH
def test_tables_are_cut_off_and_named(sources, make):
    source, part = sources[make]
    (note,) = part.notes
    assert note.startswith(f"without {CUT[make][0]}: files cannot hold strings and lookup tables")
    assert not kinds_in(part.model) & set(TABLES)
    assert not [spec for spec in part.signature.inputs if spec.dtype == "str"]
    assert source.notes == ()


def test_what_files_can_hold_stays(sources):
    _, part = sources[tabular]
    left = {layer.name for layer in part.model.layers}
    assert {"scaled", "days"} <= left
    assert {layers.Normalization, layers.CategoryEncoding, layers.Embedding, layers.Dense} <= kinds_in(part.model)
    assert len([layer for layer in part.model.layers if isinstance(layer, layers.CategoryEncoding)]) == 2


@EACH
def test_the_users_model_does_not_notice(make, tmp_path):
    model = make()
    before = model.get_config(), [layer.output for layer in model.layers if not isinstance(layer, keras.Model)]
    assert after_preprocessing(from_model("m", model, "keras", CUT[make][1], None)) is not None
    after = model.get_config(), [layer.output for layer in model.layers if not isinstance(layer, keras.Model)]
    assert str(before) == str(after)
    with quiet():
        model.save(tmp_path / "model.keras")


@EACH
def test_the_part_answers_as_the_whole(sources, make):
    source, part = sources[make]
    for seed in range(2):
        mine, whole = part.samples(4, seed), source.samples(4, seed)
        assert relative_error(part.outputs(mine), source.outputs(whole)) <= 1e-6


@EACH
def test_made_up_inputs_are_real_ones_for_the_table(make):
    source = from_model(make.__name__, make(), "keras", None, None)
    part = after_preprocessing(source)
    (array, *_) = part.samples(50, seed=0)
    assert len(np.unique(array)) > 2, "words that no table knows are all the same"


def test_what_the_user_gives_reaches_the_part(sources, tmp_path):
    (_, words), (_, table) = sources[texts], sources[tabular]
    samples = Samples(tmp_path, 0)
    _, (batch, *_) = samples.inputs(words, 5)
    np.testing.assert_array_equal(
        batch[0],
        [[2, 4, 0, 0, 0, 0], [3, 3, 5, 0, 0, 0], [1, 1, 0, 0, 0, 0], [6, 5, 4, 3, 2, 0], [0, 0, 0, 0, 0, 0]],
    )
    _, (batch, *_) = samples.inputs(table, 5)
    named = {spec.name: array for spec, array in zip(table.signature.inputs, batch, strict=True)}
    np.testing.assert_array_equal(named["size"], TABULAR["size"])
    np.testing.assert_array_equal(named["day"], TABULAR["day"])
    one_hot = [array for array in batch if array.shape == (5, 3)]
    np.testing.assert_array_equal(one_hot[0], np.eye(3)[[2, 1, 0, 1, 2]])
    indices = [array.ravel().tolist() for array in batch if array.dtype.kind == "i"]
    assert [3, 1, 0, 2, 1] in indices


@pytest.mark.parametrize("runtime", RUNTIMES)
@EACH
def test_files_of_the_part_answer_as_the_whole_model(bench, sources, make, runtime):
    source, part = sources[make]
    route, *_ = routes("keras", runtimes()[runtime].capabilities().formats[0])
    path = bench.converter.submit(part, route, 5).result().path
    answers = bench.open(runtimes()[runtime], path, [part.samples(5, 0)]).outputs
    assert relative_error(answers[0], source.outputs(source.samples(5, 0))) <= ROUNDING


def kept():
    """Preprocessing that files can hold."""
    picture = keras.Input((10, 10, 3), dtype="uint8", name="picture")
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(layers.Resizing(6, 6)(picture))
    x = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5])(layers.CenterCrop(5, 5)(x))
    day = keras.Input((1,), dtype="int32", name="day")
    size = keras.Input((1,), name="size")
    ranges = layers.Discretization(bin_boundaries=[-1.0, 0.0, 0.5, 1.0])(size)
    parts = [
        layers.Flatten()(layers.Conv2D(2, 3)(x)),
        layers.CategoryEncoding(7, output_mode="multi_hot")(day),
        layers.CategoryEncoding(5, output_mode="one_hot")(ranges),
    ]
    outputs = layers.Dense(2)(layers.Concatenate()(parts))
    return keras.Model({"picture": picture, "day": day, "size": size}, outputs)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_preprocessing_that_files_can_hold_is_kept(bench, runtime):
    source = bench.source(kept)
    assert after_preprocessing(source) is None
    route, *_ = routes("keras", runtimes()[runtime].capabilities().formats[0])
    given = [source.samples(3, seed) for seed in range(2)]
    opened = bench.open(runtimes()[runtime], bench.converter.submit(source, route, 3).result().path, given)
    for outputs, expected in zip(opened.outputs, source.answers(given, traced=True), strict=True):
        assert relative_error(outputs, expected) <= ROUNDING


def test_pictures_are_rounded_or_not_as_in_keras_itself(tmp_path):
    """Called layer by layer it keeps resized pictures in integers, in a graph (``predict``) it does not."""
    source, samples = from_model("m", kept(), "keras", None, None), Samples(tmp_path, 0)
    batches = samples.inputs(source, 4)[1][:2]
    rounded, exact = source.answers(batches), source.answers(batches, traced=True)
    assert relative_error(rounded[0], exact[0]) > 1e-3
    assert samples.error(source, 4, rounded) == 0
    assert samples.error(source, 4, exact) == 0
    assert samples.error(source, 4, [[output * 1.01] for (output,) in exact]) > 1e-3


def test_pictures_are_no_categories():
    """Their integers go up to 255, whatever the categories beside them."""
    picture = np.full((2, 10, 10, 3), 255, "uint8")
    given = {"picture": picture, "day": np.array([[0], [6]]), "size": np.array([[0.5], [2.0]])}
    assert from_model("m", kept(), "keras", given, None).given[1].max() == 255
    made = dict(zip(["day", "picture"], from_model("m", kept(), "keras", None, None).samples(8, 0), strict=False))
    assert made["picture"].max() > 200
    assert made["day"].max() < 7


def test_models_without_preprocessing_are_left_alone():
    for make in small_models.EVERY:
        model = make()
        kind = "tf_keras" if make is small_models.in_tf_keras else "keras"
        assert after_preprocessing(from_model(make.__name__, model, kind, None, None)) is None


class Inseparable(keras.Model):
    """Nobody can see from outside where its table ends."""

    def __init__(self):
        super().__init__()
        self.table = layers.StringLookup(vocabulary=WORDS)
        self.embedding = layers.Embedding(8, 4)
        self.last = layers.Dense(2)

    def call(self, words):
        return self.last(self.embedding(self.table(words)))


def named_answer():
    """Its answer is a string."""
    inputs = keras.Input((3,))
    number = keras.ops.argmax(layers.Dense(len(WORDS) + 1)(inputs), axis=-1)
    return keras.Model(inputs, layers.StringLookup(vocabulary=WORDS, invert=True)(number))


def test_the_report_shows_what_was_cut_off_and_what_could_not_be():
    inseparable = Inseparable()
    inseparable(WORDS_GIVEN)
    models = {"cut": tabular(), "inseparable": inseparable, "named": named_answer()}
    numbers = np.eye(3, dtype="float32")
    inputs = {"cut": TABULAR, "inseparable": WORDS_GIVEN, "named": numbers}
    chosen = ["keras.call", *RUNTIMES]
    report = im.profile(models, inputs=inputs, runtimes=chosen, duration_s=0.02, batch_in_file="static", progress=False)
    results = {(result.model, result.runtime): result for result in report.results}
    assert len(results) == len(models) * len(chosen)
    assert {results[model, "keras.call"].status for model in models} == {"measured"}
    assert not results["cut", "keras.call"].notes
    for runtime in RUNTIMES:
        assert results["cut", runtime].status == "measured"
        assert "without colours, codes, hashed" in results["cut", runtime].notes[0]
        for model in ("inseparable", "named"):
            assert results[model, runtime].status in {"failed", "unsupported"}
            assert results[model, runtime].reason
            assert not results[model, runtime].notes
