"""Operators of converted files are named after the Keras layers they belong to, and lead back to them.

TensorFlow names an operator by the scopes that it is traced in, and numbers scopes to keep them apart: the second call
of the layer ``dense`` would look like the first of ``dense_1``. So each layer is traced in a scope of exactly its name:
``functional/multi_head_attention/query/MatMul``.
"""

from __future__ import annotations

import contextlib
import importlib
import posixpath
import re
from typing import TYPE_CHECKING, Any

from inferspeed_magic.formats.replacement import replaced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Kernels and tables have at least two dimensions; what has fewer may be a constant of the converter's own.
_MATRIX = 2


def layer_of(operator: str, layers: Iterable[str]) -> str | None:
    """Name the layer that an operator belongs to.

    Args:
        operator: its name in the file; runtimes may have put something after it, or joined the names of operators that
            they fused with ``;``.
        layers: names of all layers of the model, those inside layers too.

    Returns:
        The layer's path of names, ``encoder/dense``; None for an operator that no layer made.
    """
    names = list(layers)
    known = {_clean(name): name for name in names} | {name: name for name in names}
    for fused in operator.split(";"):
        *scopes, _ = fused.split("/")
        path = [known[scope] for scope in scopes if scope in known]
        if path:
            return "/".join(path)
    return None


@contextlib.contextmanager
def named_after_layers() -> Iterator[None]:
    """Have every layer of Keras 3, and every operation between layers, traced in a scope of exactly its name."""
    import keras

    def exactly(begin: Any) -> Any:
        def begin_exactly(scope: Any, name: str, **options: Any) -> None:
            begin(scope, name, **options)
            scope._tf_name_scope = _scope(name)  # noqa: SLF001  (what it enters)

        return begin_exactly

    def in_scope(call: Any) -> Any:
        def call_in_scope(operation: Any, *arguments: Any, **options: Any) -> Any:
            # Layers enter their scope themselves.
            with contextlib.nullcontext() if isinstance(operation, keras.Layer) else _scope(operation.name):
                return call(operation, *arguments, **options)

        return call_in_scope

    scopes = importlib.import_module("keras.src.backend.tensorflow.core").name_scope
    with replaced(scopes, "__init__", exactly), replaced(keras.Operation, "__call__", in_scope):
        yield


def _scope(name: str) -> Any:
    import tensorflow as tf

    # TensorFlow numbers a scope unless it is given with everything around it and a slash at its end.
    return tf.name_scope("/".join((*filter(None, [tf.get_current_name_scope()]), _clean(name), "")))


def _clean(name: str) -> str:
    """Make a name that TensorFlow takes for a scope; an outermost one begins with a letter, a digit or a point."""
    clean = re.sub(r"[^A-Za-z0-9_.>-]", "_", name)
    return clean if re.match(r"[A-Za-z0-9.]", clean) else f".{clean}"


def name_generated(graph: Any) -> None:
    """Put the nodes of an ONNX graph that the converter added (``Transpose__12``) into the scope of a layer.

    A node that reads a kernel or a table belongs to whose that is. Nodes that hang together stand for something that
    the converter took apart, or put between two layers: they get the scope that all around them share, or that of what
    comes before them if that is no layer's.
    """
    nodes = list(graph.node)
    kernels = {each.name for each in graph.initializer if len(each.dims) >= _MATRIX and "/" in each.name}
    for node in nodes:
        own = next((name for name in node.input if name in kernels), None)
        if "/" not in node.name and own is not None:
            node.name = f"{posixpath.dirname(own)}/{node.name}"
    makers = {output: number for number, node in enumerate(nodes) for output in node.output}
    before = [[makers[name] for name in node.input if name in makers] for node in nodes]
    after: list[list[int]] = [[] for _ in nodes]
    for number, found in enumerate(before):
        for each in found:
            after[each].append(number)
    generated = {number for number, node in enumerate(nodes) if "/" not in node.name}
    root = _common([nodes[number].name for number in range(len(nodes)) if number not in generated])
    while generated:
        together = _connected(generated.pop(), generated, before, after)
        around = [
            posixpath.dirname(nodes[each].name)
            for near in (before, after)
            for number in together
            for each in near[number]
            if "/" in nodes[each].name
        ]
        shared = _common(around)
        scope = shared if len(shared) > len(root) else next(iter(around), "")
        for number in together:
            nodes[number].name = f"{scope}/{nodes[number].name}" if scope else nodes[number].name


def _connected(start: int, left: set[int], *near: list[list[int]]) -> list[int]:
    """Take all nodes out of those left that this one is connected with."""
    found = [start]
    for number in found:
        for each in (each for table in near for each in table[number] if each in left):
            left.discard(each)
            found.append(each)
    return found


def _common(paths: list[str]) -> str:
    return posixpath.commonpath(paths) if paths else ""
