"""Which operators of an ONNX file went into each of those that ONNX Runtime made of them.

It fuses, renames and lays out anew, but most tensors between operators keep their names. What lies between the tensors
that an optimized operator reads and the one that it makes went into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.formats.operator_graph import MOVES, Node, OperatorGraph, weights_of, with_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What the runtime puts in; a cast or a transposition of its own leads nowhere by its name either.
_INSERTED = {"ReorderInput", "ReorderOutput", "MemcpyToHost", "MemcpyFromHost", "Cast", "Transpose"}
#: What its convolutions in blocked layout take in beside what they are named after ("NchwcTransformer").
_FOLLOWS = {"Add", "Sum", "Relu", "LeakyRelu", "Sigmoid", "Tanh", "Clip", "HardSigmoid"}
#: These are named after a tensor that they make.
_BLOCKED = "_nchwc"


def read(path: str) -> OperatorGraph:
    """Read the graph of an ONNX file, those of its loops and branches with it; weights beside the file stay there."""
    import onnx

    nodes: list[Node] = []
    constants: dict[str, tuple[int, ...] | None] = {}
    numbers = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16, onnx.TensorProto.DOUBLE}
    numbers |= {onnx.TensorProto.INT8, onnx.TensorProto.UINT8}  # quantized
    for graph in _graphs(onnx.load(path, load_external_data=False).graph):
        for tensor in graph.initializer:
            constants[tensor.name] = tuple(tensor.dims) if tensor.data_type in numbers else None
        for node in graph.node:
            if node.op_type == "Constant":
                constants |= dict.fromkeys(node.output, None)
            else:
                nodes.append(Node(node.name, node.op_type, tuple(node.input), tuple(node.output)))
    return OperatorGraph(tuple(nodes), constants)


def origins(file: OperatorGraph, optimized: OperatorGraph) -> dict[str, tuple[str, ...]]:
    """Name what went into each operator.

    Args:
        file: what the runtime was given.
        optimized: what it made of it.

    Returns:
        For the name of each optimized operator, those of the file's operators in it, first the one that it is named
        after or that makes its output, then the rest in the order of execution, and the weights that they hold. Empty
        for what the runtime inserted, such as changes of layout.
    """
    weights = weights_of(file)
    known = file.prepared()
    ends = _ends(file, optimized)
    bounds = {tensor for made in ends for tensor in made}.union(known)
    found: dict[str, tuple[str, ...]] = {}
    for node, made in zip(optimized.nodes, ends, strict=True):
        inside = file.between(made, bounds)
        computing = [each for each in inside if each.kind not in MOVES]
        named = [node.name.removesuffix(_BLOCKED), *made]
        last = [each for name in named for each in computing or inside if name in each.outputs]
        names = [each.name for each in (*last, *computing)] or _named_after(node, file)
        found[node.name] = with_weights(names, weights)
    return found


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs] if attribute.HasField("g") else attribute.graphs:
                yield from _graphs(inner)


def _ends(file: OperatorGraph, optimized: OperatorGraph) -> list[tuple[str, ...]]:
    """Say which of the file's tensors each optimized operator makes; each tensor is made once."""
    makers = {output: node for node in file.nodes for output in node.outputs}
    by_name = {node.name: node for node in file.nodes}
    exact = [tuple(each for each in node.outputs if each in makers) for node in optimized.nodes]
    claimed = {tensor for made in exact for tensor in made}
    ends: list[tuple[str, ...]] = []
    done: set[str] = set()
    for node, made in zip(optimized.nodes, exact, strict=True):
        named = made or _by_its_name(node, makers, by_name)
        own = tuple(each for each in named if each not in done)
        done |= set(own)
        ends.append(own)
    claimed |= done
    readers: dict[str, list[Node]] = {}
    for node in file.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    stands_for: dict[str, str] = {}
    for number, node in enumerate(optimized.nodes):
        read_here = {stands_for.get(name, name) for name in node.inputs} | set(file.constants)
        if not exact[number] and ends[number]:  # named after where a chain began that may go on
            ends[number] = (_followed(ends[number][0], read_here, claimed, readers),)
        reached = ends[number] or tuple(stands_for.get(name, name) for name in node.inputs[:1])
        claimed |= set(ends[number])
        stands_for |= {output: reached[0] for output in node.outputs if output not in makers and reached}
    return ends


def _by_its_name(node: Node, makers: dict[str, Node], by_name: dict[str, Node]) -> tuple[str, ...]:
    tensor = node.name.removesuffix(_BLOCKED)
    if tensor in makers:
        return (tensor,)
    return by_name[node.name].outputs if node.name in by_name else ()


def _followed(tensor: str, known: set[str], claimed: set[str], readers: dict[str, list[Node]]) -> str:
    """Go on through additions and activations that nobody else has made, and that need no more than what is read."""
    while True:
        for node in readers.get(tensor, []):
            if (
                node.kind in _FOLLOWS
                and node.outputs[0] not in claimed
                and all(name in known or name == tensor for name in node.inputs if name)
            ):
                tensor = node.outputs[0]
                break
        else:
            return tensor


def _named_after(node: Node, file: OperatorGraph) -> list[str]:
    """Find the operator whose name another one's begins with: ``dense/MatMul/MatmulTransposeFusion/``."""
    if node.kind in _INSERTED:
        return []
    fitting = [each.name for each in file.nodes if each.name and node.name.startswith(each.name)]
    return [max(fitting, key=len)] if fitting else []
