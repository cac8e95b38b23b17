"""Which layer an operator belongs to: every call of a layer is traced in a scope of its own number."""

from __future__ import annotations

import contextlib
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inferspeed_magic.formats.replacement import replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SCOPE = re.compile(r"im_call_(\d+)_/")


@dataclass(eq=False)
class Call:
    """One call of a layer, or of an operation between the layers of a functional model.

    Attributes:
        number: in the order in which calls begin.
        owner: the layer.
        outer: the call that it was made in.
        input_shape: of the first input, with the batch.
        output_shape: of the first output, with the batch.
        ended: in the order in which calls end.
    """

    number: int
    owner: Any
    outer: Call | None
    input_shape: tuple[int | None, ...] = ()
    output_shape: tuple[int | None, ...] = ()
    ended: int = 0


@dataclass(eq=False)
class Calls:
    """All calls of one trace."""

    made: list[Call] = field(default_factory=list)
    _open: list[Call] = field(default_factory=list)
    _ended: int = 0

    def of(self, operator: str) -> int | None:
        """Return the number of the call that an operator of this name was traced in; None for none in its graph."""
        found = _SCOPE.match(operator)
        return int(found.group(1)) if found else None

    @contextlib.contextmanager
    def recorded(self, library: str) -> Iterator[Calls]:
        """Record the calls of this thread's layers of ``keras`` or ``tf_keras``."""
        keras: Any = sys.modules[library]
        layers = keras.layers.Layer

        def every(original: Any) -> Callable[..., Any]:
            return lambda layer, *given, **options: self._call(original, layer, given, options)

        def between_layers(original: Any) -> Callable[..., Any]:
            def call(operation: Any, *given: Any, **options: Any) -> Any:
                if isinstance(operation, layers) or not self._in_model(operation):
                    return original(operation, *given, **options)
                return self._call(original, operation, given, options)

            return call

        with contextlib.ExitStack() as stack:
            stack.enter_context(replaced(layers, "__call__", every))
            if hasattr(keras, "Operation"):
                stack.enter_context(replaced(keras.Operation, "__call__", between_layers))
            yield self

    def _in_model(self, operation: Any) -> bool:
        """Whether this is a step of the functional model that is being called."""
        operations = getattr(self._open[-1].owner, "_operations", ()) if self._open else ()
        return any(each is operation for each in operations)

    def _call(self, original: Any, owner: Any, given: Any, options: Any) -> Any:
        import tensorflow as tf

        # A class may call the method of the class that it is derived from; variables are made outside of the graph.
        if tf.executing_eagerly() or (self._open and self._open[-1].owner is owner):
            return original(owner, *given, **options)
        call = Call(len(self.made), owner, self._open[-1] if self._open else None)
        self.made.append(call)
        self._open.append(call)
        try:
            # With a slash at its end a scope begins at the top, whatever is around it.
            with tf.name_scope(f"im_call_{call.number}_/"):
                outputs = _own(original(owner, *given, **options), (given, options))
        finally:
            self._open.pop()
        call.ended, self._ended = self._ended, self._ended + 1
        call.input_shape, call.output_shape = _shape_of(given), _shape_of(outputs)
        return outputs


def _shape_of(outputs: Any) -> tuple[int | None, ...]:
    """Return the shape of the first tensor that has one."""
    import tensorflow as tf

    for each in tf.nest.flatten(outputs, expand_composites=False):
        shape = getattr(each, "shape", None)
        if shape is not None and getattr(shape, "rank", None):
            return tuple(shape.as_list())
    return ()


def _own(outputs: Any, given: Any) -> Any:
    """Give what a layer hands on as it is (dropout does, in an inference) an operator of the layer's own.

    It is a view and costs nothing; without it nothing in the graph would show that the layer is there.
    """
    import tensorflow as tf

    handed_in = {id(each) for each in tf.nest.flatten(given) if isinstance(each, tf.Tensor)}

    def own(tensor: Any) -> Any:
        if id(tensor) not in handed_in:
            return tensor
        made = tf.identity(tensor)
        mask = getattr(tensor, "_keras_mask", None)
        if mask is not None:
            made._keras_mask = mask  # noqa: SLF001  (where both Keras libraries keep it)
        return made

    if not any(id(each) in handed_in for each in tf.nest.flatten(outputs)):
        return outputs
    return tf.nest.map_structure(own, outputs)
