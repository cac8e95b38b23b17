"""Where a layer lies in a Keras model: in its graph, or in the graph of a model inside it."""

from __future__ import annotations

from typing import Any, NamedTuple

from inferspeed_magic.pruning.tracing import graph_of, is_graph


class Place(NamedTuple):
    """A layer that a graph calls.

    Attributes:
        path: of names, from the model down.
        layer: the layer.
        graph: the model, or the model in it, that calls the layer.
    """

    path: str
    layer: Any
    graph: Any


def place_of(model: Any, path: str, keras: Any) -> Place | None:
    """Find the layer that a path leads to; of one inside another layer (in attention, in a wrapper), that other one.

    Args:
        model: a Sequential or functional model of Keras 3, built.
        path: of names, as in ``LayerCount``.
        keras: the library.

    Returns:
        None for what is no layer of these graphs: a model, and what only a model's own code knows.
    """
    if not is_graph(model, keras):
        return None
    graph, names = model, []
    for name in path.split("/"):
        layer = next((each for each in graph.layers if each.name == name), None)
        if layer is None:
            return None
        names.append(name)
        if not is_graph(layer, keras):
            return Place("/".join(names), layer, graph)
        graph = layer
    return None


def hands_on(place: Place, keras: Any) -> bool:
    """Tell whether what comes out of a layer is, at every call, of the shape and dtype of the one tensor that goes in.

    Args:
        place: of the layer.
        keras: the library.
    """
    calls = [node for node in _nodes(place.graph, keras) if node.operation is place.layer]
    return all(is_alike(list(node.input_tensors), list(node.outputs)) for node in calls)


def consumers(place: Place, keras: Any) -> list[Any]:
    """List the layers and operations that take what a layer gives, in the same graph.

    Args:
        place: of the layer.
        keras: the library.
    """
    nodes = _nodes(place.graph, keras)
    given = {id(each) for node in nodes if node.operation is place.layer for each in node.outputs}
    return [node.operation for node in nodes if given & {id(each) for each in node.input_tensors}]


def is_alike(inputs: list[Any], outputs: list[Any]) -> bool:
    """Tell whether one tensor goes in, and one of the same shape and dtype comes out."""
    if len({id(each) for each in inputs}) != 1 or len(outputs) != 1:
        return False
    taken, given = inputs[0], outputs[0]
    return tuple(taken.shape) == tuple(given.shape) and taken.dtype == given.dtype


def _nodes(graph: Any, keras: Any) -> list[Any]:
    """List the calls that a model consists of."""
    depths = graph_of(graph, keras)._nodes_by_depth  # noqa: SLF001  (no public list)
    return [node for nodes in depths.values() for node in nodes]
