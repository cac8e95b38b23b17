"""Build the model again without the units that were removed."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.pruning.tracing import graph_of, is_graph

if TYPE_CHECKING:
    from collections.abc import Collection

    from inferspeed_magic.pruning.passages import Passage
    from inferspeed_magic.pruning.tracing import Trace
    from inferspeed_magic.pruning.units import Channels

#: Where a layer's configuration has the whole shape that comes out: channels are counted in it, not made.
SHAPE = "target_shape"


def rebuilt(model: Any, trace: Trace, removed: Collection[int], keras: Any) -> Any:
    """Make a model of the same layers, each without the units that were removed; the given one is not changed.

    Args:
        model: that was traced.
        trace: of it.
        removed: units, as ``trace.units.roots`` gives them.
        keras: the library.
    """
    return _Rebuilding(trace, removed, keras).model(model)


#: Layers that keep words or numbers to look up beside their weights.
_LOOKUPS = ("StringLookup", "IntegerLookup", "TextVectorization")


class _Rebuilding:
    """Exchanges layers, each once: shared layers stay shared."""

    def __init__(self, trace: Trace, removed: Collection[int], keras: Any) -> None:
        self._trace = trace
        self._removed = np.array(sorted(removed), np.int64)
        self._keras = keras
        self._made: dict[int, Any] = {}
        self._weights: list[tuple[Any, Any, list[Any]]] = []

    def model(self, model: Any) -> Any:
        """Build a model, weights and all."""
        from keras.src.saving.serialization_lib import SafeModeScope

        compiled, model.compiled = model.compiled, False
        try:
            with self._keras.saving.custom_object_scope(_own_objects(model)), SafeModeScope(safe_mode=False):
                made = self._cloned(model)
        finally:
            model.compiled = compiled
        # Layers have their weights only once they were called.
        for layer, was, weights in self._weights:
            layer.set_weights(weights)
            _restore(layer, was)
        if compiled:
            try:
                with self._keras.saving.custom_object_scope(_own_objects(model)):
                    made.compile_from_config(model.get_compile_config())
            except Exception as error:  # noqa: BLE001  (a loss or metric of the user's own, that no configuration holds)
                warnings.warn(f"compile the smaller model again: {error}", stacklevel=4)
        return made

    def _cloned(self, model: Any) -> Any:
        tensors = None
        if id(model) in self._trace.within:
            inputs = {
                id(tensor): self._count(channels)
                for tensor, channels in zip(
                    graph_of(model, self._keras)._inputs, self._trace.within[id(model)], strict=True
                )
            }
            tensors = self._keras.tree.map_structure(
                lambda tensor: self._input(tensor, inputs[id(tensor)]), graph_of(model, self._keras).input
            )
        return self._keras.models.clone_model(model, input_tensors=tensors, clone_function=self._exchanged)

    def _input(self, tensor: Any, width: int) -> Any:
        narrow = len(tensor.shape) > 1 and tensor.shape[-1] is not None
        shape = (*tensor.shape[:-1], width) if narrow else tensor.shape
        return self._keras.Input(batch_shape=shape, dtype=tensor.dtype, name=tensor.name)

    def _exchanged(self, layer: Any) -> Any:
        if not isinstance(layer, self._keras.layers.Layer):
            return layer  # operations have nothing of their own
        if id(layer) not in self._made:
            made = self._cloned(layer) if is_graph(layer, self._keras) else self._smaller(layer)
            self._made[id(layer)] = made
        return self._made[id(layer)]

    def _smaller(self, layer: Any) -> Any:
        passage = self._trace.passages.get(id(layer))
        config = _unbuilt(layer.get_config())
        if passage and passage.slices:  # arrays that weights began with do not fit any more, and are not needed
            config |= {key: "zeros" for key in config if key.endswith("_initializer")}
        for path, channels in (passage.sizes if passage else {}).items():
            _put(config, path, self._count(channels))
        try:
            made = type(layer).from_config(config)
        except Exception as error:
            reason = str(error).partition("\n")[0]
            raise UnsupportedError(f"{layer.name} cannot be rebuilt from its configuration: {reason}") from error
        self._weights.append((made, layer, [self._narrowed(weight, passage) for weight in layer.weights]))
        return made

    def _narrowed(self, weight: Any, passage: Passage | None) -> Any:
        array = weight.numpy()
        for each in passage.slices if passage else ():
            if each.weight is weight:
                array = np.compress(self._kept(each.channels), array, axis=each.axis)
        return array

    def _kept(self, channels: Channels) -> Any:
        return ~np.isin(self._trace.units.roots(channels), self._removed)

    def _count(self, channels: Channels) -> int:
        return int(self._kept(channels).sum())


def _restore(layer: Any, was: Any) -> None:
    """Bring along what a layer knows beside its weights."""
    for each, before in zip(layer._flatten_layers(), was._flatten_layers(), strict=True):
        if type(before).__name__ == "Normalization":
            each.finalize_state()
        elif type(before).__name__ in _LOOKUPS and not before.get_config().get("vocabulary"):
            each.set_vocabulary(before.get_vocabulary(include_special_tokens=False))


def _own_objects(model: Any) -> dict[str, Any]:
    """List the classes and functions of the user's own that a model's configuration names."""
    found: dict[str, Any] = {}
    for layer in model._flatten_layers():
        for thing in (type(layer), *vars(layer).values()):
            if callable(thing) and hasattr(thing, "__name__") and not str(thing.__module__).startswith("keras."):
                found[thing.__name__] = thing
    return found


def _unbuilt(config: Any) -> Any:
    """Forget for which shapes layers inside of layers were built: these are others now."""
    if isinstance(config, dict):
        return {key: _unbuilt(value) for key, value in config.items() if key != "build_config"}
    return [_unbuilt(each) for each in config] if isinstance(config, list) else config


def _put(config: dict[str, Any], path: tuple[str, ...], count: int) -> None:
    *folders, last = path
    for folder in folders:
        if folder == SHAPE:
            shape = list(config[folder])
            config[folder] = (*shape[:-1], -1 if shape[-1] == -1 else count)
            return
        config = config[folder]
    config[last] = count
