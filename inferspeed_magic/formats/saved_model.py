"""Keras model to a SavedModel whose weights are constants: what becomes LiteRT."""

from __future__ import annotations

import contextlib
import math
import uuid
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.formats.naming import input_name, output_name
from inferspeed_magic.formats.recurrent import constant_zeros, lowered
from inferspeed_magic.formats.tracing import GRAPH_BYTES, in_float32, model_of, trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from inferspeed_magic.formats.recurrent import Cell
    from inferspeed_magic.sources.portable import PortableModel

#: Of a LiteRT file.
_MOST_BYTES = 2_000_000_000


def freeze(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> None:
    """Trace the model in inference mode, turn its variables into constants, and save it.

    Converters that are handed live variables write files that run and return NaN; constants leave them no choice.

    Args:
        state: of the converter process; keeps the model that was read.
        source: folder of a portable model.
        target: folder to write.
        batch_size: to trace with; None for any.
        inputs: names, shapes and dtypes of the inputs (not used: the model has them).
    """
    del inputs
    _freeze(state, source, target, batch_size, float32=False)


def freeze_in_float32(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> None:
    """Do the same with every layer computing in float32."""
    del inputs
    _freeze(state, source, target, batch_size, float32=True)


def _freeze(state: dict[str, Any], source: str, target: str, batch_size: int | None, *, float32: bool) -> None:
    import tensorflow as tf

    model = model_of(state, source)
    size = sum(4 * math.prod(each.shape) for each in getattr(model.model, "variables", []))
    if size > _MOST_BYTES:
        raise UnsupportedError(f"the weights are {size / 1e9:.1f} GB, and such a file holds at most 2 GB")
    module = tf.Module()
    with in_float32(model) if float32 else contextlib.nullcontext():
        traced = _traced(model, batch_size, known=float32, apart=size > GRAPH_BYTES)
    module.weights = traced.variables
    # Nobody trains what is frozen, and some gradients of Keras's activations cannot be saved.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    signature = _as_signature(traced, model.specs(batch_size, input_name))
    tf.saved_model.save(module, target, signatures=signature, options=options)


def _traced(model: PortableModel, batch_size: int | None, *, known: bool, apart: bool) -> Any:
    """Trace the model with its weights as constants.

    Args:
        model: to trace.
        batch_size: None for any.
        known: whether the values of the weights have to be known while tracing.
        apart: leave them variables of the SavedModel, unless something needs their values while tracing.
    """
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    fused: list[str] = []
    if model.library == "keras":
        # The operator comes with a fixed batch only.
        with lowered(_emit_into(fused)) if batch_size is not None else contextlib.nullcontext():
            traced = trace(model, batch_size)
            if fused or known:
                # Freezing would specialise the functions that the converter knows LSTMs by.
                traced = trace(model, batch_size, constants=True)
                if not traced.captured_inputs:
                    return traced
            if apart:
                return traced
    return convert_variables_to_constants_v2(trace(model, batch_size), lower_control_flow=False)


def _emit_into(fused: list[str]) -> Callable[[Cell, Any, list[Any]], Any]:
    """Emit LSTMs as the functions that TensorFlow's own Keras marks for the converter; note their names.

    See ``PrepareCompositeFunctionsPass`` of the converter: it replaces a function whose ``api_implements`` begins with
    ``lstm_`` by the operator, which begins with zeros.
    """

    def emit(cell: Cell, sequences: Any, states: list[Any]) -> Any:
        import tensorflow as tf

        plain = cell.kind == "LSTM" and (cell.activation, cell.recurrent_activation) == ("tanh", "sigmoid")
        if not plain or sequences.dtype != tf.float32 or not constant_zeros(states):
            return None
        fused.append(f"lstm_{uuid.uuid4()}")
        # The converter looks for all of these.
        marks = {
            "api_implements": fused[-1],
            "api_preferred_device": "CPU",
            "time_major": False,
            "go_backwards": False,
        }
        bias = cell.bias if cell.bias is not None else tf.zeros(4 * cell.units)
        function = tf.function(_lstm, autograph=False, experimental_attributes=marks)
        # The operator writes its state over these. The converter merges equal constants, and nobody else's are -0.
        own = [tf.fill(each.shape, -0.0) for each in states]
        _, outputs, hidden, carry, _ = function(sequences, *own, cell.kernel, cell.recurrent_kernel, bias)
        batch, steps, _ = sequences.shape
        outputs.set_shape((batch, steps, cell.units))
        return outputs, [hidden, carry]

    return emit


def _lstm(sequences: Any, hidden: Any, carry: Any, *weights: Any) -> Any:
    """Run an LSTM step by step from zeros; returns what the marked functions of TensorFlow's own Keras return.

    This is what remains where the operator will not do: where the last carry is read, which it does not put out.
    """
    import tensorflow as tf

    kernel, recurrent_kernel, bias = weights

    def step(states: Any, inputs: Any) -> Any:
        hidden, carry = states
        gates = tf.matmul(inputs, kernel) + tf.matmul(hidden, recurrent_kernel) + bias
        enter, forget, value, leave = tf.split(gates, 4, axis=-1)
        carry = tf.sigmoid(forget) * carry + tf.sigmoid(enter) * tf.tanh(value)
        return tf.sigmoid(leave) * tf.tanh(carry), carry

    zeros = tf.zeros_like(hidden), tf.zeros_like(carry)
    hiddens, carries = tf.scan(step, tf.transpose(sequences, [1, 0, 2]), initializer=zeros)
    return hiddens[-1], tf.transpose(hiddens, [1, 0, 2]), hiddens[-1], carries[-1], tf.constant(0.0)


def _as_signature(frozen: Any, specs: list[Any]) -> Any:
    """Give the frozen function named inputs and outputs, which a signature needs."""
    import tensorflow as tf

    def serve(**named: Any) -> dict[str, Any]:
        outputs = frozen(*[named[spec.name] for spec in specs])
        flat = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
        return {output_name(position): value for position, value in enumerate(flat)}

    return tf.function(serve, autograph=False).get_concrete_function(**{spec.name: spec for spec in specs})
