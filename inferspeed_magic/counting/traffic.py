"""Bytes that each layer takes from others, reads of weights, and leaves for others."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inferspeed_magic.counting.flat_graph import INPUT
from inferspeed_magic.counting.kinds import LOOKUPS
from inferspeed_magic.counting.known import is_view, root

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from inferspeed_magic.counting.flat_graph import FlatGraph, Node, Tensor


@dataclass
class Traffic:
    """Bytes of one layer, by what they belong to, so that each counts once.

    Attributes:
        weights: by weight, and by the call of the layer and the place in the graph that read it.
        read: by activation.
        written: by activation.
    """

    weights: dict[tuple[int, int | None, int], int] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    written: dict[int, int] = field(default_factory=dict)


def traffic(
    graph: FlatGraph, known: Mapping[int, frozenset[Node]], layer_of: Callable[[Node], str]
) -> dict[str, Traffic]:
    """Count the bytes that pass between layers.

    Args:
        graph: nodes in the order of execution.
        known: nodes that depend on no input, and the weights that they are made from.
        layer_of: name of the layer that a node belongs to.
    """
    found: dict[str, Traffic] = defaultdict(Traffic)
    for node in graph.nodes:
        if id(node) in known or is_view(node) or node.kind == INPUT:
            continue
        layer = layer_of(node)
        for place, each in enumerate(node.needed):
            taken = root(each)
            if id(taken.maker) in known:
                share = _share_looked_up(node, taken) if place == 0 and node.kind in LOOKUPS else 1.0
                _read_weights(found[layer], node, known[id(taken.maker)], share)
            else:
                _pass(found, taken, layer, node.times, layer_of)
    for each in graph.outputs:
        taken = root(each)
        maker = taken.maker
        if maker is not None and maker.kind != INPUT and id(maker) not in known:
            found[layer_of(maker)].written[id(taken)] = taken.bytes * maker.times
    return found


def _read_weights(by: Traffic, node: Node, sources: frozenset[Node], share: float) -> None:
    """Note that a node reads weights: once for each call of its layer, and in each step of a loop."""
    for source in sources:
        key = (id(source), node.call, node.site)
        size = round(source.outputs[0].bytes * share) * node.times
        # Two lookups in one table may take different rows; nobody reads more than the whole of it.
        before = by.weights.get(key, 0)
        by.weights[key] = min(before + size, source.outputs[0].bytes * node.times) if share < 1 else max(before, size)


def _share_looked_up(node: Node, table: Tensor) -> float:
    taken, whole = node.outputs[0].elements, table.elements
    return min(1.0, taken / whole) if taken is not None and whole else 1.0


def _pass(found: dict[str, Traffic], taken: Tensor, layer: str, times: int, layer_of: Callable[[Node], str]) -> None:
    """Note that a layer takes an activation, unless it made that itself."""
    maker = taken.maker
    if maker is None:
        return
    outside = maker.kind == INPUT
    if outside or layer_of(maker) != layer:
        read = found[layer].read
        read[id(taken)] = max(read.get(id(taken), 0), taken.bytes * times)
        if not outside:
            found[layer_of(maker)].written[id(taken)] = taken.bytes * maker.times
