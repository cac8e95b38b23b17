"""Operators that tf2onnx does not know, or does not know well: recurrent layers, exact GELU's ``Erfc`` and others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inferspeed_magic.formats.recurrent import Cell

#: Keras's activations that ONNX's recurrent operators have.
_ACTIVATIONS = {
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "relu": "Relu",
    "hard_sigmoid": "HardSigmoid",
    "softsign": "Softsign",
    "softplus": "Softplus",
}
#: The alpha and beta of those that take them.
_COEFFICIENTS = {"hard_sigmoid": (1 / 6, 0.5)}
_MODES = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn_tanh"}
#: Where ONNX's gates are in Keras's order: input, output, forget, cell of an LSTM; a GRU has the same order in both.
_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (0, 1, 2), "RNN": (0,)}
_MARK = re.compile(r"recurrent-(LSTM|GRU|RNN)-([a-z_]+)-([a-z_]*)-(after|before)-(bias|plain)")


def handlers() -> dict[str, tuple[Any, list[Any]]]:
    """Return what tf2onnx takes as ``custom_op_handlers``."""
    return {
        "Erfc": (_erfc, []),
        "CudnnRNNV3": (_recurrent, []),
        "Conv2DBackpropInput": (_transposed_convolution, []),
        "Conv3DBackpropInputV2": (_transposed_convolution, []),
    }


def emit_recurrent(cell: Cell, sequences: Any, states: list[Any]) -> Any:
    """Emit a recurrent layer as one node that survives freezing, with everything its handler must know in its name.

    The node's type is that of TensorFlow's operator for cuDNN, for its inputs and outputs; it is never run.
    """
    import tensorflow as tf

    if sequences.dtype != tf.float32 or {cell.activation, cell.recurrent_activation} - {*_ACTIVATIONS, ""}:
        return None
    mark = "-".join(
        (
            "recurrent",
            cell.kind,
            cell.activation,
            cell.recurrent_activation,
            "after" if cell.reset_after else "before",
            "plain" if cell.bias is None else "bias",
        )
    )
    weights = [each for each in (cell.kernel, cell.recurrent_kernel, cell.bias) if each is not None]
    steps_first = tf.transpose(sequences, [1, 0, 2])
    node = tf.raw_ops.CudnnRNNV3(
        input=steps_first,
        input_h=states[0][None],
        input_c=states[-1][None],
        params=tf.concat([tf.reshape(each, [-1]) for each in weights], 0),
        sequence_lengths=tf.fill([tf.shape(sequences)[0]], tf.shape(sequences)[1]),
        rnn_mode=_MODES[cell.kind],
        is_training=False,
        name=mark,
    )
    batch, steps, _ = sequences.shape
    outputs = tf.transpose(tf.ensure_shape(node.output, (steps, batch, cell.units)), [1, 0, 2])
    ends = [node.output_h, node.output_c][: len(states)]
    return outputs, [tf.ensure_shape(tf.squeeze(end, [0]), (batch, cell.units)) for end in ends]


def _recurrent(context: Any, node: Any, name: str, _unused: list[Any]) -> None:
    """Write the marked node as ONNX's LSTM, GRU or RNN."""
    import numpy as np
    from tf2onnx.utils import make_name

    found = _MARK.search(name)
    if found is None:
        raise ValueError(f"{name} is not a node of ours")
    kind, activation, gate_activation, reset, bias = found.groups()
    gates = _GATES[kind]
    sequences, hidden, carry, *_ = node.input
    units = context.get_shape(node.output[0])[2]
    features = context.get_shape(sequences)[2]
    values = node.inputs[3].get_tensor_value(as_list=False).astype(np.float32)
    width = len(gates) * units
    kernel, recurrent, rest = np.split(values, [features * width, (features + units) * width])

    def ordered(array: Any) -> Any:
        parts = np.split(array, len(gates), axis=-1)
        return np.concatenate([parts[gate] for gate in gates], axis=-1)

    biases = np.zeros((2, width), np.float32)
    if bias == "bias":
        given = rest.reshape(-1, width)  # a GRU that resets after has one for the inputs and one for the state
        biases[: len(given)] = given
    weights = {
        "W": ordered(kernel.reshape(features, width)).T[None],
        "R": ordered(recurrent.reshape(units, width)).T[None],
        "B": ordered(biases).reshape(1, -1),
    }
    constants = [
        context.make_const(make_name(f"{name}_{each}"), np.ascontiguousarray(value)).output[0]
        for each, value in weights.items()
    ]
    inputs = [sequences, *constants, "", hidden]
    attributes: dict[str, Any] = {"hidden_size": units} | _activations(kind, activation, gate_activation)
    if kind == "LSTM":
        inputs.append(carry)
    if kind == "GRU":
        attributes["linear_before_reset"] = int(reset == "after")
    outputs, shapes, dtypes = list(node.output), node.output_shapes, node.output_dtypes
    context.remove_node(node.name)
    count = 3 if kind == "LSTM" else 2
    made = context.make_node(
        kind, inputs, attr=attributes, output_count=count, name=make_name(_MARK.sub(kind, name)), dtypes=dtypes[:count]
    )
    directions = context.make_const(make_name(f"{name}_axes"), np.array([1], np.int64)).output[0]
    context.make_node(
        "Squeeze", [made.output[0], directions], outputs=[outputs[0]], shapes=[shapes[0]], dtypes=[dtypes[0]]
    )
    for position in range(1, count):
        context.make_node(
            "Identity",
            [made.output[position]],
            outputs=[outputs[position]],
            shapes=[shapes[position]],
            dtypes=[dtypes[position]],
        )


def _activations(kind: str, activation: str, gate_activation: str) -> dict[str, Any]:
    """Name the activations, in ONNX's order, where they are not its own choice."""
    chosen = {"LSTM": [gate_activation, activation, activation], "GRU": [gate_activation, activation]}.get(
        kind, [activation]
    )
    if set(chosen) <= {"tanh", "sigmoid"} and gate_activation in {"sigmoid", ""} and activation == "tanh":
        return {}
    attributes: dict[str, Any] = {"activations": [_ACTIVATIONS[each] for each in chosen]}
    # Each that takes any takes the next of the list: there may be none for the others.
    coefficients = [_COEFFICIENTS[each] for each in chosen if each in _COEFFICIENTS]
    if coefficients:
        attributes["activation_alpha"], attributes["activation_beta"] = map(list, zip(*coefficients, strict=True))
    return attributes


def _erfc(context: Any, node: Any, name: str, _: list[Any]) -> Any:
    """Write TensorFlow's ``Erfc`` (exact GELU) as ``1 - Erf``, since tf2onnx has no handler for it."""
    import numpy as np
    from tf2onnx import utils

    result = node.output[0]
    dtype = utils.map_onnx_to_numpy_type(context.get_dtype(result))
    node.type, node.domain = "Erf", ""
    one = context.make_const(utils.make_name(name), np.array(1, dtype=dtype))
    return context.insert_new_node_on_output("Sub", result, inputs=[one.output[0], result], name=utils.make_name(name))


def _transposed_convolution(context: Any, node: Any, _name: str, _unused: list[Any]) -> None:
    """Mend what tf2onnx writes where strides are longer than the window: zeros at the end, not negative padding."""
    from tf2onnx.onnx_opset.nn import ConvTranspose

    ConvTranspose.version_11(context, node)
    written = node.get_attr("pads")
    if written is None or min(written.ints) >= 0:
        return
    pads = list(written.ints)
    sums = [start + end for start, end in zip(pads[: len(pads) // 2], pads[len(pads) // 2 :], strict=True)]
    kept = [value if total >= 0 else 0 for value, total in zip(pads, sums * 2, strict=True)]
    node.set_attr("pads", kept)
    node.set_attr("output_padding", [max(0, -total) for total in sums])
