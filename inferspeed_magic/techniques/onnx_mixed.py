"""Which nodes of an ONNX file stay in float, and what they read then."""

from __future__ import annotations

from typing import Any

from inferspeed_magic.techniques.exclusion import within

#: At the end of a model they stay in float: probabilities in steps of 1/256 hardly tell a thousand classes apart.
_LAST_IN_FLOAT = {"Softmax", "LogSoftmax", "Sigmoid"}


def in_float(file: str, exclude: str) -> list[str]:
    """Name the nodes that are not to be quantized.

    Args:
        file: in float.
        exclude: names of nodes or paths of layers, one a line.
    """
    import onnx

    graph = onnx.load(file, load_external_data=False).graph
    answers = {each.name for each in graph.output}
    excluded = exclude.split("\n")
    return [
        node.name
        for node in graph.node
        if node.name
        and (within(node.name, excluded) or (node.op_type in _LAST_IN_FLOAT and answers.intersection(node.output)))
    ]


def read_floats(file: str, names: list[str]) -> None:
    """Let nodes read what was there before it was rounded, too.

    ONNX Runtime quantizes a tensor for all that read it as soon as what makes it is quantized.

    Args:
        file: quantized; is written anew.
        names: of nodes that stayed in float.
    """
    import onnx

    model = onnx.load(file)
    graph, chosen = model.graph, set(names)
    makers = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        if node.name not in chosen:
            continue
        for position, name in enumerate(node.input):
            rounded = _source(makers, name, "DequantizeLinear")
            before = _source(makers, rounded, "QuantizeLinear") if rounded else None
            if before:
                node.input[position] = before
    _drop_unused(graph)
    onnx.save(model, file)


def _source(makers: dict[str, Any], name: str, kind: str) -> str | None:
    """Name what a node of this kind makes something from; None where another one, or none, makes it."""
    maker = makers.get(name)
    return str(maker.input[0]) if maker is not None and maker.op_type == kind else None


def _drop_unused(graph: Any) -> None:
    for kind in ("DequantizeLinear", "QuantizeLinear"):
        used = {name for node in graph.node for name in node.input} | {each.name for each in graph.output}
        for node in [each for each in graph.node if each.op_type == kind and not used.intersection(each.output)]:
            graph.node.remove(node)
