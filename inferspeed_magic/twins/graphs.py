"""Keras 3 models that are nothing but their graph of calls."""

from __future__ import annotations

from typing import Any


def graph_of(model: Any, keras: Any) -> Any:
    """Give the graph of calls of a Sequential or functional model."""
    return model._functional if isinstance(model, keras.Sequential) else model  # noqa: SLF001  (nowhere public)


def is_graph(operation: Any, keras: Any) -> bool:
    """Tell whether this is a model whose graph says all about it: built, and of no class of the user's."""
    if isinstance(operation, keras.Sequential):
        return type(operation) is keras.Sequential and operation._functional is not None  # noqa: SLF001
    return (
        isinstance(operation, keras.Model)
        and type(operation).__name__ in ("Functional", "Model")
        and hasattr(operation, "_nodes_by_depth")
    )


def masks_on(tensors: Any, keras: Any) -> list[Any]:
    """List the masks that Keras computed for tensors by itself, in flat order; None where there is none."""
    return [getattr(tensor, "_keras_mask", None) for tensor in keras.tree.flatten(tensors)]
