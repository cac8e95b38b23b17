"""Rows of a count: which layers there are, what they are called, and which row an operator goes into."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from inferspeed_magic.counting.calls import Call


@dataclass(eq=False)
class Row:
    """One layer.

    Attributes:
        path: of names below the model; ``""`` for the model itself.
        owner: the layer.
        calls: of the layer, in order; none for one that is never called.
        cell_calls: of the layers inside, where it is recurrent: by the number of its own call.
        is_leaf: whether it has no layers inside that are called.
        weights: own ones.
    """

    path: str
    owner: Any
    calls: list[Call] = field(default_factory=list)
    cell_calls: dict[int, int] = field(default_factory=dict)
    is_leaf: bool = True
    weights: list[Any] = field(default_factory=list)

    @property
    def is_input(self) -> bool:
        """Whether it only stands for an input of a model."""
        return type(self.owner).__name__ == "InputLayer"

    @property
    def params(self) -> int:
        """Number of own parameters."""
        return sum(math.prod(each.shape) for each in self.weights)

    @property
    def steps(self) -> int:
        """Time steps of an unrolled recurrent layer, which calls its cell in each; 1 for others."""
        return max(self.cell_calls.values(), default=1)


class Rows:
    """All layers that were called, and those that have weights.

    A layer that is called at several places has the name of the first.

    Args:
        model: whose layers these are.
        calls: of a trace, the model's own first.
    """

    def __init__(self, model: Any, calls: Iterable[Call]) -> None:
        self._root = Row("", model)
        self._by_path = {"": self._root}
        self._paths: dict[int, str] = {id(model): ""}
        self._of_call: dict[int, Row] = {}
        for call in sorted(calls, key=lambda each: each.number):
            self._enter(call)
        self._add_weights(model)

    def of(self, call: int | None) -> Row:
        """Return the row of what belongs to a call."""
        return self._root if call is None else self._of_call[call]

    def in_order(self) -> list[Row]:
        """List the rows in the order in which the layers' first calls ended; the model's own comes last."""
        never = len(self._of_call)
        return sorted(
            self._by_path.values(), key=lambda row: (row is self._root, row.calls[0].ended if row.calls else never)
        )

    def settle(self, readers: Mapping[int, str]) -> None:
        """Give the weights of layers that were never called to those that read them.

        Wrappers such as ``TimeDistributed`` run what is inside them without calling it: the work is theirs.

        Args:
            readers: from the ``id`` of a variable's handle to the row that reads it.
        """
        for row in list(self._by_path.values()):
            for weight in [] if row.calls or row is self._root else list(row.weights):
                reader = readers.get(id(_handle(weight)))
                if reader is not None:
                    row.weights = [each for each in row.weights if each is not weight]
                    self._by_path[reader].weights.append(weight)

    def time_steps(self, call: int | None) -> int | None:
        """Return the time steps that a recurrent layer was given in a call; None for what is none."""
        row = self.of(call)
        shapes = [each.input_shape for each in row.calls if is_recurrent(row.owner)]
        return shapes[0][1] if shapes and len(shapes[0]) > 1 else None

    def _enter(self, call: Call) -> None:
        outer = self._of_call[call.outer.number] if call.outer else self._root
        if call.owner is self._root.owner:
            row = self._root
        elif is_recurrent(outer.owner):
            row = outer
            if call.outer and call.owner is outer.owner.cell:
                outer.cell_calls[call.outer.number] = outer.cell_calls.get(call.outer.number, 0) + 1
        else:
            row = self._row(outer, call.owner)
            outer.is_leaf = False
            row.calls.append(call)
        self._of_call[call.number] = row

    def _row(self, outer: Row, owner: Any) -> Row:
        path = self._paths.setdefault(id(owner), f"{outer.path}/{owner.name}".removeprefix("/"))
        return self._by_path.setdefault(path, Row(path, owner))

    def _add_weights(self, layer: Any, row: Row | None = None, claimed: set[int] | None = None) -> None:
        """Give each weight to the innermost layer that has it; layers inside a recurrent one are part of that."""
        row, claimed = row or self._root, set() if claimed is None else claimed
        inside = [] if is_recurrent(layer) else _inside(layer)
        for each in inside:
            if each.weights:
                self._add_weights(each, self._row(row, each), claimed)
        for weight in layer.weights:
            if id(weight) not in claimed:
                claimed.add(id(weight))
                row.weights.append(weight)


def _inside(layer: Any) -> list[Any]:
    """List the layers in a layer; both Keras libraries make this public for models only."""
    return list(layer._flatten_layers(include_self=False, recursive=False))  # noqa: SLF001


def _handle(weight: Any) -> Any:
    """Return what stands for a weight in a graph; Keras 3 has its variable inside its own."""
    return getattr(getattr(weight, "_value", weight), "handle", None)


def is_recurrent(layer: Any) -> bool:
    """Whether a layer repeats a cell over time: one of the layers of that kind in Keras 3 or tf_keras."""
    return hasattr(layer, "cell") and any(each.__name__ == "RNN" for each in type(layer).__mro__)
