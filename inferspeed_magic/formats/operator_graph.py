"""The operators of a file as a plain graph, what lies between two of them, and the weights that each one holds.

Converters fold layers into one operator: a convolution and the batch normalization after it become a convolution that
is named after the normalization, with a kernel that is named after the convolution. So names of weights lead to layers,
too.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

#: What only moves, describes or recodes data, in ONNX and in OpenVINO. What an operator took in of these says nothing
#: about whose work it does: the scale of what it reads is in the scope of the layer before.
MOVES = frozenset(
    {
        *("Identity", "Shape", "ShapeOf", "Size", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Cast"),
        *("Convert", "Expand", "Broadcast", "Tile", "ConstantOfShape", "Dropout", "Concat", "Slice", "StridedSlice"),
        *("Split", "VariadicSplit", "Gather", "Range", "Parameter", "Result"),
        *("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "FakeQuantize"),
    }
)
_SHAPES = {"Shape", "ShapeOf", "Size"}
#: Names that the converter to ONNX makes up. They are in the scope of a neighbour, not always in that of their layer;
#: quantizers add an ending, and so does OpenVINO, which parts operators from their biases.
_MADE_UP = re.compile(r"__\d+(_quant)?$")
_WITHOUT_BIAS = "/WithoutBiases"


@dataclass(frozen=True)
class Node:
    """One operator.

    Attributes:
        name: in the file.
        kind: ``Conv``.
        inputs: names of the tensors that it reads.
        outputs: names of the tensors that it makes.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class OperatorGraph:
    """Operators in the order of execution.

    Attributes:
        nodes: all of them, those inside loops and branches too.
        constants: by the name of the tensor, its shape; None for one that holds no numbers to compute with (indices,
            shapes, axes).
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, tuple[int, ...] | None]

    def prepared(self) -> dict[str, tuple[str, ...]]:
        """Name the tensors that are known before anything runs, and the constants that they are made of.

        They depend on constants and on the shapes of other tensors alone; a runtime computes them once.
        """
        known: dict[str, tuple[str, ...]] = {name: (name,) for name in self.constants}
        for node in self.nodes:
            names = [name for name in node.inputs if name]
            if node.kind in _SHAPES:
                known |= dict.fromkeys(node.outputs, ())
            elif names and all(name in known for name in names):
                made_of = tuple(dict.fromkeys(leaf for name in names for leaf in known[name]))
                known |= dict.fromkeys(node.outputs, made_of)
        return known

    def between(self, ends: Iterable[str], bounds: Collection[str]) -> list[Node]:
        """Walk back from tensors to those that others make.

        Args:
            ends: where to begin; those that no operator makes are passed over.
            bounds: tensors to stop at, unless they are ends.

        Returns:
            The operators on the way, in the order of execution.
        """
        makers = {output: number for number, node in enumerate(self.nodes) for output in node.outputs}
        found: set[int] = set()
        waiting = [makers[name] for name in ends if name in makers]
        while waiting:
            number = waiting.pop()
            if number not in found:
                found.add(number)
                names = (name for name in self.nodes[number].inputs if name in makers and name not in bounds)
                waiting += [makers[name] for name in names]
        return [self.nodes[number] for number in sorted(found)]


def weights_of(graph: OperatorGraph) -> dict[str, tuple[str, ...]]:
    """Name the weights that each operator holds, by its own name; operators without any are left out.

    Converters keep equal constants once, under the name of whoever came first: a vector that several operators read
    says nothing about any of them. A matrix that several read belongs to a layer that is called several times.
    """
    known = graph.prepared()
    # An operator whose outputs are known only prepares weights: it dequantizes or transposes them.
    held = [
        (node.name, tuple(dict.fromkeys(leaf for name in node.inputs for leaf in known.get(name, ()))))
        for node in graph.nodes
        if not all(output in known for output in node.outputs)
    ]
    readers = Counter(leaf for _, leaves in held for leaf in leaves)
    return {
        name: kept
        for name, leaves in held
        if (kept := tuple(leaf for leaf in leaves if _tells(graph.constants[leaf], readers[leaf])))
    }


def with_weights(names: Iterable[str], weights: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Follow the names of operators by those of their weights, which replace names that a converter made up."""
    scoped: dict[str, list[str]] = {}
    for name in (names := list(names)):
        held = scoped.setdefault(name.removesuffix(_WITHOUT_BIAS), [])
        held += [weight for weight in weights.get(name, ()) if "/" in weight]
    found: list[str] = []
    for name in names:
        whole = name.removesuffix(_WITHOUT_BIAS)
        found += scoped[whole] if scoped[whole] and _MADE_UP.search(whole) else [name, *scoped[whole]]
    return tuple(dict.fromkeys(found))


def _tells(shape: tuple[int, ...] | None, readers: int) -> bool:
    if shape is None:
        return False
    return math.prod(shape) > 1 if readers == 1 else sum(size > 1 for size in shape) > 1
