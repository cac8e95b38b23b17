"""A Keras model that is changed before anything is converted: from the folder of a portable model to another one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UnsupportedError
from inferspeed_magic.sources.live import write
from inferspeed_magic.sources.portable import MANIFEST, PICKLED, read

if TYPE_CHECKING:
    from inferspeed_magic.sources.portable import PortableModel


def opened(source: str) -> PortableModel:
    """Read a model that may be changed: a copy of the user's.

    Raises:
        UnsupportedError: for what is no Keras model, or cannot be copied.
    """
    if source.startswith("live:"):
        raise UnsupportedError("no other process can rebuild this model, so there is no copy that could be changed")
    if not (Path(source) / MANIFEST).is_file():
        raise UnsupportedError("only Keras models have layers that can be changed")
    found = read(source)
    if not found.has_predict:
        raise UnsupportedError("only Keras models have layers that can be changed, and this is a SavedModel")
    return found


def save(model: Any, was: PortableModel, classes: str, target: str) -> None:
    """Write a model that takes the place of another one: with the same inputs, and the user's own classes.

    Args:
        model: to be written.
        was: the other one.
        classes: folder of a portable model with the user's own classes that this one is made of.
        target: folder to write.

    Raises:
        UnsupportedError: if no process could read it.
    """
    write(Path(target), model, was.library, was.manifest)
    custom = Path(classes) / PICKLED
    if custom.is_file():  # the classes as they arrived here
        shutil.copy(custom, Path(target) / PICKLED)
    try:
        again = read(target).model
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise UnsupportedError(f"the changed model cannot be rebuilt from its configuration: {reason}") from error
    if [tuple(each.shape) for each in again.weights] != [tuple(each.shape) for each in model.weights]:
        raise UnsupportedError("the changed model cannot be rebuilt from its configuration: it comes back unchanged")


def is_graph(layer: Any, keras: Any) -> bool:
    """Tell whether this is a model that is nothing but its graph of layers."""
    if isinstance(layer, keras.Sequential):
        return type(layer) is keras.Sequential
    return isinstance(layer, keras.Model) and type(layer).__name__ == "Functional" and bool(layer.inputs)


def graph_layers(model: Any, keras: Any) -> list[Any]:
    """List the layers of a graph, and of those graphs in it; none for a model that only its own code knows."""
    if not is_graph(model, keras):
        return []
    return [
        each for layer in model.layers for each in (graph_layers(layer, keras) if is_graph(layer, keras) else [layer])
    ]
