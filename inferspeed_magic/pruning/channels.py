"""Remove channels, neurons and heads from a Keras 3 model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import OptionError, UnsupportedError
from inferspeed_magic.pruning.gradients import loss_gradients
from inferspeed_magic.pruning.importance import unit_scores
from inferspeed_magic.pruning.rebuilding import SHAPE, rebuilt
from inferspeed_magic.pruning.tracing import Trace, is_graph
from inferspeed_magic.pruning.units import FIXED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from inferspeed_magic.pruning.importance import Importance
    from inferspeed_magic.pruning.units import Channels

#: Of each group, this share may go at most: what is left has to carry the layers behind it.
_MOST = 0.9
#: Where attention's configuration counts its heads: no kernel likes these in multiples.
HEADS = "num_heads"


@dataclass(frozen=True)
class _Group:
    """Units of one place in the model.

    Attributes:
        units: that can be removed, and have a score.
        width: of all that are there.
    """

    units: list[int]
    width: int

    @property
    def most(self) -> int:
        """How many may go."""
        return min(self.width - 1, math.floor(_MOST * self.width))


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that stand at the same place in several layers, so that they have to shrink together.

    Attributes:
        layers: that make them.
        width: how many there are.
        free: how many of these can be removed.
        reason: why the others cannot; empty where all can.
    """

    layers: tuple[str, ...]
    width: int
    free: int
    reason: str = ""


def channel_groups(model: Any) -> tuple[ChannelGroup, ...]:
    """List what can be removed from a model, and of what cannot, why.

    Args:
        model: a Sequential or functional model of Keras 3.

    Raises:
        UnsupportedError: for a model that is no graph of layers.
    """
    trace = _traced(model)
    found = []
    for layers, units in _groups(trace):
        reasons = [reason for unit in units if (reason := trace.units.reason(unit)) is not None]
        found.append(ChannelGroup(tuple(layers), len(units), len(units) - len(reasons), next(iter(reasons), "")))
    return tuple(found)


def prune(
    model: Any,
    sparsity: float,
    *,
    importance: Importance = "l2",
    scope: str = "global",
    multiple_of: int = 1,
    data: Any = None,
) -> Any:
    """Remove the channels, neurons and heads that a model would miss least.

    What comes back is an ordinary Keras model with narrower layers: it saves, trains and exports. The one that is given
    is not changed. Accuracy falls with every unit that mattered; train it on afterwards.

    Args:
        model: a Sequential or functional model of Keras 3, built.
        sparsity: share of the units that can be removed, 0 to 1, that is removed; of each layer at most 90%.
        importance: ``l1``, ``l2``, ``batch_norm_scale`` or ``taylor``.
        scope: ``global`` removes those that matter least in the whole model, ``layer`` the same share everywhere.
        multiple_of: layers shrink to widths that are multiples of this, as many kernels like them.
        data: pair of inputs and targets, for ``taylor``; the loss is what the model was compiled with.

    Raises:
        OptionError: for options that make no sense.
        UnsupportedError: for a model that is no graph of layers, or has nothing that can be removed.
    """
    if not 0 < sparsity < 1:
        raise OptionError(f"sparsity {sparsity!r} makes no sense: it is a share between 0 and 1, such as 0.5")
    if scope not in ("global", "layer"):
        raise OptionError(f"unknown scope `{scope}`: there are global, layer")
    if not isinstance(multiple_of, int) or multiple_of < 1:
        raise OptionError(f"multiple_of {multiple_of!r} makes no sense: it is a whole number from 1 on")
    import keras

    trace = _traced(model)
    gradients = loss_gradients(model, data, keras) if importance == "taylor" else None
    scores = unit_scores(trace, importance, gradients)
    groups = [
        _Group([unit for unit in units if unit in scores and trace.units.reason(unit) is None], len(units))
        for _, units in _groups(trace)
    ]
    if not any(group.units for group in groups):
        raise UnsupportedError("nothing can be removed: see inferspeed_magic.channel_groups(model) for the reasons")
    removed = _chosen(groups, scores, sparsity, scope=scope, comparable=importance not in ("l1", "l2"))
    removed = _rounded(trace, removed, scores, multiple_of)
    if not removed:
        raise OptionError(f"nothing is removed at a sparsity of {sparsity} in multiples of {multiple_of}: ask for more")
    return rebuilt(model, trace, removed, keras)


def _traced(model: Any) -> Trace:
    import keras

    if not is_graph(model, keras):
        raise UnsupportedError(
            "channels are removed from Sequential and functional models of Keras 3 that are built: of a subclassed one "
            "only its own code knows how layers are connected"
        )
    return Trace(model, keras)


def _groups(trace: Trace) -> list[tuple[list[str], list[int]]]:
    """Bring units together that are made by the same layers: pairs of layers and units, in the order of the model."""
    makers: dict[int, dict[tuple[Any, ...], str]] = {}
    for layer, path, channels in _made(trace):
        for unit in _distinct(trace, channels):
            # Layers inside of models may have the same names, and attention makes both heads and channels.
            makers.setdefault(unit, {})[id(layer), path] = layer.name
    found: dict[tuple[Any, ...], tuple[list[str], list[int]]] = {}
    for unit, layers in makers.items():
        found.setdefault(tuple(layers), (list(dict.fromkeys(layers.values())), []))[1].append(unit)
    return list(found.values())


def _made(trace: Trace) -> Iterator[tuple[Any, tuple[str, ...], Channels]]:
    """List layers with the channels that they make."""
    for layer in trace.layers:
        for path, channels in trace.passages[id(layer)].sizes.items():
            if path[0] != SHAPE:
                yield layer, path, channels


def _chosen(
    groups: Sequence[_Group], scores: Mapping[int, float], sparsity: float, *, scope: str, comparable: bool
) -> set[int]:
    """Choose the units to remove, those with the least scores first.

    Norms of weights depend on the widths of layers: they are compared by how they stand to the mean of their group.
    """
    queue: list[tuple[float, int]] = []
    chosen: set[int] = set()
    for group in groups:
        ranked = sorted(group.units, key=scores.__getitem__)[: group.most]
        mean = float(np.mean([scores[unit] for unit in group.units])) if group.units and not comparable else 1.0
        queue += [(scores[unit] / (mean or 1.0), unit) for unit in ranked]
        chosen |= set(ranked[: round(sparsity * len(group.units))])
    if scope == "layer":
        return chosen
    return {unit for _, unit in sorted(queue)[: round(sparsity * sum(len(group.units) for group in groups))]}


def _rounded(trace: Trace, removed: set[int], scores: Mapping[int, float], multiple_of: int) -> set[int]:
    """Bring units back until widths are multiples, the most important first; a group may bring others along."""
    left, before = set(removed), None
    while multiple_of > 1 and before != left:
        before = set(left)
        for _, path, channels in _made(trace):
            units = _distinct(trace, channels) if path[-1] != HEADS else []
            gone = sorted((unit for unit in units if unit in left), key=lambda unit: -scores[unit])
            left -= set(gone[: -(len(units) - len(gone)) % multiple_of])
    return left


def _distinct(trace: Trace, channels: Channels) -> list[int]:
    return [unit for unit in dict.fromkeys(trace.units.roots(channels).tolist()) if unit != FIXED]
