"""Preprocessing layers inside a model that no file can hold: strings and lookup tables stay in Keras.

The model is cut at the first tensors after them. What is before runs in Keras, once, to make the inputs of the rest.
"""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.records.signature import Signature, TensorSpec
from inferspeed_magic.sources.input_values import index_bounds
from inferspeed_magic.sources.live import manifest, write
from inferspeed_magic.sources.portable import read
from inferspeed_magic.sources.quiet import quiet
from inferspeed_magic.sources.structure import pack

if TYPE_CHECKING:
    from inferspeed_magic.sources.source import Source

    Array = np.ndarray[Any, Any]

#: Layers that work with tables or hashes of strings.
_TABLES = {"StringLookup", "IntegerLookup", "TextVectorization", "Hashing", "HashedCrossing"}
_SAME = 1e-5


def after_preprocessing(source: Source) -> Source | None:
    """Return the part of a functional Keras model after its last lookup, with a note on it.

    Returns:
        None for a model that needs no cut, or that cannot be cut.
    """
    if source.kind != "keras" or not getattr(source.model, "inputs", None):
        return None
    with contextlib.suppress(Exception):  # a graph of a sort that we do not know: the whole model is tried
        return _cut(source)
    return None


def _cut(source: Source) -> Source | None:
    import keras

    model = source.model
    nodes = [node for node in _nodes(model) if node.input_tensors]
    texts = [node for node in nodes if _works_with_text(node)]
    if not texts:
        return None
    ends = list(keras.tree.flatten(model.outputs))
    between = _between(model, nodes, _with_ancestors(texts, nodes), ends)
    if not between or any("string" in str(tensor.dtype) for tensor in between):
        return None
    head, rest = keras.Model(_inputs_of(model), between), _rest(model, nodes, between, ends)
    whole = [array[:2] for array in source.samples(2, 0)]
    fed = _feed(source, head, whole)
    names = ", ".join(dict.fromkeys(node.operation.name for node in texts))
    note = (
        f"without {names}: files cannot hold strings and lookup tables, so `{source.name}` is measured from their "
        "outputs on"
    )
    part = replace(
        source,
        model=rest,
        signature=_signature(rest, fed, source),
        template={"list": list(range(len(between)))} if len(between) > 1 else 0,
        given=None,
        part="after preprocessing",
        whole=source,
        feed=lambda inputs: _feed(source, head, inputs),
        notes=(*source.notes, note),
    )
    for mine, theirs in zip(part.outputs(fed), source.outputs(whole), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=_SAME, atol=_SAME)
    return part


def _rest(model: Any, nodes: list[Any], between: list[Any], ends: list[Any]) -> Any:
    """Build a model of what comes after the cut, with layers of its own: the user's model must not remember it.

    A layer that is called once more has no ``output`` any longer, and some models could not be saved again.
    """
    import keras

    calls = [calls for node in nodes for calls in (node.operation._inbound_nodes, node.operation._outbound_nodes)]  # noqa: SLF001
    before = [list(each) for each in calls]
    names = {id(tensor): tensor.name for tensor in model.inputs}
    try:
        inputs = [
            keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=names.get(id(tensor))) for tensor in between
        ]
        graph = keras.Function(between, ends)
        rest = keras.Model(inputs, graph._run_through_graph(inputs, operation_fn=lambda layer: layer))  # noqa: SLF001
        with quiet(), tempfile.TemporaryDirectory() as folder:
            write(Path(folder), rest, "keras", manifest("keras", Signature(()), 0))
            return read(folder).model
    finally:
        for each, kept in zip(calls, before, strict=True):
            each[:] = kept


def _inputs_of(model: Any) -> Any:
    """Return the inputs, nested as the model takes them."""
    nested = getattr(model, "_inputs_struct", None)
    if nested is not None:
        return nested
    return model.inputs[0] if len(model.inputs) == 1 else list(model.inputs)


def _nodes(model: Any) -> list[Any]:
    """List the calls of layers that the model consists of."""
    graph = getattr(model, "_functional", None) or model  # Sequential keeps its graph inside
    return [node for depth in graph._nodes_by_depth.values() for node in depth]  # noqa: SLF001  (no public list)


def _works_with_text(node: Any) -> bool:
    if any("string" in str(tensor.dtype) for tensor in (*node.input_tensors, *node.output_tensors)):
        return True
    flatten = getattr(node.operation, "_flatten_layers", None)  # also lists layers inside layers
    return any(type(layer).__name__ in _TABLES for layer in (flatten() if flatten else [node.operation]))


def _with_ancestors(chosen: list[Any], nodes: list[Any]) -> set[int]:
    """Return the ids of these nodes and of all that they depend on."""
    made_by = {id(tensor): node for node in nodes for tensor in node.output_tensors}
    found: set[int] = set()
    todo = list(chosen)
    while todo:
        node = todo.pop()
        if id(node) not in found:
            found.add(id(node))
            todo += [made_by[id(tensor)] for tensor in node.input_tensors if id(tensor) in made_by]
    return found


def _between(model: Any, nodes: list[Any], before: set[int], ends: list[Any]) -> list[Any]:
    """List the tensors that the rest begins with: inputs, and what is made before the cut, as far as it is read."""
    made = [*model.inputs, *(tensor for node in nodes if id(node) in before for tensor in node.output_tensors)]
    read = [*(tensor for node in nodes if id(node) not in before for tensor in node.input_tensors), *ends]
    wanted = {id(tensor) for tensor in read}
    return [tensor for tensor in made if id(tensor) in wanted]


def _feed(source: Source, head: Any, inputs: list[Array]) -> list[Array]:
    import keras

    outputs = head(pack(source.template, inputs), training=False)
    return [np.asarray(keras.ops.convert_to_numpy(each)) for each in keras.tree.flatten(outputs)]


def _signature(rest: Any, fed: list[Array], source: Source) -> Signature:
    bounds = index_bounds(rest, list(rest.inputs))
    specs = [
        TensorSpec(
            str(tensor.name).partition(":")[0], tuple(int(size) for size in array.shape[1:]), str(array.dtype), bound
        )
        for tensor, array, bound in zip(rest.inputs, fed, bounds, strict=True)
    ]
    return Signature(tuple(specs), source.signature.fixed_batch)
