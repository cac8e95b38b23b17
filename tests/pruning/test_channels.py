"""Channels that are removed: what is left answers as before where nothing that mattered has gone."""

from __future__ import annotations

import os
import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops
from random_graphs import drawn

from inferspeed_magic.errors import OptionError, UnsupportedError
from inferspeed_magic.pruning import channel_groups, prune
from inferspeed_magic.pruning.rebuilding import rebuilt
from inferspeed_magic.pruning.tracing import Trace

GRAPHS = range(int(os.environ.get("INFERSPEED_MAGIC_RANDOM_GRAPHS", "40")))
pytestmark = pytest.mark.filterwarnings(
    "ignore:Layer .* mask attached",
    "ignore:You are using a softmax over axis",
    "ignore:__array__ implementation",  # of Keras, while it saves
)


def filled(model, seed=0):
    """Give every weight a number of its own: fresh biases are zero, and hide what is forgotten."""
    draw = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.dtype.startswith("float"):
            weight.assign(
                np.abs(draw.normal(0.3, 0.2, weight.shape)) + 0.01
                if "variance" in weight.path
                else draw.normal(0.0, 0.3, weight.shape)
            )
    return model


def values(tensor):
    return tensor.numpy()


def inputs_of(model, batch=3):
    draw = np.random.default_rng(1)
    made = []
    for tensor in model.inputs:
        shape = tuple(size or 5 for size in (batch, *tensor.shape[1:]))
        whole = not str(tensor.dtype).startswith("float")
        made.append(
            draw.integers(0, 5, shape).astype(tensor.dtype) if whole else draw.normal(size=shape).astype("float32")
        )
    return made if len(made) > 1 else made[0]


def answers(model, x):
    return [values(each) for each in keras.tree.flatten(model(x, training=False))]


def without_units_that_do_nothing(model, share=0.4, seed=0):
    """Silence some units, and remove them: give the model before, the one after, and how many went."""
    trace = Trace(model, keras)
    units = sorted(
        {
            unit
            for layer in trace.layers
            for path, channels in trace.passages[id(layer)].sizes.items()
            for unit in trace.units.roots(channels).tolist()
            if path[0] != "target_shape" and trace.units.reason(unit) is None
        }
    )
    draw = np.random.default_rng(seed)
    chosen = {unit for unit in units if draw.random() < share}
    # Of every layer one has to stay.
    for layer in trace.layers:
        for channels in trace.passages[id(layer)].sizes.values():
            roots = trace.units.roots(channels).tolist()
            if set(roots) <= chosen:
                chosen.discard(roots[0])
    for layer in trace.layers:
        for each in trace.passages[id(layer)].slices:
            array = np.array(values(each.weight))
            gone = np.isin(trace.units.roots(each.channels), list(chosen))
            index = [slice(None)] * array.ndim
            index[each.axis] = gone
            array[tuple(index)] = 0
            each.weight.assign(array)
    return rebuilt(model, trace, chosen, keras), len(chosen)


def check(model):
    model = filled(model)
    smaller, gone = without_units_that_do_nothing(model)
    x = inputs_of(model)
    for before, after in zip(answers(model, x), answers(smaller, x), strict=True):
        np.testing.assert_allclose(after, before, rtol=2e-4, atol=2e-4 * max(1.0, np.abs(before).max()))
    if gone:
        assert smaller.count_params() < model.count_params()
    return gone, smaller


def test_random_graphs_answer_as_before():
    gone = {seed: check(drawn(seed))[0] for seed in GRAPHS}
    assert sum(count > 0 for count in gone.values()) > len(gone) / 3


def image(side=12, channels=3):
    return keras.Input((side, side, channels))


def residual():
    x = image()
    y = layers.Conv2D(16, 3, padding="same", use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    z = layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same")(y))
    z = layers.Add()([y, layers.Conv2D(16, 3, padding="same", activation="relu")(z)])
    return keras.Model(x, layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling2D()(z)))


def squeezed_and_excited():
    x = image()
    y = layers.DepthwiseConv2D(3, depth_multiplier=2)(layers.Conv2D(12, 3, activation="swish")(x))
    s = layers.Reshape((1, 1, 24))(layers.GlobalAveragePooling2D()(y))
    s = layers.Conv2D(24, 1, activation="sigmoid")(layers.Conv2D(6, 1, activation="relu")(s))
    y = layers.SeparableConv2D(10, 3)(layers.Multiply()([y, s]))
    return keras.Model(x, layers.Dense(3)(layers.Flatten()(y)))


def concatenated():
    x = image()
    a = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    b = layers.Conv2D(6, 1)(a)
    c = layers.BatchNormalization()(layers.Concatenate()([a, b]))
    d = layers.Conv2DTranspose(14, 2, strides=2)(c)
    e = layers.UpSampling2D()(c)
    return keras.Model(x, layers.Conv2D(2, 1)(layers.Add()([d, e])))


def sequences():
    x = keras.Input((9,), dtype="int32")
    y = layers.Embedding(20, 12)(x)
    y = layers.Bidirectional(layers.LSTM(8, return_sequences=True))(y)
    y = layers.GRU(10, return_sequences=True)(layers.Dropout(0.3)(y))
    y = layers.TimeDistributed(layers.Dense(7, activation="tanh"))(y)
    return keras.Model(x, layers.Dense(2)(layers.SimpleRNN(6)(y)))


def attention():
    x = keras.Input((7, 10))
    y = layers.Dense(16)(x)
    z = layers.MultiHeadAttention(4, 5)(y, y)
    y = layers.Add()([y, z])
    z = layers.Dense(32, activation="gelu")(y)
    y = layers.Add()([y, layers.Dense(16)(z)])
    return keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling1D()(y)))


def shared_and_nested():
    inner = keras.Sequential([keras.Input((10,)), layers.Dense(12, activation="relu"), layers.Dense(8)], name="inner")
    one, two = keras.Input((6,)), keras.Input((6,))
    first = layers.Dense(10, activation="relu")
    both = [inner(first(one)), inner(first(two))]
    return keras.Model([one, two], layers.Dense(2)(layers.Concatenate()([*both, layers.Subtract()(both)])))


def operations():
    x = keras.Input((8,))
    y = layers.Dense(9)(x)
    y = ops.relu(y * 2.0 + layers.Dense(9, activation="sigmoid")(x))
    return keras.Model(x, layers.Dense(3)(y))


def attention_alone():
    x = keras.Input((7, 16))
    y = layers.MultiHeadAttention(4, 5)(x, x)
    return keras.Model(x, layers.Dense(3)(layers.Flatten()(y)))


def towers():
    """Models inside the model, whose layers have the same names, and one with two inputs that are called by name."""

    def tower(name):
        return keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu", name="fc")], name=name)

    a, b = keras.Input((8,), name="a"), keras.Input((9,), name="b")
    both = keras.Model([b, a], layers.Dense(7, name="fc")(layers.Concatenate()([layers.Dense(9)(a), b])), name="both")
    one, two = keras.Input((6,)), keras.Input((6,))
    met = both({"b": layers.Dense(9)(tower("left")(one)), "a": tower("right")(two)})
    return keras.Model([one, two], layers.Dense(2)(met))


def started():
    """A recurrent layer that is called twice, once from a state of the user's own."""
    x, start = keras.Input((5, 4)), keras.Input((3,))
    shared = layers.LSTM(8)
    first = shared(x)
    second = shared(layers.Dense(4)(x), initial_state=[layers.Dense(8)(start), layers.Dense(8)(start)])
    return keras.Model([x, start], layers.Dense(2)(layers.Add()([first, second])))


MODELS = (
    attention_alone,
    towers,
    residual,
    squeezed_and_excited,
    concatenated,
    sequences,
    attention,
    shared_and_nested,
    operations,
)


@pytest.mark.parametrize("make", MODELS)
def test_units_that_do_nothing_can_go(make):
    gone, smaller = check(make())
    assert gone > 2
    for layer, was in zip(smaller.layers, make().layers, strict=True):
        assert type(layer) is type(was)


@pytest.mark.parametrize("make", MODELS)
def test_half_of_the_units_go_and_the_given_model_stays(make, tmp_path):
    model = filled(make())
    x, weights = inputs_of(model), [np.array(values(each)) for each in model.weights]
    smaller = prune(model, 0.5)
    assert smaller.count_params() < 0.75 * model.count_params()
    assert all(np.array_equal(was, values(now)) for was, now in zip(weights, model.weights, strict=True))
    assert [each.shape for each in answers(smaller, x)] == [each.shape for each in answers(model, x)]
    smaller.save(tmp_path / "smaller.keras")
    again = keras.models.load_model(tmp_path / "smaller.keras")
    for one, other in zip(answers(smaller, x), answers(again, x), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_what_cannot_shrink_says_why():
    x = keras.Input((6, 8))
    y = layers.LayerNormalization(name="norm")(layers.Dense(16, name="before")(x))
    model = keras.Model(x, layers.Dense(4, name="after")(layers.Dense(12, name="free")(y)))
    groups = {group.layers: group for group in channel_groups(model)}
    assert groups["before",].free == 0
    assert groups["before",].reason == (
        "it goes into norm (LayerNormalization): its statistics are over all channels, so that each depends on the "
        "others"
    )
    assert (groups["free",].width, groups["free",].free, groups["free",].reason) == (12, 12, "")
    assert groups["after",].reason == "it is an output of the model"


def test_a_layer_of_the_users_own_keeps_its_channels():
    @keras.saving.register_keras_serializable("tests")
    class Mystery(layers.Layer):
        def call(self, x):
            return ops.flip(x, axis=-1)

    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(8, name="a"), Mystery(name="own"), layers.Dense(3, name="b")]
    )
    (first, _) = channel_groups(model)
    assert first.reason == "it goes into own (Mystery): nothing says what it does with channels"
    with pytest.raises(UnsupportedError, match="nothing can be removed"):
        prune(model, 0.5)


def test_channels_that_meet_go_together():
    groups = [group for group in channel_groups(residual()) if not group.reason]
    assert sorted(len(group.layers) for group in groups) == [1, 2]
    assert all(group.width == group.free == 16 for group in groups)


def test_the_least_go_first():
    model = filled(keras.Sequential([keras.Input((5,)), layers.Dense(8), layers.Dense(3)]))
    kernel, bias = model.layers[0].get_weights()
    kernel[:, [1, 4, 6]] *= 1e-3
    model.layers[0].set_weights([kernel, bias])
    reading, other = model.layers[1].get_weights()
    reading[[1, 4, 6]] *= 1e-3
    model.layers[1].set_weights([reading, other])
    (smaller,) = (prune(model, 3 / 8, importance=kind).layers[0] for kind in ("l1",))
    np.testing.assert_array_equal(smaller.get_weights()[0], np.delete(kernel, [1, 4, 6], 1))
    np.testing.assert_array_equal(prune(model, 3 / 8).layers[0].get_weights()[1], np.delete(bias, [1, 4, 6]))


def test_a_layer_that_is_called_in_two_ways_keeps_its_units():
    gone, smaller = check(started())
    assert gone == 0 or smaller.layers
    assert next(group for group in channel_groups(started()) if group.width == 8).free == 0


def test_scales_of_normalization_say_what_matters():
    x = image()
    y = layers.BatchNormalization(name="bn")(layers.Conv2D(6, 3, name="conv")(x))
    y = layers.Dense(9, name="free")(layers.GlobalAveragePooling2D()(layers.ReLU()(y)))
    model = filled(keras.Model(x, layers.Dense(2)(y)))
    norm = model.get_layer("bn")
    norm.gamma.assign([1.0, 0.01, 1.0, 1.0, 0.02, 1.0])
    smaller = prune(model, 1 / 3, importance="batch_norm_scale")
    np.testing.assert_array_equal(values(smaller.get_layer("bn").gamma), np.ones(4, "float32"))
    assert smaller.get_layer("free").units == 9  # it has no scale to go by
    with pytest.raises(OptionError, match="needs layers with BatchNormalization"):
        prune(attention(), 0.5, importance="batch_norm_scale")


def test_taylor_takes_what_the_loss_does_not_miss():
    model = filled(keras.Sequential([keras.Input((5,)), layers.Dense(6, activation="relu"), layers.Dense(3)]))
    model.compile("sgd", "mse")
    draw = np.random.default_rng(3)
    x, y = draw.normal(size=(100, 5)).astype("float32"), draw.normal(size=(100, 3)).astype("float32")
    first, second = model.layers

    def loss_without(unit):
        kernel, bias = second.get_weights()
        changed = kernel.copy()
        changed[unit] = 0
        second.set_weights([changed, bias])
        loss = model.evaluate(x, y, verbose=0)
        second.set_weights([kernel, bias])
        return loss

    # Small weights: then the first order is nearly all of the change.
    first.set_weights([each * 0.05 for each in first.get_weights()])
    before = model.evaluate(x, y, verbose=0)
    missed = [abs(loss_without(unit) - before) for unit in range(6)]
    smaller = prune(model, 0.5, importance="taylor", data=(x, y))
    kept = {tuple(column) for column in values(smaller.layers[0].kernel).T}
    least, most = np.argmin(missed), np.argmax(missed)
    assert tuple(values(first.kernel)[:, most]) in kept
    assert tuple(values(first.kernel)[:, least]) not in kept


def test_widths_can_be_multiples():
    model = filled(residual())
    smaller = prune(model, 0.6, scope="layer", multiple_of=8)
    widths = [layer.filters for layer in smaller.layers if isinstance(layer, layers.Conv2D)]
    assert all(width % 8 == 0 for width in widths)
    assert min(widths) == 8


def test_widths_are_multiples_beside_what_cannot_shrink():
    x = image()
    y = layers.Concatenate()([layers.Conv2D(16, 3, padding="same", name="conv")(x), x])
    y = layers.Reshape((1, 1, 19))(layers.GlobalAveragePooling2D()(y))
    model = filled(keras.Model(x, layers.Dense(2)(layers.Flatten()(y))))
    assert prune(model, 0.5, multiple_of=8).get_layer("conv").filters == 8
    with pytest.raises(OptionError, match=r"nothing is removed at a sparsity of 0\.1 in multiples of 8"):
        prune(model, 0.1, multiple_of=8)


@pytest.mark.parametrize("activation", ["softmax", layers.Softmax(), lambda x: ops.softmax(x, axis=-1)])
@pytest.mark.parametrize("kind", [layers.Dense, layers.LSTM])
def test_what_its_activation_mixes_stays(activation, kind):
    x = keras.Input((5, 4))
    model = keras.Model(x, layers.Dense(2)(kind(8, activation=activation, name="mixed")(x)))
    assert not any(group.free for group in channel_groups(model) if "mixed" in group.layers)


def test_what_layers_know_beside_their_weights_comes_along():
    words, numbers = keras.Input((4,), dtype="string"), keras.Input((3,))
    lookup, norm = layers.StringLookup(output_mode="multi_hot"), layers.Normalization()
    lookup.adapt(["a", "b", "c"])
    norm.adapt(np.arange(30.0).reshape(10, 3))
    table = keras.initializers.Constant(np.ones((6, 10), "float32"))
    looked = layers.Flatten()(
        layers.Embedding(6, 10, embeddings_initializer=table)(
            layers.IntegerLookup(vocabulary=[1, 2, 3], name="ids")(numbers)
        )
    )
    y = layers.Dense(8)(
        layers.Concatenate()([lookup(words), norm(numbers), layers.Lambda(lambda x: 2 * x)(numbers), looked])
    )
    model = keras.Model([words, numbers], layers.Dense(2)(y))
    x = [ops.convert_to_tensor([["a", "b", "z", "c"]]), ops.convert_to_tensor([[1.0, 2.0, 3.0]])]
    trace = Trace(model, keras)
    same = rebuilt(model, trace, [], keras)
    np.testing.assert_allclose(answers(same, x)[0], answers(model, x)[0], atol=1e-6)
    assert prune(model, 0.5).count_params() < model.count_params()


def own_loss(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred))


@pytest.mark.parametrize("loss", [own_loss, lambda y_true, y_pred: ops.mean(ops.abs(y_true - y_pred))])
def test_a_loss_of_the_users_own_is_no_obstacle(loss):
    model = filled(keras.Sequential([keras.Input((5,)), layers.Dense(8), layers.Dense(3)]))
    model.compile("sgd", loss)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        smaller = prune(model, 0.5)
    assert smaller.compiled or any("compile the smaller model again" in str(each.message) for each in told)
    assert model.compiled
    assert smaller.layers[0].units == 4


def test_the_same_share_everywhere_or_where_it_matters_least():
    model = filled(keras.Sequential([keras.Input((5,)), layers.Dense(20), layers.Dense(20), layers.Dense(3)]))
    even = prune(model, 0.5, scope="layer")
    assert [layer.units for layer in even.layers] == [10, 10, 3]
    anywhere = prune(model, 0.5)
    assert sum(layer.units for layer in anywhere.layers) == 23


def test_each_group_can_have_a_share_of_its_own():
    stack = [layers.Dense(20, name="a"), layers.Dense(20, name="b"), layers.Dense(3, name="c")]
    model = filled(keras.Sequential([keras.Input((5,)), *stack]))
    assert [group.name for group in channel_groups(model)] == ["a", "b", "c"]
    smaller = prune(model, {"a": 0.75, "b": 0.1})
    assert [layer.units for layer in smaller.layers] == [5, 18, 3]
    assert [layer.units for layer in prune(model, {"b": 0.5}).layers] == [20, 10, 3]
    # What stays is what matters most, as with one share for all.
    even = prune(model, 0.5, scope="layer")
    for mine, theirs in zip(prune(model, {"a": 0.5, "b": 0.5}).weights, even.weights, strict=True):
        np.testing.assert_array_equal(values(mine), values(theirs))
    assert [layer.units for layer in prune(model, {"a": 0.7, "b": 0.5}, multiple_of=4).layers] == [8, 12, 3]


def test_names_of_groups_stay_where_channels_went():
    for model in (residual(), attention(), concatenated()):
        names = [group.name for group in channel_groups(model)]
        assert len(set(names)) == len(names)
        assert [group.name for group in channel_groups(prune(filled(model), 0.5))] == names


def test_it_stays_compiled_and_trains():
    model = filled(residual())
    model.compile("sgd", "sparse_categorical_crossentropy")
    smaller = prune(model, 0.5)
    x, y = inputs_of(model, 8), np.zeros(8, "int32")
    before = smaller.evaluate(x, y, verbose=0)
    smaller.fit(x, y, epochs=3, verbose=0)
    assert smaller.evaluate(x, y, verbose=0) < before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sparsity": 0}, "sparsity 0 makes no sense"),
        ({"sparsity": 1.5}, "sparsity 1.5 makes no sense"),
        ({"sparsity": 0.5, "scope": "some"}, "unknown scope `some`"),
        ({"sparsity": 0.5, "importance": "l3"}, "unknown importance `l3`"),
        ({"sparsity": 0.5, "importance": "taylor"}, "taylor needs the loss: compile the model first"),
        ({"sparsity": 0.5, "multiple_of": 0}, "multiple_of 0 makes no sense"),
        ({"sparsity": {"conv": 0.5}}, "sparsity names `conv`, and there is no such group: there are "),
        ({"sparsity": {"conv": 1.0}}, "sparsity 1.0 of conv makes no sense"),
        ({"sparsity": {}}, "sparsity names no group"),
    ],
)
def test_mistakes_are_one_line(options, words):
    with pytest.raises(OptionError, match=words):
        prune(residual(), **options)


def test_as_many_targets_as_inputs():
    model = residual()
    model.compile("sgd", "sparse_categorical_crossentropy")
    data = inputs_of(model, 8), np.zeros(7, "int32")
    with pytest.raises(OptionError, match="as many targets as inputs, and has 7 of one and 8"):
        prune(model, 0.5, importance="taylor", data=data)


def test_a_layer_that_names_no_group_leads_to_its_group():
    model = residual()
    shared = next(group for group in channel_groups(model) if len(group.layers) > 1)
    with pytest.raises(OptionError, match=f"a layer of the group `{shared.name}`: name that group"):
        prune(model, {shared.layers[-1]: 0.5})


@pytest.mark.parametrize("thing", ["model.keras", 3, None])
def test_what_is_no_model_is_said_to_be_none(thing):
    for call in (channel_groups, lambda given: prune(given, 0.5)):
        with pytest.raises(OptionError, match=f"give a Keras 3 model in place of a {type(thing).__name__}"):
            call(thing)


def test_a_subclassed_model_is_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(UnsupportedError, match="only its own code knows"):
        prune(Own(), 0.5)
