"""A traced model as a graph of TensorFlow with constant weights: what becomes ONNX."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.formats.onnx_operators import emit_recurrent
from inferspeed_magic.formats.recurrent import lowered
from inferspeed_magic.formats.replacement import replaced
from inferspeed_magic.formats.tracing import GRAPH_BYTES, in_float32, layers_of, model_of, trace

if TYPE_CHECKING:
    from inferspeed_magic.sources.portable import PortableModel

#: In the folder: the graph, and the names of its inputs and outputs in the order of the signature.
GRAPH = "frozen_graph.pb"
ENDS = "frozen_ends.json"
#: For models beyond ``GRAPH_BYTES`` the largest weights lie beside the graph, until no more than this is left in it.
_LEFT_BYTES = 100_000_000


def freeze(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> None:
    """Trace a model and turn its variables into constants.

    Args:
        state: of the converter process; keeps the model that was read.
        source: folder of a portable model.
        target: folder to write.
        batch_size: to trace with; None for any.
        inputs: names, shapes and dtypes of the inputs (not used: the model has them).
    """
    del inputs
    _freeze(state, source, target, batch_size, float32=False)


def freeze_in_float32(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> None:
    """Do the same with every layer computing in float32."""
    del inputs
    _freeze(state, source, target, batch_size, float32=True)


def _freeze(state: dict[str, Any], source: str, target: str, batch_size: int | None, *, float32: bool) -> None:
    model = model_of(state, source)
    folder = Path(target)
    folder.mkdir()
    keras_3 = model.library == "keras"
    apart = _too_large(model) if keras_3 else []
    with (
        lowered(emit_recurrent) if keras_3 else contextlib.nullcontext(),
        in_float32(model) if float32 else contextlib.nullcontext(),
    ):
        traced = trace(model, batch_size, apart=apart)
    graph, names, outputs = _with_constants(traced)
    (folder / GRAPH).write_bytes(_inlinable(graph).SerializeToString())
    inputs, weights = names[: len(names) - len(apart)], names[len(names) - len(apart) :]
    for number, variable in enumerate(apart):
        np.save(folder / f"weights_{number}.npy", variable.numpy(), allow_pickle=False)
    (folder / ENDS).write_text(json.dumps({"inputs": inputs, "weights": weights, "outputs": outputs}))


def _with_constants(traced: Any) -> tuple[Any, list[str], list[str]]:
    """Turn variables into constants; gives the graph, and the names of its inputs and outputs."""
    from tensorflow.python.framework import convert_to_constants

    def unwrapped(_: Any) -> Any:
        # TensorFlow would import the graph again, to make a function of it that nobody here calls.
        def take_apart(function: Any, graph: Any, converted: set[int]) -> tuple[Any, list[str], list[str]]:
            captured = function.graph.internal_captures
            gone = {id(captured[index]) for index in converted}
            inputs = [each.name for each in function.inputs if id(each) not in gone]
            return graph, inputs, [each.name for each in function.outputs]

        return take_apart

    with replaced(convert_to_constants, "_construct_concrete_function", unwrapped):
        # Control flow stays functional (While, If): tf2onnx recognises the recurrent layers of tf_keras by it.
        made = convert_to_constants.convert_variables_to_constants_v2(traced, lower_control_flow=False)
    if isinstance(made, tuple):
        return made
    inputs, outputs = ([each.name for each in ends] for ends in (made.inputs, made.outputs))
    return made.graph.as_graph_def(), inputs, outputs


def _too_large(model: PortableModel) -> list[Any]:
    """List the weights that have to stay outside of the graph, where all together are more than it can hold.

    Those of recurrent layers stay inside: the operator they become needs their values.
    """
    variables = model.model.variables
    inside = {id(each) for layer in layers_of(model) if hasattr(layer, "cell") for each in layer.variables}
    sizes = [(4 * math.prod(each.shape), number) for number, each in enumerate(variables)]
    left = sum(size for size, _ in sizes)
    chosen: list[int] = []
    if left <= GRAPH_BYTES:
        return []
    for size, number in sorted(sizes, reverse=True):
        if left <= min(GRAPH_BYTES, _LEFT_BYTES):
            break
        if id(variables[number]) not in inside:
            left -= size
            chosen.append(number)
    return [variables[number] for number in sorted(chosen)]


def _inlinable(graph: Any) -> Any:
    """Let tf2onnx inline what Keras wraps in functions for XLA (grouped convolutions)."""
    functions = graph.library.function
    for holder in [*graph.node, *functions, *(node for function in functions for node in function.node_def)]:
        for attribute in ("_XlaMustCompile", "_noinline"):
            if attribute in holder.attr:
                del holder.attr[attribute]
    return graph
