"""What is known before any input is: weights, and what is computed from weights and constants alone.

Every runtime computes that once and keeps it (constant folding), so it is no part of an inference: casts of weights in
mixed precision, the scale of a batch normalization, encodings of positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.counting.flat_graph import INPUT, LOOP_VARIABLE, WEIGHT
from inferspeed_magic.counting.kinds import KNOWN, STATEFUL, VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inferspeed_magic.counting.flat_graph import Node, Tensor

#: Constants of this size and below are axes, shapes and the like, unless they are fractions.
_SMALL_ELEMENTS = 16


def is_view(node: Node) -> bool:
    """Whether a node makes nothing of its own."""
    return node.kind in VIEWS or (node.kind == LOOP_VARIABLE and node.back is None)


def through_views(tensor: Tensor) -> Tensor:
    """Look through views, up to the variables of a loop."""
    while tensor.maker is not None and tensor.maker.kind in VIEWS:
        tensor = tensor.maker.inputs[tensor.position if tensor.maker.kind == "IdentityN" else 0]
    return tensor


def root(tensor: Tensor) -> Tensor:
    """Look through views, and the variables of a loop that it does not change."""
    while tensor.maker is not None and is_view(tensor.maker):
        tensor = tensor.maker.inputs[tensor.position if tensor.maker.kind == "IdentityN" else 0]
    return tensor


def known_nodes(nodes: Iterable[Node]) -> dict[int, frozenset[Node]]:
    """Find what depends on no input.

    Args:
        nodes: in the order of execution.

    Returns:
        From the ``id`` of a node to the weights that it is made from, or the constants if it is made from no weights.
    """
    known: dict[int, frozenset[Node]] = {}
    for node in nodes:
        if node.kind == INPUT or node.kind in STATEFUL or (node.kind == LOOP_VARIABLE and node.back is not None):
            continue
        if node.kind == WEIGHT or (node.kind == "Const" and _is_data(node)):
            known[id(node)] = frozenset([node])
        elif node.kind in KNOWN - {"ReadVariableOp"}:
            known[id(node)] = frozenset()
        elif node.inputs and all(id(each.maker) in known for each in node.inputs):
            taken = node.inputs[:1] if is_view(node) else node.inputs
            sources: frozenset[Node] = frozenset().union(*(known[id(each.maker)] for each in taken))
            weights = frozenset(each for each in sources if each.kind == WEIGHT)
            known[id(node)] = weights or sources
    return known


def _is_data(constant: Node) -> bool:
    (made,) = constant.outputs
    if constant.attributes.get("filled"):
        return False
    if made.dtype.startswith(("float", "bfloat", "complex")):
        return bool(made.shape)
    return (made.elements or 0) > _SMALL_ELEMENTS
