"""How channels pass through every kind of layer: one rule for each, by the name of Keras's class.

Channels lie on the last axis. A rule says which of them come out, which axes of the layer's weights they are counted
along, and which entries of its configuration. What has no rule keeps all of its channels, and so do those before it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.pruning.passages import CannotPassError, Passage, Slice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from inferspeed_magic.pruning.passages import Call
    from inferspeed_magic.pruning.units import Channels

_LAST = -1


def pass_on(call: Call) -> Passage:
    """Every channel comes out as it went in: activations, pooling, padding, dropout."""
    if getattr(call.operation, "data_format", None) == "channels_first":
        raise CannotPassError("its channels come first")
    return Passage([call.inputs[0]] * len(call.outputs))


def _element_by_element(call: Call) -> Passage:
    """Tensors meet channel for channel: sums, products, maxima."""
    met = call.inputs[0]
    reason = f"{call.name} lets it meet channels that are no layer's own"
    for channels in call.inputs[1:]:
        if len(met) == len(channels):
            met = call.units.unite(met, channels, reason)
            continue
        if 1 not in (len(met), len(channels)):
            raise CannotPassError("tensors of different widths meet in it")
        # One channel that meets all of another tensor belongs to none of them alone.
        wide, narrow = (met, channels) if len(met) > 1 else (channels, met)
        call.units.fix(narrow, f"{call.name} spreads it over all channels of another tensor")
        met = wide
    return Passage([met])


def _with_constants(call: Call) -> Passage:
    """Do the same for operations on tensors, which may meet constants: numbers, but no arrays that have channels."""
    given = [*call.arguments, *call.options.values()]
    if any(
        not any(each is tensor for tensor in call.tensors) and np.size(each) != 1 for each in given if each is not None
    ):
        raise CannotPassError("an array meets a tensor in it")
    return _element_by_element(call)


def _activation(call: Call) -> Passage:
    """Activations look at one value each, but for softmax, and for who knows what of the user's own."""
    if not _looks_at_one_value(call.operation.activation):
        raise CannotPassError(f"{_named(call.operation.activation)} may look at all channels")
    return pass_on(call)


def _looks_at_one_value(activation: Any) -> bool:
    """Tell Keras's own functions from element to element, and layers that are nothing else."""
    import keras

    own = [getattr(keras.activations, name) for name in dir(keras.activations) if name not in _OVER_CHANNELS]
    return activation is None or type(activation).__name__ in _ELEMENTWISE or any(activation is each for each in own)


def _named(activation: Any) -> str:
    return getattr(activation, "__name__", type(activation).__name__)


def _softmax(call: Call) -> Passage:
    axis = getattr(call.operation, "axis", _LAST)
    axes = [axis] if isinstance(axis, int) else list(axis)
    if any(each in (_LAST, len(call.tensors[0].shape) - 1) for each in axes):
        raise CannotPassError("softmax is over all channels")
    return pass_on(call)


def _activated(call: Call, made: Channels) -> None:
    """Fix what a layer makes and its own activation may then mix."""
    activation = getattr(call.operation, "activation", None)
    if not _looks_at_one_value(activation):
        call.units.fix(made, f"{_named(activation)} may look at all channels of {call.name}")


def _biased(layer: Any, channels: Channels) -> tuple[Slice, ...]:
    return () if layer.bias is None else (Slice(layer.bias, 0, channels),)


def _dense(call: Call) -> Passage:
    layer = call.operation
    made = call.units.new(layer.units)
    _activated(call, made)
    weights = (Slice(layer.kernel, 0, call.inputs[0]), Slice(layer.kernel, 1, made), *_biased(layer, made))
    return Passage([made], weights, {("units",): made})


def _convolution(call: Call) -> Passage:
    layer = call.operation
    _channels_last(layer)
    if layer.groups != 1:
        raise CannotPassError("its groups are of fixed widths")
    made = call.units.new(layer.filters)
    _activated(call, made)
    weights = (Slice(layer.kernel, -2, call.inputs[0]), Slice(layer.kernel, -1, made), *_biased(layer, made))
    return Passage([made], weights, {("filters",): made})


def _transposed(call: Call) -> Passage:
    layer = call.operation
    _channels_last(layer)
    made = call.units.new(layer.filters)
    _activated(call, made)
    weights = (Slice(layer.kernel, -1, call.inputs[0]), Slice(layer.kernel, -2, made), *_biased(layer, made))
    return Passage([made], weights, {("filters",): made})


def _depthwise(call: Call) -> Passage:
    layer = call.operation
    _channels_last(layer)
    # Channel by channel, each as often as the multiplier says.
    made = np.repeat(call.inputs[0], layer.depth_multiplier)
    _activated(call, made)
    return Passage([made], (Slice(layer.kernel, -2, call.inputs[0]), *_biased(layer, made)))


def _separable(call: Call) -> Passage:
    layer = call.operation
    _channels_last(layer)
    between = np.repeat(call.inputs[0], layer.depth_multiplier)
    made = call.units.new(layer.filters)
    _activated(call, made)
    weights = (
        Slice(layer.depthwise_kernel, -2, call.inputs[0]),
        Slice(layer.pointwise_kernel, -2, between),
        Slice(layer.pointwise_kernel, -1, made),
        *_biased(layer, made),
    )
    return Passage([made], weights, {("filters",): made})


def _batch_normalization(call: Call) -> Passage:
    """Statistics are kept for each channel by itself."""
    layer = call.operation
    if layer.axis not in (_LAST, len(call.tensors[0].shape) - 1):
        raise CannotPassError("it normalizes along another axis than the last")
    return Passage([call.inputs[0]], tuple(Slice(weight, 0, call.inputs[0]) for weight in layer.weights))


def _parametric(call: Call) -> Passage:
    """PReLU has a slope for each channel, or shares it along axes."""
    alpha = call.operation.alpha
    shared = alpha.shape[-1] != len(call.inputs[0])
    return Passage([call.inputs[0]], () if shared else (Slice(alpha, -1, call.inputs[0]),))


def _concatenation(call: Call) -> Passage:
    rank = len(call.tensors[0].shape)
    if call.operation.axis in (_LAST, rank - 1):
        return Passage([np.concatenate(call.inputs)])
    return _element_by_element(call)


def _flattened(call: Call) -> Passage:
    """Each channel comes back at every position."""
    positions = call.tensors[0].shape[1:-1]
    _channels_last(call.operation)
    if None in positions:
        raise CannotPassError("the number of positions is not known")
    return Passage([np.tile(call.inputs[0], math.prod(positions))])


def _reshaped(call: Call) -> Passage:
    """Channels stay together where the last axis does; positions may be written behind each other."""
    before, after = call.tensors[0].shape[1:], call.outputs[0].shape[1:]
    if not before or None in before or None in after:
        raise CannotPassError("sizes are not known")
    if before[-1] == after[-1]:
        made = call.inputs[0]
    elif len(after) == 1:
        made = np.tile(call.inputs[0], math.prod(before[:-1]))
    else:
        raise CannotPassError("it divides channels in another way")
    return Passage([made], sizes={("target_shape", "-1"): made})


def _permuted(call: Call) -> Passage:
    if call.operation.dims[-1] != len(call.operation.dims):
        raise CannotPassError("channels become another axis")
    return pass_on(call)


def _rescaled(call: Call) -> Passage:
    if np.size(call.operation.scale) != 1 or np.size(call.operation.offset) != 1:
        raise CannotPassError("it has a number of its own for each channel")
    return pass_on(call)


def _each_step(call: Call) -> Passage:
    """Ask the rule of what is wrapped, which sees one step at a time: tensors without the axis of time."""
    inner = call.operation.layer
    rule = LAYERS.get(type(inner).__name__)
    if rule is None or not type(inner).__module__.startswith("keras."):
        raise CannotPassError(f"it wraps {type(inner).__name__}, which has no rule")
    before, after = ([_step(tensor) for tensor in tensors] for tensors in (call.tensors, call.outputs))
    found = rule(replace(call, operation=inner, tensors=before, outputs=after))
    return replace(found, sizes={("layer", "config", *path): channels for path, channels in found.sizes.items()})


def _step(tensor: Any) -> Any:
    return SimpleNamespace(shape=(tensor.shape[0], *tensor.shape[2:]))


def _dropped(call: Call) -> Passage:
    """Drop values; which of them, may be shared along axes."""
    if (getattr(call.operation, "noise_shape", None) or (None,))[-1] not in (None, 1):
        raise CannotPassError("its noise has a fixed width")
    return pass_on(call)


def _embedding(call: Call) -> Passage:
    layer = call.operation
    made = call.units.new(layer.output_dim)
    return Passage([made], (Slice(layer.embeddings, 1, made),), {("output_dim",): made})


def _recurrent(call: Call) -> Passage:
    """Gates lie side by side in the kernels; the state has the units that come out."""
    layer = call.operation
    if layer.stateful:
        raise CannotPassError("it keeps its state between calls")
    made, weights = _cell(call, layer)
    if any(len(state) != len(made) for state in call.inputs[1:]):
        raise CannotPassError("it takes more than states")
    reason = f"{call.name} begins with it"
    for state in call.inputs[1:]:
        call.units.unite(made, state, reason)
    return Passage([made] * len(call.outputs), weights, {("units",): made})


def _cell(call: Call, layer: Any) -> tuple[Channels, tuple[Slice, ...]]:
    cell = layer.cell
    for activation in (cell.activation, getattr(cell, "recurrent_activation", None)):
        if not _looks_at_one_value(activation):
            raise CannotPassError(f"its {_named(activation)} may look at all units")
    made = call.units.new(cell.units)
    gates = np.tile(made, cell.kernel.shape[1] // cell.units)
    weights = [
        Slice(cell.kernel, 0, call.inputs[0]),
        Slice(cell.kernel, 1, gates),
        Slice(cell.recurrent_kernel, 0, made),
        Slice(cell.recurrent_kernel, 1, gates),
    ]
    if cell.bias is not None:
        weights.append(Slice(cell.bias, -1, gates))
    return made, tuple(weights)


def _bidirectional(call: Call) -> Passage:
    layer = call.operation
    kinds = {type(each).__name__ for each in (layer.forward_layer, layer.backward_layer)}
    if len(call.inputs) > 1 or len(call.outputs) > 1 or layer.stateful or not kinds <= set(_RECURRENT):
        raise CannotPassError("it hands on states, or wraps what has no rule")
    forward, weights = _cell(call, layer.forward_layer)
    backward, others = _cell(call, layer.backward_layer)
    # Keras takes it for granted that both ways have the same width.
    met = call.units.unite(forward, backward, "")
    made = np.concatenate([forward, backward]) if layer.merge_mode == "concat" else met
    sizes: dict[tuple[str, ...], Channels] = {
        ("layer", "config", "units"): forward,
        ("backward_layer", "config", "units"): backward,
    }
    return Passage([made], (*weights, *others), sizes)


def _attention(call: Call) -> Passage:
    """Heads are units of their own; what comes out is made by the output projection."""
    layer = call.operation
    named = dict(zip(_ATTENDED, call.arguments, strict=False)) | call.options
    query, value = call.of(named["query"]), call.of(named["value"])
    key = call.of(named["key"]) if named.get("key") is not None else value
    if len(call.outputs) > 1 or layer._output_shape not in (None, (call.outputs[0].shape[-1],)):
        raise CannotPassError("it hands on its scores, or makes another shape")
    mask = named.get("attention_mask")
    per_head = mask is not None and len(getattr(mask, "shape", ())) > len(call.tensors[0].shape)
    if len(call.arguments) > len(_ATTENDED) or per_head or getattr(layer, "_gate_dense", None) is not None:
        raise CannotPassError("its heads are gated, or masked one by one")
    for channels in call.inputs:
        if not any(channels is each for each in (query, value, key)):
            call.units.fix(channels, f"{call.name} takes it for a mask")
    heads = call.units.new(layer.num_heads)
    made = call.units.new(call.outputs[0].shape[-1])
    weights = []
    for projection, channels in ((layer._query_dense, query), (layer._key_dense, key), (layer._value_dense, value)):
        weights += [Slice(projection.kernel, 0, channels), Slice(projection.kernel, 1, heads)]
        weights += [] if projection.bias is None else [Slice(projection.bias, 0, heads)]
    weights += [Slice(layer._output_dense.kernel, 0, heads), Slice(layer._output_dense.kernel, -1, made)]
    weights += [] if layer._output_dense.bias is None else [Slice(layer._output_dense.bias, 0, made)]
    return Passage([made], tuple(weights), {("num_heads",): heads, ("output_shape",): made})


def _channels_last(layer: Any) -> None:
    if layer.data_format != "channels_last":
        raise CannotPassError("its channels come first")


def _mixes(words: str) -> Callable[[Call], Passage]:
    """Make the rule of layers that let every channel depend on all others."""

    def refuse(_: Call) -> Passage:
        raise CannotPassError(words)

    return refuse


_ATTENDED = ("query", "value", "key")
#: Layers that are activations from element to element.
_ELEMENTWISE = ("ReLU", "LeakyReLU", "ELU", "Identity")
_OVER_CHANNELS = frozenset({"softmax", "log_softmax", "sparsemax", "glu"})
_RECURRENT: Mapping[str, Callable[[Call], Passage]] = MappingProxyType(
    dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), _recurrent)
)
_PICTURES = ("1D", "2D", "3D")
_AVERAGES = "its statistics are over all channels, so that each depends on the others"

#: Rules by the name of Keras's layers.
LAYERS: Mapping[str, Callable[[Call], Passage]] = MappingProxyType(
    {
        "Dense": _dense,
        **{f"Conv{each}": _convolution for each in _PICTURES},
        **{f"Conv{each}Transpose": _transposed for each in _PICTURES},
        **{f"DepthwiseConv{each}": _depthwise for each in _PICTURES[:2]},
        **{f"SeparableConv{each}": _separable for each in _PICTURES[:2]},
        "BatchNormalization": _batch_normalization,
        "Embedding": _embedding,
        **_RECURRENT,
        "Bidirectional": _bidirectional,
        "MultiHeadAttention": _attention,
        "PReLU": _parametric,
        "Activation": _activation,
        "Softmax": _softmax,
        "Concatenate": _concatenation,
        "Flatten": _flattened,
        "Reshape": _reshaped,
        "Permute": _permuted,
        "Rescaling": _rescaled,
        "TimeDistributed": _each_step,
        **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), _element_by_element),
        **dict.fromkeys(
            ("ReLU", "LeakyReLU", "ELU", "Identity", "RepeatVector", "ActivityRegularization", "Resizing"), pass_on
        ),
        **dict.fromkeys(("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise"), _dropped),
        **{
            f"{name}{each}": pass_on
            for each in _PICTURES
            for name in (
                *("SpatialDropout", "UpSampling", "ZeroPadding", "Cropping", "MaxPooling", "AveragePooling"),
                *("GlobalMaxPooling", "GlobalAveragePooling"),
            )
        },
        **dict.fromkeys(
            ("LayerNormalization", "RMSNormalization", "GroupNormalization", "UnitNormalization"), _mixes(_AVERAGES)
        ),
    }
)

#: Rules by the name of operations (``x + y``, ``keras.ops.relu(x)``), which are no layers.
OPERATIONS: Mapping[str, Callable[[Call], Passage]] = MappingProxyType(
    {
        **dict.fromkeys(("Add", "Subtract", "Multiply", "Divide", "Maximum", "Minimum"), _with_constants),
        **dict.fromkeys(
            (
                *("Relu", "Relu6", "Sigmoid", "Silu", "Gelu", "Elu", "Selu", "Softplus", "Tanh", "HardSigmoid"),
                *("HardSilu", "LeakyRelu", "Absolute", "Negative", "Square", "Sqrt", "Exp", "Softsign"),
            ),
            pass_on,
        ),
    }
)
