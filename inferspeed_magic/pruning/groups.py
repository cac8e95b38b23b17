"""Units that stand at the same place in several layers, so that they have to shrink together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import OptionError, UnsupportedError
from inferspeed_magic.pruning.rebuilding import SHAPE
from inferspeed_magic.pruning.tracing import Trace, is_graph
from inferspeed_magic.pruning.units import FIXED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from inferspeed_magic.pruning.passages import Slice
    from inferspeed_magic.pruning.units import Channels

#: Of each group, this share may go at most: what is left has to carry the layers behind it.
MOST = 0.9
#: Where attention's configuration counts its heads: no kernel likes these in multiples.
HEADS = "num_heads"


@dataclass(frozen=True)
class Group:
    """Units that the same layers make.

    Attributes:
        name: of the first layer that makes them; with a number behind it where that makes several groups.
        layers: that make them.
        units: all of them.
        free: those that can be removed.
        heads: whether these are heads of attention.
    """

    name: str
    layers: tuple[str, ...]
    units: tuple[int, ...]
    free: tuple[int, ...]
    heads: bool = False

    @property
    def most(self) -> int:
        """How many may go."""
        return min(len(self.units) - 1, math.floor(MOST * len(self.units)))

    def least(self, scores: Mapping[int, float], share: float = 1.0) -> list[int]:
        """List the units that go at a share of those that can be removed, those with the least scores first.

        Args:
            scores: of units; what has none stays.
            share: 0 to 1.
        """
        ranked = sorted((unit for unit in self.free if unit in scores), key=scores.__getitem__)
        return ranked[: min(self.most, round(share * len(ranked)))]


def traced(model: Any) -> Trace:
    """Follow the channels of a model.

    Raises:
        UnsupportedError: for a model that is no graph of layers.
    """
    import keras

    if not hasattr(model, "layers"):
        raise OptionError(
            f"give a Keras 3 model in place of a {type(model).__name__}: keras.saving.load_model reads one from a file"
        )
    if not is_graph(model, keras):
        raise UnsupportedError(
            "channels are removed from Sequential and functional models of Keras 3 that are built: of a subclassed one "
            "only its own code knows how layers are connected"
        )
    return Trace(model, keras)


def groups(trace: Trace) -> list[Group]:
    """Bring units together that are made by the same layers, in the order of the model."""
    makers: dict[int, dict[tuple[Any, ...], str]] = {}
    heads: set[int] = set()
    for layer, path, channels in made_channels(trace):
        heads |= set(distinct(trace, channels)) if path[-1] == HEADS else set()
        for unit in distinct(trace, channels):
            # Layers inside of models may have the same names, and attention makes both heads and channels.
            makers.setdefault(unit, {})[id(layer), path] = layer.name
    together: dict[tuple[Any, ...], list[int]] = {}
    for unit, names in makers.items():
        together.setdefault(tuple(names), []).append(unit)
    seen: dict[str, int] = {}
    found = []
    for units in together.values():
        layers = tuple(dict.fromkeys(makers[units[0]].values()))
        seen[layers[0]] = number = seen.get(layers[0], 0) + 1
        name = layers[0] if number == 1 else f"{layers[0]}:{number}"
        free = tuple(unit for unit in units if trace.units.reason(unit) is None)
        found.append(Group(name, layers, tuple(units), free, units[0] in heads))
    return found


def made_channels(trace: Trace) -> Iterator[tuple[Any, tuple[str, ...], Channels]]:
    """List layers with the channels that they make."""
    for layer in trace.layers:
        for path, channels in trace.passages[id(layer)].sizes.items():
            if path[0] != SHAPE:
                yield layer, path, channels


def sliced(trace: Trace) -> Iterator[tuple[Any, Slice, Channels]]:
    """List layers with the axes of their weights that channels are counted along, and the unit of each place there."""
    for layer in trace.layers:
        for each in trace.passages[id(layer)].slices:
            yield layer, each, trace.units.roots(each.channels)


def distinct(trace: Trace, channels: Channels) -> list[int]:
    """List the units that channels stand for, each once."""
    return [unit for unit in dict.fromkeys(trace.units.roots(channels).tolist()) if unit != FIXED]
