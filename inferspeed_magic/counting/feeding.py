"""Which layers feed which: edges between layers, read from the operators between them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from inferspeed_magic.counting.flat_graph import INPUT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container

    from inferspeed_magic.counting.flat_graph import FlatGraph, Node


def feeding(
    graph: FlatGraph, known: Container[int], layer_of: Callable[[Node], str], layers: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Find whose outputs each layer takes.

    A layer around others (attention around its projections) may hand them what it made of its own input, so that each
    would feed the other. Such a layer is looked through, as operators are that belong to no layer: what it takes is
    told, and what it hands on is what it was handed.

    Args:
        graph: nodes in the order of execution; what a loop hands to its next step is no edge.
        known: ids of the nodes that depend on no input.
        layer_of: name of the layer that a node belongs to.
        layers: names of those that count.

    Returns:
        By name, the names of the layers that feed it and of inputs, in the order in which it first takes something of
        them; nothing for a layer that takes none.
    """
    nodes = [node for node in graph.nodes if id(node) not in known]
    through = _around(nodes, layer_of, layers)
    inputs = _inputs(nodes)
    found: dict[str, dict[str, None]] = defaultdict(dict)
    origins: dict[int, dict[str, None]] = {}
    for node in nodes:
        if node.kind == INPUT:
            origins[id(node)] = dict.fromkeys([inputs[id(node)]] if id(node) in inputs else [])
            continue
        layer = layer_of(node)
        taken = {name: None for each in node.inputs for name in origins.get(id(each.maker), ()) if name != layer}
        found[layer] |= taken
        origins[id(node)] = taken if layer in through or layer not in layers else {layer: None}
    return {layer: tuple(names) for layer, names in found.items() if layer in layers}


def _around(nodes: list[Node], layer_of: Callable[[Node], str], layers: Collection[str]) -> set[str]:
    """Name the layers that hand something of their own to a layer inside them, and the model itself."""
    found = {""}
    of_node = {id(node): layer_of(node) for node in nodes if node.kind != INPUT}
    for node in nodes:
        inside = of_node.get(id(node), "")
        for each in node.inputs:
            outer = of_node.get(id(each.maker), "")
            if outer in layers and inside.startswith(f"{outer}/"):
                found.add(outer)
    return found


def _inputs(nodes: list[Node]) -> dict[int, str]:
    """Name the inputs of the model; what stands for something unknown in its middle has no name."""
    places = {id(node): node.attributes["position"] for node in nodes if "position" in node.attributes}
    return {key: "(input)" if len(places) == 1 else f"(input {place + 1})" for key, place in places.items()}
