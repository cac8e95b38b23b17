"""Keras model to a SavedModel whose weights are constants: the common stem of every other format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: Beside the SavedModel: the frozen graph, and the names of its inputs and outputs in the order of the signature.
GRAPH = "frozen_graph.pb"
ENDS = "frozen_ends.json"


def freeze(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> dict[str, Any]:
    """Trace the model in inference mode, turn its variables into constants, and save it.

    Converters that are handed live variables write files that run and return NaN; constants leave them no choice.

    Args:
        state: of the converter process; keeps the model that was read.
        source: folder of a portable model.
        target: folder to write.
        batch_size: to trace with; None for any.
        inputs: names, shapes and dtypes of the inputs.
    """
    del inputs
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    from inferspeed_magic.formats.naming import input_name, output_name
    from inferspeed_magic.sources.portable import read

    models = state.setdefault("models", {})
    if source not in models:
        models[source] = read(source)
    model = models[source]

    def infer(*flat: Any) -> list[Any]:
        outputs = model.flatten(model.call(model.pack(flat)))
        return [tf.identity(value, name=output_name(position)) for position, value in enumerate(outputs)]

    specs = model.specs(batch_size, input_name)
    traced = tf.function(infer, input_signature=specs, autograph=False).get_concrete_function()
    # Control flow stays functional (While, If): the converters recognise recurrent layers by it.
    frozen = convert_variables_to_constants_v2(traced, lower_control_flow=False)
    # Nobody trains what is frozen, and some gradients of Keras's activations cannot be saved.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(tf.Module(), target, signatures=_as_signature(frozen, specs), options=options)
    # tf2onnx recognises recurrent layers in the bare graph, but not behind the call that a signature wraps around it.
    (Path(target) / GRAPH).write_bytes(_inlinable(frozen.graph.as_graph_def()).SerializeToString())
    (Path(target) / ENDS).write_text(
        json.dumps({"inputs": [each.name for each in frozen.inputs], "outputs": [each.name for each in frozen.outputs]})
    )
    return {}


def _inlinable(graph: Any) -> Any:
    """Let the converter inline what Keras wraps in functions for XLA (grouped convolutions)."""
    for holder in [
        *graph.node,
        *graph.library.function,
        *(node for f in graph.library.function for node in f.node_def),
    ]:
        for attribute in ("_XlaMustCompile", "_noinline"):
            if attribute in holder.attr:
                del holder.attr[attribute]
    return graph


def _as_signature(frozen: Any, specs: list[Any]) -> Any:
    """Give the frozen function named inputs and outputs, which a signature needs."""
    import tensorflow as tf

    from inferspeed_magic.formats.naming import output_name

    def serve(**named: Any) -> dict[str, Any]:
        outputs = frozen(*[named[spec.name] for spec in specs])
        flat = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
        return {output_name(position): value for position, value in enumerate(flat)}

    return tf.function(serve, autograph=False).get_concrete_function(**{spec.name: spec for spec in specs})
