"""The work of one operator: a rule for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from inferspeed_magic.counting.arithmetic import ARITHMETIC
from inferspeed_magic.counting.kinds import KNOWN, MOVES, PLUMBING
from inferspeed_magic.counting.known import is_view
from inferspeed_magic.counting.products import PRODUCTS, UnknownSizeError

if TYPE_CHECKING:
    from inferspeed_magic.counting.flat_graph import Node


class Work(NamedTuple):
    """What an operator does each time that it runs.

    Attributes:
        macs: multiply-accumulates of products.
        flops: all floating-point operations, two for each of those.
        kernels: 1 if a runtime has to run anything.
        counted: whether the work is known.
    """

    macs: int
    flops: int
    kernels: int
    counted: bool = True


_NOTHING = Work(0, 0, 0)


def work_of(node: Node) -> Work:
    """Count the work of a node."""
    kind = node.kind
    if is_view(node) or kind in PLUMBING or kind in KNOWN or _is_counter(node):
        return _NOTHING
    if kind in MOVES:
        return Work(0, 0, 1)
    try:
        if kind in PRODUCTS:
            macs = PRODUCTS[kind](node)
            return Work(macs, 2 * macs, 1)
        if kind in ARITHMETIC:
            return Work(0, ARITHMETIC[kind](node), 1)
    except UnknownSizeError:
        pass
    return Work(0, 0, 1, counted=False)


def _is_counter(node: Node) -> bool:
    """Whether this is the arithmetic of loops and indices, not of data: one integer that is no sample's."""
    return all(each.shape == () and each.dtype in {"int32", "int64", "bool"} for each in node.outputs)
