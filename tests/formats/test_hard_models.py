"""Models that plain converters refuse, or convert into something else without a word."""

from __future__ import annotations

import warnings

import keras
import ml_dtypes
import numpy as np
import pytest
import small_models
from keras import layers
from workbench import Workbench

import inferspeed_magic as im
from inferspeed_magic.discovery import runtimes
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.formats.agreement import TOLERANCES, relative_error
from inferspeed_magic.formats.routes import routes
from inferspeed_magic.sources.inputs import made_up

ROUNDING = 1e-4
BATCH = 3
RUNTIMES = ("litert", "onnxruntime", "openvino")


def exact_gelu_transformer():
    tokens = keras.Input((8,), dtype="int32")
    x = layers.Embedding(30, 16)(tokens)
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(2, 8)(y, y, use_causal_mask=True)])
        y = keras.ops.gelu(layers.Dense(32)(layers.LayerNormalization()(x)), approximate=False)
        x = layers.Add()([x, layers.Dense(16)(y)])
    return small_models.stirred(keras.Model(tokens, layers.Dense(3)(layers.GlobalAveragePooling1D()(x))))


def masked_transformer():
    tokens = keras.Input((8,), dtype="int32")
    x = layers.Embedding(4, 16, mask_zero=True)(tokens)
    x = layers.MultiHeadAttention(2, 8)(x, x)
    return small_models.stirred(keras.Model(tokens, layers.Dense(3)(layers.GlobalAveragePooling1D()(x))))


def compiled_convolutions():
    """Keras compiles these with XLA for itself, inside the model."""
    inputs = keras.Input((12, 12, 4))
    x = layers.Conv2D(8, 3, groups=2)(inputs)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x)
    x = layers.SeparableConv2D(6, 3, dilation_rate=2, padding="same")(x)
    x = layers.Conv2DTranspose(6, 3, strides=2, padding="same")(x)
    line = layers.Reshape((400, 6))(x)
    line = layers.SeparableConv1D(6, 3, strides=2)(layers.Conv1D(6, 3, groups=3)(line))
    line = layers.DepthwiseConv1D(3)(line)
    outputs = [layers.GlobalMaxPooling2D()(x), layers.GlobalAveragePooling1D()(line)]
    return small_models.stirred(keras.Model(inputs, outputs))


def captured_constants():
    """What an adapted layer has seen is no variable: it is captured while the model is traced."""
    normalization = layers.Normalization()
    normalization.adapt(np.random.default_rng(0).normal(3.0, 2.0, (100, 8, 8, 2)))
    given = layers.Normalization(mean=[1.0, -2.0, 0.5], variance=[4.0, 1.0, 0.2])
    parts = [layers.Rescaling(0.1), normalization, layers.Conv2D(3, 3), given, layers.Flatten(), layers.Dense(2)]
    return keras.Sequential([layers.Input((8, 8, 2)), *parts])


def batch_normalized():
    parts = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU(), layers.GlobalAveragePooling2D()]
    return small_models.stirred(
        keras.Sequential([layers.Input((8, 8, 2)), *parts, layers.Dense(3), layers.BatchNormalization()])
    )


def random_in_training():
    parts = [
        layers.RandomFlip(),
        layers.RandomRotation(0.2),
        layers.RandomZoom(0.2),
        layers.RandomTranslation(0.1, 0.1),
        layers.RandomContrast(0.3),
        layers.RandomBrightness(0.3),
        layers.Conv2D(4, 3),
        layers.GaussianNoise(0.5),
        layers.SpatialDropout2D(0.5),
        layers.Flatten(),
        layers.GaussianDropout(0.5),
        layers.AlphaDropout(0.5),
        layers.Dropout(0.5),
        layers.Dense(3),
    ]
    return keras.Sequential([layers.Input((8, 8, 3)), *parts])


def many_names():
    """Inputs and outputs whose names sort in another order than they were made in, and more than digits."""
    inputs = {name: keras.Input((3,), name=name) for name in (f"x{number}" for number in reversed(range(12)))}
    outputs = {f"y{number}": layers.Dense(2)(inputs[f"x{number}"]) for number in range(12)}
    outputs["all"] = layers.Dense(2)(layers.Concatenate()(list(inputs.values())))
    return small_models.stirred(keras.Model(inputs, outputs))


def decisions():
    """Outputs that are no floats."""
    inputs = keras.Input((6,))
    scores = layers.Dense(4)(inputs)
    outputs = [keras.ops.argmax(scores, axis=-1), scores > 0, keras.ops.any(scores > 1, axis=-1), scores]
    return small_models.stirred(keras.Model(inputs, outputs))


def in_policy(name, make):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        return make()
    finally:
        keras.config.set_dtype_policy(before)


def picture_model():
    parts = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.DepthwiseConv2D(3), layers.Flatten()]
    return small_models.stirred(
        keras.Sequential([layers.Input((8, 8, 2)), *parts, layers.Dense(3, activation="softmax")])
    )


def mixed_float16():
    return in_policy("mixed_float16", picture_model)


def mixed_bfloat16():
    return in_policy("mixed_bfloat16", picture_model)


def float64():
    return in_policy("float64", picture_model)


def one_layer_in_float16():
    dtypes = [None, "mixed_float16", "float64", None]
    parts = [layers.Dense(8, activation="tanh", dtype=dtype) for dtype in dtypes]
    return small_models.stirred(keras.Sequential([layers.Input((7,)), *parts]))


def recurrent_in_float16():
    return in_policy("mixed_float16", small_models.embedding_lstm)


def quantized(mode):
    tokens = keras.Input((6,), dtype="int32")
    x = layers.Embedding(30, 16)(tokens)
    x = layers.EinsumDense("abc,cd->abd", output_shape=(None, 16), bias_axes="d")(x)
    x = layers.Dense(16, activation="relu")(layers.GlobalAveragePooling1D()(x))
    model = small_models.stirred(keras.Model(tokens, layers.Dense(4)(x)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # for each layer without weights
        model.quantize(mode)
    return model


def int8():
    return quantized("int8")


def int4():
    return quantized("int4")


IN_FLOAT32 = (
    exact_gelu_transformer,
    masked_transformer,
    compiled_convolutions,
    captured_constants,
    batch_normalized,
    random_in_training,
    many_names,
    decisions,
)
#: What the file computes in, by runtime: float32 where the runtime or its converter lacks operators.
COMPUTES = {
    mixed_float16: {"litert": "float32", "onnxruntime": "float16", "openvino": "float16"},
    mixed_bfloat16: {"litert": "float32", "onnxruntime": "float32", "openvino": "float32"},
    float64: {"litert": "float32", "onnxruntime": "float32", "openvino": "float64"},
    one_layer_in_float16: {"litert": "float32", "onnxruntime": "float16", "openvino": "float16"},
    recurrent_in_float16: {"litert": "float32", "onnxruntime": "float16", "openvino": "float32"},
    int8: {"litert": "float32", "onnxruntime": "int8", "openvino": "int8"},
    int4: {"litert": "int4", "onnxruntime": "int4", "openvino": "int4"},
}


@pytest.fixture(scope="module")
def bench():
    with Workbench() as bench:
        yield bench


def opened(bench, make, runtime, route, given):
    artifact = bench.converter.submit(bench.source(make), route, len(given[0][0])).result()
    return artifact, bench.open(runtimes()[runtime], artifact.path, given).outputs


def inputs_of(source):
    return [made_up(source.signature, BATCH, seed) for seed in range(2)]


def deviation(outputs, expected):
    return max(relative_error(mine, theirs) for mine, theirs in zip(outputs, expected, strict=True))


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("make", IN_FLOAT32, ids=lambda make: make.__name__)
@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_the_best_route_answers_as_keras(bench, make, runtime, dynamic):
    source = bench.source(make)
    given = inputs_of(source)
    route, *_ = routes(source.kind, runtimes()[runtime].capabilities().formats[0], dynamic=dynamic)
    _, outputs = opened(bench, make, runtime, route, given)
    expected = source.answers(given)
    assert all(np.isfinite(output).all() for output in outputs[0])
    assert deviation(outputs, expected) <= ROUNDING
    assert [output.dtype.kind for output in outputs[0]] == [output.dtype.kind for output in expected[0]]


def test_inputs_and_outputs_keep_their_order(bench):
    """The comparison above would not see a model whose inputs and outputs are mixed up in the same way."""
    source = bench.source(many_names)
    assert [spec.name for spec in source.signature.inputs] == sorted(f"x{number}" for number in range(12))
    (given, _) = inputs_of(source)
    for runtime in RUNTIMES:
        route, *_ = routes(source.kind, runtimes()[runtime].capabilities().formats[0])
        _, (outputs,) = opened(bench, many_names, runtime, route, [given])
        named = dict(zip(["all", *(spec.name for spec in source.signature.inputs)], outputs, strict=True))
        for spec, array in zip(source.signature.inputs, given, strict=True):
            kernel, bias = next(layer for layer in source.model.layers if reads(layer, spec.name)).get_weights()
            np.testing.assert_allclose(named[spec.name], array @ kernel + bias, rtol=1e-4, atol=1e-4)


def reads(layer, name):
    """Whether this is the Dense layer of one input."""
    return isinstance(layer, layers.Dense) and layer.input.name == name


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("make", COMPUTES, ids=lambda make: make.__name__)
def test_other_precisions_are_kept_where_a_runtime_has_them(bench, make, runtime):
    source = bench.source(make)
    given = inputs_of(source)
    tolerance = TOLERANCES[source.precision]
    for route in routes(source.kind, runtimes()[runtime].capabilities().formats[0], lower=True):
        try:
            artifact, outputs = opened(bench, make, runtime, route, given)
        except WorkerError:
            continue
        if deviation(outputs, source.answers(given)) <= tolerance:
            assert (artifact.computes or source.precision) == COMPUTES[make][runtime]
            assert ("in float32" in artifact.route) == (artifact.computes == "float32")
            return
    pytest.fail("no route works")


def test_inputs_in_bfloat16_reach_what_takes_them_and_the_report_names_what_does_not():
    inputs = keras.Input((7,), dtype="bfloat16")
    x = layers.Dense(5, dtype="bfloat16")(inputs)
    model = small_models.stirred(
        keras.Model(inputs, [layers.Dense(3, dtype="float32")(x), keras.ops.reshape(inputs, (-1, 1, 7))])
    )
    given = np.linspace(-1, 1, 14).reshape(2, 7).astype(ml_dtypes.bfloat16)
    chosen = ["keras.call", "keras.compiled", *RUNTIMES]
    report = im.profile({"m": model}, inputs=given, runtimes=chosen, duration_s=0.02, progress=False)
    results = {result.runtime: result for result in report.results}
    assert results.pop("onnxruntime").reason.startswith("ONNX Runtime takes no arrays of bfloat16")
    assert {runtime: result.reason for runtime, result in results.items()} == dict.fromkeys(results)
    assert results["keras.call"].relative_error == 0.0


def test_the_report_says_what_a_file_computes_in():
    chosen = {make.__name__: make() for make in (mixed_bfloat16, int8)}
    report = im.profile(chosen, runtimes=RUNTIMES, duration_s=0.02, batch_in_file="static", progress=False)
    assert {result.status for result in report.results} == {"measured"}
    for result in report.results:
        expected = COMPUTES[globals()[result.model]][result.runtime]
        assert result.precision == expected
        assert ("in float32" in result.route) == (expected == "float32")
        refused = [note for note in result.notes if note.startswith("tried before: ")]
        assert bool(refused) == (expected == "float32")
