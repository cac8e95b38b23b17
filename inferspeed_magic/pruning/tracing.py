"""Follow the channels of a Keras model from layer to layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.pruning.passages import Call, CannotPassError, Passage
from inferspeed_magic.pruning.rules import LAYERS, OPERATIONS
from inferspeed_magic.pruning.units import FIXED, Units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.pruning.units import Channels


class Trace:
    """Where the channels of a model lie.

    Args:
        model: a Sequential or functional model of Keras 3, built.
        keras: the library.

    Attributes:
        units: which channels have to go together.
        passages: of each layer that makes channels, or has weights along them, by its ``id``.
        layers: these layers, in the order of their first calls.
        within: channels of the inputs of models inside the model, by their ``id``.
    """

    def __init__(self, model: Any, keras: Any) -> None:
        self.units = Units()
        self.passages: dict[int, Passage] = {}
        self.layers: list[Any] = []
        self.within: dict[int, list[Channels]] = {}
        self._keras = keras
        self._first: dict[int, list[Channels]] = {}
        self._results: dict[int, list[Channels]] = {}
        self._refused: set[int] = set()
        given = [_fixed(tensor) for tensor in graph_of(model, keras)._inputs]
        for channels in self._follow(model, given):
            self.units.fix(channels, "it is an output of the model")

    def _follow(self, model: Any, given: Sequence[Channels]) -> list[Channels]:
        graph = graph_of(model, self._keras)
        known = {id(tensor): channels for tensor, channels in zip(graph._inputs, given, strict=True)}
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                if node.is_input or all(id(tensor) in known for tensor in node.outputs):
                    continue
                taken = list(node.input_tensors)
                made = self._through(node, taken, [known[id(tensor)] for tensor in taken])
                known |= {id(tensor): channels for tensor, channels in zip(node.outputs, made, strict=True)}
        return [known[id(tensor)] for tensor in graph._outputs]

    def _through(self, node: Any, tensors: list[Any], inputs: list[Channels]) -> list[Channels]:
        """Lead channels through one call; a layer that is called again has the same weights."""
        operation, outputs = node.operation, list(node.outputs)
        if id(operation) in self._first:
            return self._again(operation, inputs, outputs)
        if is_graph(operation, self._keras):
            inputs = self._in_its_order(operation, node, tensors, inputs)
            self._first[id(operation)] = self.within[id(operation)] = inputs
            self._results[id(operation)] = self._follow(operation, inputs)
            return self._results[id(operation)]
        arguments = node.arguments
        call = Call(operation, inputs, tensors, outputs, arguments.args, arguments.kwargs, self.units)
        passage = self._passage(call)
        if passage.slices or passage.sizes or id(operation) in self._refused:
            self._first[id(operation)] = inputs
            self._results[id(operation)] = passage.outputs
        if passage.slices or passage.sizes:
            self.passages[id(operation)] = passage
            self.layers.append(operation)
        return passage.outputs

    def _again(self, operation: Any, inputs: list[Channels], outputs: list[Any]) -> list[Channels]:
        """Unite what goes in with what went in at the first call; a call of another form fixes everything."""
        first, made = self._first[id(operation)], self._results[id(operation)]
        reason = f"{operation.name} is called with it, too, and has one set of weights"
        alike = [len(each) for each in first] == [len(each) for each in inputs] and len(made) == len(outputs)
        alike = alike and all(
            len(channels) == len(_fixed(tensor)) for channels, tensor in zip(made, outputs, strict=True)
        )
        if alike and id(operation) not in self._refused:
            for before, now in zip(first, inputs, strict=True):
                self.units.unite(before, now, reason)
            return made
        passage = self.passages.get(id(operation), Passage([]))
        sliced = [each.channels for each in passage.slices]
        for channels in (*first, *inputs, *made, *sliced, *passage.sizes.values()):
            self.units.fix(channels, reason)
        return [_fixed(tensor) for tensor in outputs]

    def _in_its_order(self, model: Any, node: Any, tensors: list[Any], inputs: list[Channels]) -> list[Channels]:
        """Bring what a model is called with into the order of its inputs: Keras matches a dictionary by names."""
        given = node.arguments.args[0] if node.arguments.args else None
        graph = graph_of(model, self._keras)
        if not isinstance(given, dict) or isinstance(graph.input, dict):
            return inputs
        places = {id(tensor): channels for tensor, channels in zip(tensors, inputs, strict=True)}
        return [places[id(given[tensor.name])] for tensor in graph._inputs]

    def _passage(self, call: Call) -> Passage:
        operation, kind = call.operation, type(call.operation)
        layer = isinstance(operation, self._keras.layers.Layer)
        own = kind.__module__.partition(".")[0] == self._keras.__name__
        rule = (LAYERS if layer else OPERATIONS).get(kind.__name__) if own else None
        why = "nothing says what it does with channels"
        if getattr(operation, "quantization_mode", None) or getattr(operation, "lora_enabled", False):
            rule, why = None, "its weights are quantized, or have LoRA beside them"
        if rule is not None:
            try:
                return rule(call)
            except CannotPassError as error:
                why = str(error)
        self._refused.add(id(operation))
        for channels in call.inputs:
            self.units.fix(channels, f"it goes into {call.name} ({kind.__name__}): {why}")
        return Passage([_fixed(tensor) for tensor in call.outputs])


def graph_of(model: Any, keras: Any) -> Any:
    """Give the graph of calls of a Sequential or functional model."""
    return model._functional if isinstance(model, keras.Sequential) else model


def is_graph(operation: Any, keras: Any) -> bool:
    """Tell whether this is a model that is nothing but its graph of layers."""
    if isinstance(operation, keras.Sequential):
        return type(operation) is keras.Sequential and operation._functional is not None
    return (
        isinstance(operation, keras.Model)
        and type(operation).__name__ in ("Functional", "Model")
        and (hasattr(operation, "_nodes_by_depth"))
    )


def _fixed(tensor: Any) -> Channels:
    width = tensor.shape[-1] if len(tensor.shape) else 1
    return np.full(width or 1, FIXED, np.int64)
