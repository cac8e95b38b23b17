"""Recurrent layers of Keras, handed to the converters as the operators that they are.

Keras traces a recurrent layer into a loop with tensor lists, which no converter turns back into an LSTM. While
``lowered`` is active, the layers call an ``emit`` in place of their loop: one for each target
(``formats.onnx_operators``, ``formats.saved_model``).

A mask needs no operator that knows masks. A masked step changes nothing, so the steps that count are moved to the
front, the operator runs over them (and over the rest, whose results nobody looks at), and every step then looks up the
result of the last step that counted. Operators that take lengths are no help: OpenVINO's are slow with them, or wrong.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from inferspeed_magic.formats.replacement import replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: These gates are exactly 0 and 1 at such inputs.
_SATURATING, _GATES = 1e4, {"sigmoid", "hard_sigmoid"}
_KINDS = {"LSTMCell": "LSTM", "GRUCell": "GRU", "SimpleRNNCell": "RNN"}


@dataclass(frozen=True)
class Cell:
    """What a recurrent layer computes in each step.

    Attributes:
        kind: ``LSTM``, ``GRU`` or ``RNN``.
        units: size of the state.
        kernel: weights of the inputs, (features, gates * units), gates in Keras's order.
        recurrent_kernel: weights of the state, (units, gates * units).
        bias: (gates * units), for a GRU with ``reset_after`` (2, 3 * units); None without.
        activation, recurrent_activation: Keras's names.
        reset_after: of a GRU: whether the reset gate is applied after the multiplication.
    """

    kind: str
    units: int
    kernel: Any
    recurrent_kernel: Any
    bias: Any
    activation: str
    recurrent_activation: str
    reset_after: bool


@contextlib.contextmanager
def lowered(emit: Callable[[Cell, Any, list[Any]], tuple[Any, list[Any]] | None]) -> Iterator[None]:
    """Have the recurrent layers of Keras 3 call this in place of their loop.

    Args:
        emit: takes a cell, sequences (batch, steps, features) and the initial states; returns the outputs (batch,
            steps, units) and the last states, or None if the target has no operator for this cell.
    """
    from keras import layers

    def change(original: Callable[..., Any]) -> Callable[..., Any]:
        def inner_loop(layer: Any, sequences: Any, initial_state: Any, mask: Any, **options: Any) -> Any:
            found = _run(emit, layer, sequences, initial_state, mask)
            return original(layer, sequences, initial_state, mask, **options) if found is None else found

        return inner_loop

    with contextlib.ExitStack() as stack:
        for kind in (layers.RNN, layers.LSTM, layers.GRU):
            if "inner_loop" in vars(kind):
                stack.enter_context(replaced(kind, "inner_loop", change))
        yield


def _run(emit: Any, layer: Any, sequences: Any, initial_state: Any, mask: Any) -> Any:
    """Return last output, outputs and states, as ``RNN.inner_loop`` does; None if the loop has to stay."""
    import keras
    import tensorflow as tf

    cell = _cell(layer.cell)
    if cell is None:
        return None
    states = list(keras.tree.flatten(initial_state))
    masks = [each for each in keras.tree.flatten(mask) if each is not None]
    mask = tf.cast(masks[0], tf.bool) if masks else None
    if layer.go_backwards:
        sequences = tf.reverse(sequences, [1])
        mask = None if mask is None else tf.reverse(mask, [1])
    if mask is None:
        emitted = emit(cell, sequences, states)
        return None if emitted is None else (emitted[0][:, -1], *emitted)
    return _run_masked(emit, cell, sequences, states, mask, zero=layer.zero_output_for_mask, carry=layer.return_state)


def _run_masked(emit: Any, cell: Cell, sequences: Any, states: list[Any], mask: Any, *, zero: bool, carry: bool) -> Any:
    """Do the same where some steps do not count; ``carry`` says whether the carry of an LSTM matters."""
    import tensorflow as tf

    carried = carry and cell.kind == "LSTM"
    if carried and cell.recurrent_activation not in _GATES:
        return None
    steps = tf.shape(mask)[1]
    position = tf.range(steps)[None]
    # Sorting by this key moves the steps that count to the front and keeps their order.
    order = tf.math.top_k(-tf.where(mask, position, position + steps), k=steps, sorted=True).indices
    packed = tf.ensure_shape(tf.gather(sequences, order, batch_dims=1), sequences.shape)
    lengths = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1, keepdims=True)
    if carried:
        cell, packed = _keeping_carry(cell, packed, position >= lengths)
    emitted = emit(cell, packed, states)
    if emitted is None:
        return None
    outputs, ends = emitted
    latest = tf.cumsum(tf.cast(mask, tf.int32), axis=1) - 1
    seen = tf.gather(outputs, tf.maximum(latest, 0), batch_dims=1)
    seen = tf.ensure_shape(tf.where((latest >= 0)[..., None], seen, tf.zeros_like(seen)), outputs.shape)
    hidden = tf.where(lengths > 0, seen[:, -1], states[0])
    outputs = tf.where(mask[..., None], seen, tf.zeros_like(seen)) if zero else seen
    return outputs[:, -1], outputs, [hidden, *ends[1:]]


def _keeping_carry(cell: Cell, sequences: Any, idle: Any) -> tuple[Cell, Any]:
    """Have an LSTM keep its carry in idle steps: one feature more opens the forget gate and closes the input gate."""
    import tensorflow as tf

    enter, forget = (tf.fill([1, cell.units], value) for value in (-_SATURATING, _SATURATING))
    row = tf.cast(tf.concat([enter, forget, tf.zeros([1, 2 * cell.units])], axis=1), cell.kernel.dtype)
    feature = tf.cast(idle, sequences.dtype)[..., None]
    return replace(cell, kernel=tf.concat([cell.kernel, row], axis=0)), tf.concat([sequences, feature], axis=-1)


def _cell(cell: Any) -> Cell | None:
    """Describe a cell of Keras's own; None for anything else, whose loop has to stay."""
    from keras import activations, layers

    name = type(cell).__name__
    kind = _KINDS.get(name)
    if kind is None or type(cell) is not getattr(layers, name):
        return None
    named = [_name_of(activations, getattr(cell, each, None)) for each in ("activation", "recurrent_activation")]
    if named[0] is None or (named[1] is None and kind != "RNN"):
        return None
    return Cell(
        kind,
        cell.units,
        _tensor(cell, "kernel"),
        _tensor(cell, "recurrent_kernel"),
        _tensor(cell, "bias"),
        activation=named[0],
        recurrent_activation=named[1] or "",
        reset_after=bool(getattr(cell, "reset_after", False)),
    )


def _name_of(activations: Any, function: Any) -> str | None:
    name = getattr(function, "__name__", "")
    return name if getattr(activations, name or "?", None) is function else None


def _tensor(cell: Any, attribute: str) -> Any:
    import tensorflow as tf

    value = getattr(cell, attribute, None)
    return None if value is None else tf.convert_to_tensor(value)


def constant_zeros(values: Sequence[Any]) -> bool:
    """Whether these tensors are known to be zero while tracing: the initial state of a layer that was given none."""
    import tensorflow as tf

    known = [tf.get_static_value(each) for each in values]
    return all(each is not None and not each.any() for each in known)
