"""SavedModel or LiteRT file to ONNX, and the batch of an ONNX file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_OPSET = 17
#: Files above this hold their weights beside them (protobuf cannot hold more than 2 GB).
_EXTERNAL_BYTES = 1_500_000_000


def from_graph(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> None:
    """Convert a frozen graph with tf2onnx.

    Args:
        state: of the converter process (not used).
        source: folder of the frozen graph.
        target: file to write.
        batch_size: not used: what was traced decides.
        inputs: not used.
    """
    del state, batch_size, inputs
    import tensorflow as tf
    import tf2onnx

    from inferspeed_magic.formats.frozen_graph import ENDS, GRAPH
    from inferspeed_magic.formats.naming import output_name
    from inferspeed_magic.formats.onnx_operators import handlers

    folder = Path(source)
    graph = tf.compat.v1.GraphDef.FromString((folder / GRAPH).read_bytes())
    ends = json.loads((folder / ENDS).read_text())
    model, _ = tf2onnx.convert.from_graph_def(
        graph,
        input_names=ends["inputs"],
        output_names=ends["outputs"],
        opset=_OPSET,
        custom_op_handlers=handlers(),
    )
    names = {name: name.partition(":")[0] for name in ends["inputs"]}
    names |= {name: output_name(position) for position, name in enumerate(ends["outputs"])}
    _rename(model, names)
    _save(model, target)


def from_litert(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> None:
    """Convert a LiteRT file with tf2onnx."""
    del state, batch_size, inputs
    import tf2onnx

    model, _ = tf2onnx.convert.from_tflite(source, opset=_OPSET)
    _save(model, target)


def fix_batch(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> None:
    """Write the batch size (and every other dimension that we know) into the inputs of an ONNX file.

    With known shapes ONNX Runtime folds the operators that only compute shapes, and fuses more.

    Args:
        state: of the converter process (not used).
        source: an ONNX file.
        target: file to write.
        batch_size: to fix.
        inputs: names, shapes and dtypes of the inputs, in the order of the signature.
    """
    del state
    import onnx

    from inferspeed_magic.formats.naming import in_order

    model = onnx.load(source)
    initializers = {each.name for each in model.graph.initializer}
    real = [each for each in model.graph.input if each.name not in initializers]
    for entry, spec in zip(in_order(real, lambda each: [each.name]), inputs, strict=True):
        dims = entry.type.tensor_type.shape.dim
        for dim, size in zip(dims, [batch_size, *spec["shape"]], strict=True):
            if size is not None:
                dim.ClearField("dim_param")
                dim.dim_value = size
    # Shapes that were noted for the old batch contradict the new one.
    del model.graph.value_info[:]
    for entry in model.graph.output:
        for dim in entry.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.ClearField("dim_param")
    _save(model, target)


def _rename(model: Any, names: dict[str, str]) -> None:
    """Rename inputs and outputs, so that their position in the signature can be read off."""
    graph = model.graph
    for node in graph.node:
        for field in (node.input, node.output):
            for number, name in enumerate(field):
                if name in names:
                    field[number] = names[name]
    for entry in [*graph.input, *graph.output]:
        entry.name = names.get(entry.name, entry.name)


def _save(model: Any, target: str) -> None:
    import onnx

    large = model.ByteSize() > _EXTERNAL_BYTES
    if large:
        onnx.save_model(
            model,
            target,
            save_as_external_data=True,
            all_tensors_to_one_file=True,
            location=Path(target).name + ".data",
        )
        return
    onnx.checker.check_model(model)
    onnx.save_model(model, target)
