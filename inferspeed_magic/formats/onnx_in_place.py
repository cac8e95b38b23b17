"""Have tf2onnx leave weights where they are: it copies the whole graph before each of its two dozen optimizers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from inferspeed_magic.formats.replacement import replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Our own attribute of tf2onnx's nodes: the value that was written last.
_WRITTEN = "inferspeed_written"


class OptimizerError(Exception):
    """An optimizer failed, and the graph is no longer what it was before."""


@contextlib.contextmanager
def optimized_in_place() -> Iterator[None]:
    """Optimize the graph itself, not copies of it.

    Raises:
        OptimizerError: from tf2onnx's functions, where it would have gone back to a copy. Convert again without this.
    """
    from tf2onnx import optimizer
    from tf2onnx.graph import Node

    with (
        replaced(optimizer, "optimize_graph", _without_copies),
        replaced(Node, "update_proto", _unless_the_same_constant),
    ):
        yield


def _without_copies(optimize_graph: Callable[..., Any]) -> Callable[..., Any]:
    def in_place(graph: Any, catch_errors: bool = True, **options: Any) -> Any:  # noqa: FBT001, FBT002  (tf2onnx's own)
        del catch_errors
        try:
            return optimize_graph(graph, False, **options)  # noqa: FBT003
        except Exception as error:
            raise OptimizerError(repr(error)) from error

    return in_place


def _unless_the_same_constant(update_proto: Callable[..., Any]) -> Callable[..., Any]:
    """Write a constant's value into its message only where it is another one than the last time."""

    def update(node: Any, external_tensor_storage: Any = None) -> None:
        value = node.attr.get("value") if node.is_const() else None
        if value is not None and external_tensor_storage is None:
            if getattr(node, _WRITTEN, None) is value and list(node.op.output) == node.output:
                return
            setattr(node, _WRITTEN, value)
        update_proto(node, external_tensor_storage)

    return update
