"""Where the layers of a model are, models inside the model and all, and where their counterparts in its twin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from inferspeed_magic.twins.graphs import is_graph
from inferspeed_magic.twins.layers import inner_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str, ...]


def clean(name: str) -> str:
    """Make a name that TensorFlow's scopes can have."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    return plain if re.match(r"[A-Za-z0-9.]", plain) else f"x{plain}"


def joined(path: Path) -> str:
    """Name a layer in a twin that has no models inside."""
    return "_".join(path)


def paths_of(model: Any, keras: Any) -> dict[int, tuple[Any, Path]]:
    """List the layers and models of a graph, each once, where it is met first: by ``id``, with its path."""
    found: dict[int, tuple[Any, Path]] = {}

    def walk(holder: Any, path: Path) -> None:
        for layer in holder.layers:
            if id(layer) in found:
                continue
            own = (*path, clean(layer.name))
            found[id(layer)] = (layer, own)
            if is_graph(layer, keras):
                walk(layer, own)

    walk(model, ())
    return found


def matched(model: Any, made: Any, keras: Any) -> Iterator[tuple[Any, Any]]:
    """Pair the layers that have weights of their own with their counterparts.

    Args:
        model: of Keras 3.
        made: its twin, with models inside or without, or one of the same layers after work on it.
        keras: the library.

    Raises:
        KeyError: for a layer that is not there.
    """
    for layer, path in paths_of(model, keras).values():
        if is_graph(layer, keras) or not layer.weights:
            continue
        there = _found(made, path)
        for one, other in inner_pairs(layer, there):
            if is_graph(one, keras):  # a model for each step of a sequence
                yield from matched(one, other, keras)
            else:
                yield one, other


def _found(made: Any, path: Path) -> Any:
    layers = {layer.name: layer for layer in made.layers}
    if joined(path) in layers and (len(path) == 1 or path[0] not in layers):
        return layers[joined(path)]
    if len(path) > 1 and path[0] in layers:
        return _found(layers[path[0]], path[1:])
    raise KeyError(joined(path))
