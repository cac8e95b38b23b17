"""Small Keras graphs drawn at random: layers, branches, inputs and outputs of many sorts. A seed is a graph.

Python's own random numbers in place of hypothesis's: a graph costs seconds, and hypothesis spends most of its examples
on small changes of the one before.
"""

from __future__ import annotations

import math
import random

import keras
import numpy as np
from keras import layers, ops

ACTIVATIONS = (
    *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "hard_silu", "sigmoid", "hard_sigmoid"),
    *("tanh", "softplus", "softsign", "softmax", "mish"),
)
#: Tensors larger than this are not enlarged.
_LARGE = 300
_MOST_OUTPUTS = 3


def _activation(pick):
    return pick.choice(ACTIVATIONS)


def _window(pick, x):
    return tuple(pick.randint(1, min(3, size)) for size in x.shape[1:-1])


def _convolved(pick, x, kind, **options):
    """Run a window over all dimensions but the last."""
    options |= {"activation": _activation(pick), "use_bias": pick.random() < 0.8}
    options |= pick.choice([{"padding": "valid"}, {"padding": "same"}, {"padding": "same", "strides": 2}])
    if options["padding"] == "same" and "strides" not in options and pick.random() < 0.3:
        options["dilation_rate"] = 2
    return kind(kernel_size=_window(pick, x), **options)(x)


def _grouped(pick, x, kind):
    groups = pick.choice([each for each in (1, 2, 3, 4) if x.shape[-1] % each == 0])
    return _convolved(pick, x, kind, filters=groups * pick.randint(1, 3), groups=groups)


def _transposed(pick, x, kind):
    options = {"padding": pick.choice(["valid", "same"]), "strides": pick.randint(1, 2)}
    return kind(pick.randint(1, 4), _window(pick, x), activation=_activation(pick), **options)(_small(x))


def _pooled(pick, x, kind):
    strides = pick.choice([None, 1, 2])
    return kind(_window(pick, x), strides=strides, padding=pick.choice(["valid", "same"]))(x)


def _small(x):
    """Halve what is too large to be enlarged."""
    if math.prod(x.shape[1:]) <= _LARGE:
        return x
    return (layers.AveragePooling1D if len(x.shape) == 3 else layers.AveragePooling2D)(2)(x)


def _sides(pick, x, most):
    """Draw how much to add to, or to cut off, each side of each dimension in space."""
    pairs = [[pick.randint(0, min(most, (size - 1) // 2)) for _ in range(2)] for size in x.shape[1:-1]]
    return tuple(pairs[0]) if len(pairs) == 1 else tuple(map(tuple, pairs))


def _reshaped(pick, x):
    """Give a tensor another shape of up to three dimensions."""
    left, shape = math.prod(x.shape[1:]), []
    for _ in range(pick.randint(0, 2)):
        shape.append(pick.choice([each for each in range(1, left + 1) if left % each == 0]))
        left //= shape[-1]
    shape.insert(pick.randint(0, len(shape)), pick.choice([left, -1]))
    return layers.Reshape(shape)(x)


def _recurrent(pick, kinds=(layers.LSTM, layers.GRU, layers.SimpleRNN), **options):
    """Make a recurrent layer."""
    kind = pick.choice(kinds)
    options |= {"activation": pick.choice(["tanh", "tanh", "relu", "softsign", "elu"])}
    options |= {"use_bias": pick.random() < 0.8, "return_sequences": pick.random() < 0.6}
    if kind is not layers.SimpleRNN:
        options |= {"recurrent_activation": pick.choice(["sigmoid", "sigmoid", "hard_sigmoid"])}
    if kind is layers.GRU:
        options |= {"reset_after": pick.random() < 0.7}
    return kind(pick.randint(1, 5), **options)


def _one_way(pick, x, kind):
    return _recurrent(pick, (kind,), go_backwards=pick.random() < 0.3)(x)


def _both_ways(pick, x):
    return layers.Bidirectional(_recurrent(pick), merge_mode=pick.choice(["concat", "sum", "mul", "ave"]))(x)


def _last_states(pick, x):
    """Use what a recurrent layer returns beside its sequence."""
    sequence, *states = layers.GRU(3, return_sequences=True, return_state=True)(x)
    return layers.LSTM(3, return_sequences=pick.random() < 0.5)(sequence, initial_state=[states[0], states[0]])


def _attended(pick, x):
    other = pick.choice([x, layers.Dense(3)(x)])
    return layers.MultiHeadAttention(pick.randint(1, 3), pick.randint(1, 4), value_dim=pick.randint(1, 4))(
        x, other, use_causal_mask=other is x and pick.random() < 0.4
    )


def _squeezed(pick, x):
    """Weigh channels by what is in all of them."""
    pool = layers.GlobalAveragePooling1D if len(x.shape) == 3 else layers.GlobalAveragePooling2D
    return layers.Multiply()([x, layers.Dense(x.shape[-1], activation="hard_sigmoid")(pool(keepdims=True)(x))])


ANYWHERE = {
    "Dense": lambda pick, x: layers.Dense(
        pick.randint(1, 6), activation=_activation(pick), use_bias=pick.random() < 0.8
    )(x),
    "residual": lambda pick, x: layers.Add()([x, layers.Dense(x.shape[-1], activation=_activation(pick))(x)]),
    "Activation": lambda pick, x: layers.Activation(_activation(pick))(x),
    "approximate GELU": lambda pick, x: ops.gelu(x, approximate=True),
    "exact GELU": lambda pick, x: ops.gelu(x, approximate=False),
    "LeakyReLU": lambda pick, x: layers.LeakyReLU(pick.uniform(0.05, 0.5))(x),
    "ReLU": lambda pick, x: layers.ReLU(pick.choice([None, 1.5]), pick.choice([0.0, 0.2]))(x),
    "PReLU": lambda pick, x: layers.PReLU()(x),
    # Not the layer, which fails where it is handed the mask of a sequence.
    "softmax": lambda pick, x: ops.softmax(x, axis=pick.choice([1, -1])),
    "BatchNormalization": lambda pick, x: layers.BatchNormalization(
        axis=pick.choice([-1, -1, 1]), center=pick.random() < 0.8, scale=pick.random() < 0.8
    )(x),
    "LayerNormalization": lambda pick, x: layers.LayerNormalization(axis=pick.choice([-1, 1]))(x),
    "Dropout": lambda pick, x: layers.Dropout(0.5)(x),
    "Rescaling": lambda pick, x: layers.Rescaling(pick.uniform(0.5, 2), pick.uniform(-1, 1))(x),
    "Reshape": _reshaped,
    "Flatten": lambda pick, x: layers.Flatten()(x),
}
#: By the number of dimensions, the batch aside.
LAYERS = {
    1: ANYWHERE
    | {
        "RepeatVector": lambda pick, x: layers.RepeatVector(pick.randint(2, 4))(x),
        "UnitNormalization": lambda pick, x: layers.UnitNormalization()(x),
    },
    2: ANYWHERE
    | {
        "Permute": lambda pick, x: layers.Permute((2, 1))(x),
        "Conv1D": lambda pick, x: _grouped(pick, x, layers.Conv1D),
        "causal Conv1D": lambda pick, x: layers.Conv1D(3, 2, padding="causal", activation=_activation(pick))(x),
        "DepthwiseConv1D": lambda pick, x: _convolved(
            pick, x, layers.DepthwiseConv1D, depth_multiplier=pick.randint(1, 2)
        ),
        "SeparableConv1D": lambda pick, x: _convolved(pick, x, layers.SeparableConv1D, filters=pick.randint(1, 5)),
        "Conv1DTranspose": lambda pick, x: _transposed(pick, x, layers.Conv1DTranspose),
        "MaxPooling1D": lambda pick, x: _pooled(pick, x, layers.MaxPooling1D),
        "AveragePooling1D": lambda pick, x: _pooled(pick, x, layers.AveragePooling1D),
        "GlobalMaxPooling1D": lambda pick, x: layers.GlobalMaxPooling1D(keepdims=pick.random() < 0.3)(x),
        "GlobalAveragePooling1D": lambda pick, x: layers.GlobalAveragePooling1D(keepdims=pick.random() < 0.3)(x),
        "UpSampling1D": lambda pick, x: layers.UpSampling1D(2)(_small(x)),
        "ZeroPadding1D": lambda pick, x: layers.ZeroPadding1D(_sides(pick, x, 2))(_small(x)),
        "Cropping1D": lambda pick, x: layers.Cropping1D(_sides(pick, x, 2))(x),
        "LSTM": lambda pick, x: _one_way(pick, x, layers.LSTM),
        "GRU": lambda pick, x: _one_way(pick, x, layers.GRU),
        "SimpleRNN": lambda pick, x: _one_way(pick, x, layers.SimpleRNN),
        "Bidirectional": _both_ways,
        "recurrent states": _last_states,
        "MultiHeadAttention": _attended,
        "squeeze and excite": _squeezed,
        "TimeDistributed": lambda pick, x: layers.TimeDistributed(layers.Dense(3, activation=_activation(pick)))(x),
    },
    3: ANYWHERE
    | {
        "Permute": lambda pick, x: layers.Permute(pick.sample([1, 2, 3], 3))(x),
        "Conv2D": lambda pick, x: _grouped(pick, x, layers.Conv2D),
        "DepthwiseConv2D": lambda pick, x: _convolved(
            pick, x, layers.DepthwiseConv2D, depth_multiplier=pick.randint(1, 2)
        ),
        "SeparableConv2D": lambda pick, x: _convolved(pick, x, layers.SeparableConv2D, filters=pick.randint(1, 5)),
        "Conv2DTranspose": lambda pick, x: _transposed(pick, x, layers.Conv2DTranspose),
        "MaxPooling2D": lambda pick, x: _pooled(pick, x, layers.MaxPooling2D),
        "AveragePooling2D": lambda pick, x: _pooled(pick, x, layers.AveragePooling2D),
        "GlobalMaxPooling2D": lambda pick, x: layers.GlobalMaxPooling2D(keepdims=pick.random() < 0.3)(x),
        "GlobalAveragePooling2D": lambda pick, x: layers.GlobalAveragePooling2D(keepdims=pick.random() < 0.3)(x),
        "nearest UpSampling2D": lambda pick, x: layers.UpSampling2D(pick.choice([2, (1, 2)]))(_small(x)),
        "bilinear UpSampling2D": lambda pick, x: layers.UpSampling2D(2, interpolation="bilinear")(_small(x)),
        "ZeroPadding2D": lambda pick, x: layers.ZeroPadding2D(_sides(pick, x, 2))(_small(x)),
        "Cropping2D": lambda pick, x: layers.Cropping2D(_sides(pick, x, 2))(x),
        "squeeze and excite": _squeezed,
    },
}
#: Every graph begins with the next three of these, so that a few dozen graphs have them all.
_FIRST = [(rank, name) for rank, known in LAYERS.items() for name in known]
random.Random(0).shuffle(_FIRST)  # noqa: S311


def drawn(seed):
    """Make the graph of this seed; every eighth one computes in float16."""
    pick = random.Random(seed)  # noqa: S311
    keras.utils.set_random_seed(seed)
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if seed % 8 == 5 else "float32")
    try:
        return _filled(_connected(pick, seed))
    finally:
        keras.config.set_dtype_policy(usual)


def _connected(pick, seed):
    inputs, loose, seen = [], [], []

    def grow(x, name=None):
        known = LAYERS.get(len(x.shape) - 1, {})
        loose.append(known[name or pick.choice(list(known))](pick, x))
        seen.append(loose[-1])

    for number in range(3 * seed, 3 * seed + 3):
        rank, name = _FIRST[number % len(_FIRST)]
        fitting = [each for each in loose if len(each.shape) - 1 == rank]
        if fitting and pick.random() < 0.5:
            loose.remove(fitting[0])
            grow(fitting[0], name)
        else:
            entrance, x = _entrance(pick, rank, len(inputs))
            inputs.append(entrance)
            grow(x, name)
    for _ in range(pick.randint(1, 5)):
        if len(loose) > 1 and pick.random() < 0.4:
            _join(pick, loose)
        elif pick.random() < 0.2:
            grow(pick.choice(seen))
        else:
            grow(loose.pop(pick.randrange(len(loose))))
    while len(loose) > _MOST_OUTPUTS:
        _join(pick, loose)
    return keras.Model(inputs, loose if len(loose) > 1 else loose[0], name=f"graph_{seed}")


def _entrance(pick, rank, number):
    """Draw an input of some sort, and what the graph makes of it first; names are not in the order of the inputs."""
    name = f"{pick.choice('zyxab')}_{number}"
    codes = rank == 2 and pick.random() < 0.5
    if codes:
        tokens = keras.Input((pick.randint(3, 8),), name=name, dtype=pick.choice(["int32", "int32", "int64", "uint8"]))
        vectors = keras.initializers.RandomUniform(-1, 1)
        embedding = layers.Embedding(pick.randint(5, 20), 4, vectors, mask_zero=pick.random() < 0.4)
        return tokens, embedding(tokens)
    shape = [pick.randint(3, 9) for _ in range(rank - 1)] + [pick.randint(1, 4) if rank > 1 else pick.randint(2, 9)]
    numbers = keras.Input(shape, name=name, dtype=pick.choice(["float32", "float32", "float32", "int32", "uint8"]))
    if numbers.dtype != "float32":
        return numbers, layers.Rescaling(1 / 64, -1)(numbers)
    return numbers, layers.Masking()(numbers) if rank == 2 and pick.random() < 0.3 else numbers


def _join(pick, loose):
    """Make one of two loose ends."""
    one, two = (loose.pop(pick.randrange(len(loose))) for _ in range(2))
    if one.shape != two.shape and (len(one.shape) != len(two.shape) or one.shape[:-1] != two.shape[:-1]):
        one, two = (layers.Dense(4)(layers.Flatten()(each)) for each in (one, two))
    ways = [layers.Concatenate()]
    if one.shape == two.shape:
        kinds = (layers.Add, layers.Subtract, layers.Multiply, layers.Maximum, layers.Minimum, layers.Average)
        ways += [kind() for kind in kinds]
        ways += [kind(axis) for axis in range(1, len(one.shape)) for kind in (layers.Concatenate, layers.Dot)]
    loose.append(pick.choice(ways)([one, two]))


def _filled(model):
    """Replace what is zeros or ones at first: fresh biases, scales and moving averages hide mistakes."""
    draw = np.random.default_rng(0)
    for variable in model.weights:
        values = variable.numpy()
        if len(np.unique(values)) <= 2:
            variable.assign(values + draw.uniform(-0.4, 0.4, values.shape))
    return model
