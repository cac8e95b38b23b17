"""A model's graph as plain data: functions written out, loops once with the number of their steps.

This is all that the counting rules see, so that they can be tested without TensorFlow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Kinds of nodes that stand for what is no operator: inputs of the graph, a weight, a variable of a loop at the
#: beginning of each step, and its last value.
INPUT, WEIGHT, LOOP_VARIABLE, LOOP_RESULT = "(input)", "(weight)", "(loop variable)", "(loop result)"
#: What a branch makes; takes that, and what decided for it.
BRANCH_RESULT = "(branch result)"


@dataclass(eq=False, slots=True)
class Tensor:
    """What a node makes.

    Attributes:
        shape: None for an unknown rank, and in it None for an unknown size.
        dtype: its name, ``float32``.
        item_bytes: of one element; 0 for what has no fixed size (strings, handles).
        maker: the node; None only while the graph is being written out.
        position: among the outputs of the node.
    """

    shape: tuple[int | None, ...] | None
    dtype: str
    item_bytes: int
    maker: Node | None = None
    position: int = 0

    @property
    def elements(self) -> int | None:
        """Number of elements; None where it is not known."""
        if self.shape is None:
            return None
        sizes = [size for size in self.shape if size is not None]
        return math.prod(sizes) if len(sizes) == len(self.shape) else None

    @property
    def bytes(self) -> int:
        """Bytes of it; those of an unknown size are none."""
        return (self.elements or 0) * self.item_bytes


@dataclass(eq=False, slots=True)
class Node:
    """One operator.

    Attributes:
        kind: TensorFlow's name of it, or one of those above.
        inputs: what it takes.
        outputs: what it makes.
        attributes: those that a rule needs.
        call: number of the call of a layer that it belongs to; None for an operator that no layer made.
        site: number of the function call or loop in which it was written out.
        times: how often it runs in one inference.
        back: of a loop variable: its value after the step; None if the step does not change it.
        value: of a small constant.
    """

    kind: str
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    call: int | None = None
    site: int = 0
    times: int = 1
    back: Tensor | None = None
    value: Any = None

    def make(self, shape: tuple[int | None, ...] | None, dtype: str = "float32", item_bytes: int = 4) -> Tensor:
        """Add an output."""
        made = Tensor(shape, dtype, item_bytes, self, len(self.outputs))
        self.outputs.append(made)
        return made

    @property
    def needed(self) -> Iterator[Tensor]:
        """What has to be there for it, the last step of a loop included."""
        yield from self.inputs
        if self.back is not None:
            yield self.back


@dataclass(eq=False)
class FlatGraph:
    """All nodes in the order of execution.

    Attributes:
        nodes: that the outputs depend on.
        outputs: of the model.
        uncounted: kinds of what could not be read: loops whose number of steps is not known.
    """

    nodes: list[Node]
    outputs: list[Tensor]
    uncounted: set[str] = field(default_factory=set)


def needed_for(outputs: list[Tensor], nodes: list[Node]) -> list[Node]:
    """Leave out what no output depends on: masks that are drawn and not used, counters of loops."""
    wanted: set[int] = set()
    waiting = [each.maker for each in outputs if each.maker is not None]
    while waiting:
        node = waiting.pop()
        if id(node) not in wanted:
            wanted.add(id(node))
            waiting += [each.maker for each in node.needed if each.maker is not None]
    return [node for node in nodes if id(node) in wanted]
