"""How deep a graph is, and how much memory its activations take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.counting.arithmetic import IN_PLACE
from inferspeed_magic.counting.flat_graph import INPUT
from inferspeed_magic.counting.known import is_view, root
from inferspeed_magic.counting.work import work_of

if TYPE_CHECKING:
    from collections.abc import Container

    from inferspeed_magic.counting.flat_graph import FlatGraph, Tensor


def depth(graph: FlatGraph, known: Container[int]) -> int:
    """Count the kernels on the longest path to any output; those in a loop as often as it has steps.

    Args:
        graph: nodes in the order of execution.
        known: ids of the nodes that depend on no input.
    """
    deepest: dict[int, int] = {}
    for node in graph.nodes:
        if id(node) not in known:
            before = max((deepest.get(id(each.maker), 0) for each in node.inputs), default=0)
            deepest[id(node)] = before + work_of(node).kernels * node.times
    return max((deepest.get(id(each.maker), 0) for each in graph.outputs), default=0)


def activation_bytes(graph: FlatGraph, known: Container[int]) -> int:
    """Return the most bytes of activations that are alive at the same time, operators running one after the other.

    An activation lives from where it is made until its last use, an input of the model from the beginning, an output
    until the end. Element-wise operators write over an input of the same size that nobody else needs.
    """
    nodes = [node for node in graph.nodes if id(node) not in known and not is_view(node)]
    last: dict[int, int] = {}
    for place, node in enumerate(nodes):
        last.update({id(root(each)): place for each in node.needed})
    last.update({id(root(each)): len(nodes) for each in graph.outputs})
    alive = peak = sum(each.bytes for node in nodes if node.kind == INPUT for each in node.outputs)
    for place, node in enumerate(nodes):
        taken: dict[int, Tensor] = {id(found): found for found in map(root, node.inputs)}
        ending = [
            each for key, each in taken.items() if last[key] == place and each.maker and id(each.maker) not in known
        ]
        made = 0 if node.kind == INPUT else sum(each.bytes for each in node.outputs)
        over = max((each.bytes for each in ending if each.maker and each.maker.kind != INPUT), default=0)
        peak = max(peak, alive + made - (made if node.kind in IN_PLACE and over >= made else 0))
        unused = sum(each.bytes for each in node.outputs if id(each) not in last)
        alive += made - unused - sum(each.bytes for each in ending)
    return peak
