"""Follow a Keras 3 graph call by call, and call the counterparts in tf_keras."""

# ruff: noqa: SLF001  (Keras has its graph of calls nowhere public)

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.twins.graphs import graph_of, is_graph, masks_on
from inferspeed_magic.twins.layers import counterpart
from inferspeed_magic.twins.operations import Operations
from inferspeed_magic.twins.paths import clean, joined, paths_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.twins.paths import Path

    #: Tensors of the twin by the ``id`` of the tensors that they stand for.
    Known = dict[int, Any]


class Building:
    """Builds the twin of one model; layers that are shared stay shared.

    Args:
        model: of Keras 3, a graph.
        flat: whether layers of models inside the model become the twin's own.
    """

    def __init__(self, model: Any, *, flat: bool) -> None:
        import keras
        import tf_keras

        self._keras, self._tf_keras, self._flat = keras, tf_keras, flat
        self._paths: dict[int, Path] = {key: path for key, (_, path) in paths_of(model, keras).items()}
        self._made: dict[int, Any] = {}
        self._operations = Operations(keras, tf_keras)

    def model(self, model: Any, name: str) -> Any:
        """Build the twin of a model, without its weights.

        Raises:
            UnsupportedError: naming the layer that tf_keras does not have.
        """
        graph = graph_of(model, self._keras)
        known: Known = {id(tensor): self._input(tensor) for tensor in graph._inputs}
        self._follow(graph, known, None)
        inputs, outputs = (
            self._keras.tree.map_structure(lambda tensor: known[id(tensor)], each)
            for each in (graph._inputs_struct, graph._outputs_struct)
        )
        return self._tf_keras.Model(inputs, outputs, name=clean(name))

    def _input(self, tensor: Any) -> Any:
        return self._tf_keras.Input(
            batch_shape=tensor.shape, dtype=str(tensor.dtype), name=clean(tensor.name), sparse=bool(tensor.sparse)
        )

    def _follow(self, graph: Any, known: Known, training: bool | None) -> None:  # noqa: FBT001
        """Call everything that outputs need, in the order of the graph.

        Args:
            graph: to follow.
            known: of its inputs; what is made is added.
            training: that the calls of this graph are fixed to; None where they are not.
        """
        calls = self._needed(graph, known)
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                if id(node) in calls:
                    made = self._tf_keras_leaves(self._call(node, *calls[id(node)], known, training))
                    known |= {id(tensor): value for tensor, value in zip(node.outputs, made, strict=True)}

    def _needed(self, graph: Any, known: Known) -> dict[int, tuple[list[Any], dict[str, Any]]]:
        """List the calls that outputs depend on, by ``id`` of their nodes, each with what is called with.

        Those that do nothing but pass masks along are none of them: tf_keras does so by itself.
        """
        producers = {
            id(tensor): node for nodes in graph._nodes_by_depth.values() for node in nodes for tensor in node.outputs
        }
        calls: dict[int, tuple[list[Any], dict[str, Any]]] = {}
        waiting = list(graph._outputs)
        while waiting:
            tensor = waiting.pop()
            node = producers.get(id(tensor))
            if id(tensor) in known or node is None or node.is_input or id(node) in calls:
                continue
            calls[id(node)] = self._arguments(node)
            waiting += [
                each for each in self._keras.tree.flatten(calls[id(node)]) if isinstance(each, self._keras.KerasTensor)
            ]
        return calls

    def _arguments(self, node: Any) -> tuple[list[Any], dict[str, Any]]:
        """Give what an operation was called with; masks that Keras put there itself left out."""
        args, options = list(node.arguments.args), dict(node.arguments.kwargs)
        automatic = {id(mask) for mask in masks_on([args, options], self._keras) if mask is not None}
        for name in [each for each in options if each == "mask" or each.endswith("_mask")]:
            masks = self._keras.tree.flatten(options[name])
            if all(mask is None or id(mask) in automatic for mask in masks):
                options.pop(name)
        return args, options

    def _call(
        self,
        node: Any,
        args: Sequence[Any],
        options: dict[str, Any],
        known: Known,
        training: bool | None,  # noqa: FBT001
    ) -> Any:
        operation = node.operation
        if is_graph(operation, self._keras):
            return self._call_model(operation, args, options, known, training)
        values, more = self._keras.tree.map_structure(lambda each: self._value(each, known), (list(args), options))
        if not isinstance(operation, self._keras.layers.Layer):
            return self._operations.call(operation, values, more, node)
        if isinstance(operation, self._keras.Model):
            raise UnsupportedError(
                f"the model {operation.name} ({type(operation).__name__}) is subclassed: only its code knows its layers"
            )
        layer = self._layer(operation)
        named = list(inspect.signature(operation.call).parameters)
        more = dict(zip(named, values, strict=False)) | more
        first = more.pop(named[0])
        if more.get("training") is None and training is not None:
            more["training"] = training
        if "mask" in named and self._goes_unmasked(node, options):
            more["mask"] = _all_there(first)
        return layer(first, **self._accepted(layer, more, operation))

    def _goes_unmasked(self, node: Any, options: dict[str, Any]) -> bool:
        """Tell whether Keras 3 leaves out a mask that tf_keras would use, as with the initial states of an LSTM."""
        if not node.arguments.args or node.arguments.kwargs.get("mask") is not None or "mask" in options:
            return False
        first = node.arguments.args[0]
        return isinstance(first, self._keras.KerasTensor) and masks_on(first, self._keras) != [None]

    def _call_model(
        self,
        model: Any,
        args: Sequence[Any],
        options: dict[str, Any],
        known: Known,
        training: bool | None,  # noqa: FBT001
    ) -> Any:
        """Call a model inside the model: its twin, or in a flat one its layers."""
        fixed = options.get("training")
        fixed = training if fixed is None else fixed
        graph = graph_of(model, self._keras)
        given = args[0] if args else next(iter(options.values()))
        values = [known[id(tensor)] for tensor in self._in_its_order(graph, given)]
        if self._flat:
            within: Known = {id(tensor): value for tensor, value in zip(graph._inputs, values, strict=True)}
            self._follow(graph, within, fixed)
            return [within[id(tensor)] for tensor in graph._outputs]
        if id(model) not in self._made:
            self._made[id(model)] = self.model(model, model.name)
        packed = self._keras.tree.pack_sequence_as(graph._inputs_struct, values)
        return self._made[id(model)](packed, **({} if fixed is None else {"training": fixed}))

    def _in_its_order(self, graph: Any, given: Any) -> list[Any]:
        """Bring what a model is called with into the order of its inputs: Keras matches a dictionary by names."""
        if isinstance(given, dict) and not isinstance(graph._inputs_struct, dict):
            return [given[tensor.name] for tensor in graph._inputs]
        return list(self._keras.tree.flatten(given))

    def _layer(self, layer: Any) -> Any:
        if id(layer) not in self._made:
            path = self._paths.get(id(layer), (clean(layer.name),))
            self._made[id(layer)] = counterpart(layer, joined(path) if self._flat else path[-1], self._inside)
        return self._made[id(layer)]

    def _inside(self, layer: Any, name: str) -> Any:
        """Make what a wrapper wraps."""
        if is_graph(layer, self._keras):
            nested = Building(layer, flat=False)
            return nested.model(layer, name)
        return counterpart(layer, clean(name), self._inside)

    def _accepted(self, layer: Any, options: dict[str, Any], source: Any) -> dict[str, Any]:
        """Leave out what tf_keras's layer does not take, where it says nothing.

        Raises:
            UnsupportedError: where it does.
        """
        parameters = inspect.signature(type(layer).call).parameters
        every = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
        found = {}
        for name, value in options.items():
            if value is None:
                continue
            if name in parameters or every:
                found[name] = value
            elif name != "training" and not name.endswith("_mask") and value is not False:
                raise UnsupportedError(f"the layer {source.name} is called with {name}, which tf_keras's does not take")
        return found

    def _value(self, value: Any, known: Known) -> Any:
        if isinstance(value, self._keras.KerasTensor):
            return known[id(value)]
        if self._keras.ops.is_tensor(value) or isinstance(value, self._keras.Variable):
            return self._keras.ops.convert_to_numpy(value)
        return value

    def _tf_keras_leaves(self, values: Any) -> list[Any]:
        import tensorflow as tf

        return list(tf.nest.flatten(values))


def _all_there(sequences: Any) -> Any:
    """Make a mask that leaves nothing out."""
    import tensorflow as tf

    first = (slice(None), slice(None), *(0 for _ in sequences.shape[2:]))
    return tf.ones_like(sequences[first], dtype=tf.bool)
