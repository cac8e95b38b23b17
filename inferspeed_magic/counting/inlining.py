"""A traced function of TensorFlow, written out as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.counting.dilation import join_dilated
from inferspeed_magic.counting.flat_graph import (
    BRANCH_RESULT,
    INPUT,
    LOOP_RESULT,
    LOOP_VARIABLE,
    WEIGHT,
    FlatGraph,
    Node,
    Tensor,
    needed_for,
)
from inferspeed_magic.counting.known import through_views
from inferspeed_magic.counting.products import ATTRIBUTES
from inferspeed_magic.counting.trip_count import known_value, trip_count
from inferspeed_magic.counting.work import work_of

if TYPE_CHECKING:
    from collections.abc import Callable

_CALLS = {"PartitionedCall", "StatefulPartitionedCall", "TPUPartitionedCall"}
_LOOPS = {"While", "StatelessWhile"}
_BRANCHES = {"If", "StatelessIf", "Case", "StatelessCase"}
#: Values of constants up to this size are kept: counters and shapes.
_SMALL_ELEMENTS = 64


def flatten(
    traced: Any, call_of: Callable[[str], int | None], steps_of: Callable[[int | None], int | None]
) -> FlatGraph:
    """Write out a concrete function.

    Args:
        traced: the concrete function.
        call_of: number of the call of a layer in whose scope an operator of this name is; None for none.
        steps_of: number of time steps of the recurrent layer that a call belongs to, for loops that do not tell theirs;
            None for others.
    """
    writer = _Writer(call_of, steps_of)
    inner = list(traced.graph.inputs)
    free = len(inner) - len(traced.captured_inputs)
    shapes = {id(each.handle): each for each in traced.graph.variables}
    given = [
        writer.add(Node(INPUT, attributes={"position": place})).make(*_described(each))
        for place, each in enumerate(inner[:free])
    ]
    given += [writer.captured(each, shapes.get(id(each))) for each in traced.captured_inputs]
    outputs = writer.write_out(traced.graph, given, None)
    for node in writer.nodes:
        if node.kind == "ReadVariableOp" and node.inputs[0].maker in writer.changing:
            node.kind = "(state)"
    join_dilated(writer.nodes)
    return FlatGraph(needed_for(outputs, writer.nodes), outputs, writer.uncounted)


class _Writer:
    """Writes the operators of a function and of those that it calls into one list."""

    def __init__(self, call_of: Callable[[str], int | None], steps_of: Callable[[int | None], int | None]) -> None:
        self.nodes: list[Node] = []
        self.uncounted: set[str] = set()
        self.changing: set[Node | None] = set()
        self._call_of = call_of
        self._steps_of = steps_of
        self._sites = 0
        self._site = 0

    def add(self, node: Node) -> Node:
        node.site = self._site
        self.nodes.append(node)
        return node

    def captured(self, tensor: Any, variable: Any) -> Tensor:
        """Stand for what a function refers to: a variable, or a constant from outside."""
        if variable is None and tensor.dtype.name != "resource":
            return self._constant(tensor, tensor.numpy).outputs[0]
        node = self.add(Node(WEIGHT, attributes={"handle": id(tensor)}))
        if variable is None:  # a table for lookups
            return node.make(None, "resource", 0)
        return node.make(*_described(variable))

    def write_out(self, graph: Any, given: list[Tensor], call: int | None) -> list[Tensor]:
        """Write a function at the place where it is called.

        Args:
            graph: its body.
            given: its arguments.
            call: what its operators belong to if they are in no layer's scope.

        Returns:
            Its results.
        """
        values = {id(inner): outer for inner, outer in zip(graph.inputs, given, strict=True)}
        inside = {each.op.name for each in graph.inputs}
        for op in graph.get_operations():
            if op.name in inside:
                continue
            own = self._call_of(op.name)
            taken = [values[id(each)] if id(each) in values else self._unknown(each) for each in op.inputs]
            made = self._write(op, taken, call if own is None else own)
            values.update({id(inner): outer for inner, outer in zip(op.outputs, made, strict=True)})
        return [values[id(each)] for each in graph.outputs]

    def _write(self, op: Any, taken: list[Tensor], call: int | None) -> list[Tensor]:
        kind = op.type
        if kind in _CALLS:
            return self._at_new_site(lambda: self.write_out(_function(op, "f"), taken, call))
        if kind in _LOOPS:
            return self._loop(op, taken, call)
        if kind in _BRANCHES:
            return self._branch(op, taken, call)
        if kind == "Const":
            content = op.get_attr("value")
            made = self._constant(op.outputs[0], lambda: _array(content))
            made.attributes["filled"] = bool(not content.tensor_content and _values(content) <= 1)
            made.call = call
            return made.outputs
        attributes = {name: _attribute(op, name) for name in ATTRIBUTES.get(kind, ())}
        if kind.startswith("MaxPoolV2"):
            attributes["ksize"] = known_value(taken[1])
        if kind.startswith("Assign"):
            self.changing.add(taken[0].maker)
        node = self.add(Node(kind, taken, attributes=attributes, call=call))
        for each in op.outputs:
            node.make(*_described(each))
        return node.outputs

    def _at_new_site(self, write: Callable[[], list[Tensor]]) -> list[Tensor]:
        """Write nodes at a site of their own."""
        before = self._site
        self._sites += 1
        self._site = self._sites
        try:
            return write()
        finally:
            self._site = before

    def _loop(self, op: Any, taken: list[Tensor], call: int | None) -> list[Tensor]:
        variables = [self.add(Node(LOOP_VARIABLE, [each], call=call)) for each in taken]
        before = [
            node.make(each.shape, each.dtype, each.item_bytes) for node, each in zip(variables, taken, strict=True)
        ]
        inside = len(self.nodes)
        after = self._at_new_site(lambda: self.write_out(_function(op, "body"), before, call))
        for variable, value in zip(variables, after, strict=True):
            variable.back = None if through_views(value) is variable.outputs[0] else value
        steps, made = self._steps(op, before, call), self.nodes[inside:]
        for node in made:
            node.times *= steps
        results = [self.add(Node(LOOP_RESULT, [each], call=call)) for each in after]
        return [node.make(each.shape, each.dtype, each.item_bytes) for node, each in zip(results, after, strict=True)]

    def _steps(self, op: Any, variables: list[Tensor], call: int | None) -> int:
        """Count the steps of a loop; one where nothing tells."""
        start = len(self.nodes)
        (condition,) = self.write_out(_function(op, "cond"), variables, call)
        del self.nodes[start:]
        counted = trip_count(condition)
        if counted is None:
            counted = self._steps_of(call)
        if counted is None:
            self.uncounted.add(op.type)
        return 1 if counted is None else max(counted, 1)

    def _branch(self, op: Any, taken: list[Tensor], call: int | None) -> list[Tensor]:
        """Write the branch that is taken, or the one with the most work if that depends on the inputs."""
        two = op.type.endswith("If")
        functions = (
            [_function(op, name) for name in ("else_branch", "then_branch")]
            if two
            else [op.graph._get_function(each.name).graph for each in op.get_attr("branches")]  # noqa: SLF001
        )
        chosen, given = known_value(taken[0]), taken[1:]
        if chosen is not None:
            last = len(functions) - 1
            place = int(bool(chosen)) if two else min(int(chosen) if int(chosen) >= 0 else last, last)
            return self._site_of(functions[place], given, call)
        start, best = len(self.nodes), None
        for function in functions:
            outputs = self._site_of(function, given, call)
            made = self.nodes[start:]
            del self.nodes[start:]
            work = sum(work_of(each).flops * each.times for each in needed_for(outputs, made))
            if best is None or work > best[0]:
                best = work, outputs, made
        if best is None:
            return [self._unknown(each) for each in op.outputs]
        self.nodes += best[2]
        return [
            self.add(Node(BRANCH_RESULT, [each, taken[0]], call=call)).make(each.shape, each.dtype, each.item_bytes)
            for each in best[1]
        ]

    def _site_of(self, graph: Any, given: list[Tensor], call: int | None) -> list[Tensor]:
        return self._at_new_site(lambda: self.write_out(graph, given, call))

    def _constant(self, tensor: Any, value: Callable[[], Any]) -> Node:
        node = self.add(Node("Const"))
        made = node.make(*_described(tensor))
        if made.item_bytes and made.elements is not None and made.elements <= _SMALL_ELEMENTS:
            node.value = value()
        return node

    def _unknown(self, tensor: Any) -> Tensor:
        return self.add(Node(INPUT)).make(*_described(tensor))


def _described(tensor: Any) -> tuple[tuple[int | None, ...] | None, str, int]:
    shape, dtype = tensor.shape, tensor.dtype
    sized = dtype.name not in {"string", "resource", "variant"}
    return (None if shape.rank is None else tuple(shape.as_list())), dtype.name, dtype.size if sized else 0


def _attribute(op: Any, name: str) -> Any:
    value = op.get_attr(name)
    return value.decode() if isinstance(value, bytes) else value


def _function(op: Any, attribute: str) -> Any:
    return op.graph._get_function(op.get_attr(attribute).name).graph  # noqa: SLF001  (there is no public way)


def _array(content: Any) -> Any:
    from tensorflow.python.framework.tensor_util import MakeNdarray

    return MakeNdarray(content)


def _values(content: Any) -> int:
    """Count the values that the description of a constant lists; one stands for any number of the same."""
    return max((len(value) for field, value in content.ListFields() if field.name.endswith("_val")), default=0)
