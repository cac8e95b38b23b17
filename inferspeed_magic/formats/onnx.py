"""SavedModel or LiteRT file to ONNX, and the batch of an ONNX file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPSET = 17
#: Files above this hold their weights beside them (protobuf cannot hold more than 2 GB).
_EXTERNAL_BYTES = 1_500_000_000
#: Weights beside a file begin at multiples of this, so that they can be mapped into memory.
_ALIGNMENT = 65_536


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
    from inferspeed_magic.formats.layer_names import name_generated
    from inferspeed_magic.formats.naming import output_name
    from inferspeed_magic.formats.onnx_in_place import OptimizerError, optimized_in_place
    from inferspeed_magic.formats.onnx_operators import handlers

    folder = Path(source)
    graph = tf.compat.v1.GraphDef.FromString((folder / GRAPH).read_bytes())
    ends = json.loads((folder / ENDS).read_text())

    def convert() -> Any:
        return tf2onnx.convert.from_graph_def(
            graph,
            input_names=[*ends["inputs"], *ends["weights"]],
            output_names=ends["outputs"],
            opset=_OPSET,
            custom_op_handlers=handlers(),
        )[0]

    try:
        with optimized_in_place():
            model = convert()
    except OptimizerError:
        model = convert()
    name_generated(model.graph)
    names = {name: name.partition(":")[0] for name in ends["inputs"]}
    # OpenVINO calls the operator that makes an output by the output's name: that has to lead to the layer, too.
    scopes = {output: node.name.rpartition("/")[0] for node in model.graph.node for output in node.output}
    names |= {
        name: f"{scopes.get(name, '')}/{output_name(position)}".lstrip("/")
        for position, name in enumerate(ends["outputs"])
    }
    _rename(model, names)
    _save(model, target, {name: folder / f"weights_{number}.npy" for number, name in enumerate(ends["weights"])})


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

    model = onnx.load(source, load_external_data=False)
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
    beside = {
        entry.value for each in model.graph.initializer for entry in each.external_data if entry.key == "location"
    }
    for name in beside:
        shutil.copy(Path(source).with_name(name), Path(target).with_name(name))
    if beside:
        Path(target).write_bytes(model.SerializeToString())
        return
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


def _save(model: Any, target: str, weights: Mapping[str, Path] = MappingProxyType({})) -> None:
    """Write a model; large ones with their weights beside them.

    Args:
        model: to write.
        target: file.
        weights: what is still an input of the model, and becomes an initializer with the values of an ``.npy`` file.
    """
    import onnx

    for name, file in weights.items():
        array = np.load(file, mmap_mode="r", allow_pickle=False)
        model.graph.initializer.append(_beside(name, array, Path(target)))
    if weights:
        for entry in [each for each in model.graph.input if each.name in weights]:
            model.graph.input.remove(entry)
    if model.ByteSize() > _EXTERNAL_BYTES:
        name = Path(target).name + ".data"
        onnx.save_model(model, target, save_as_external_data=True, all_tensors_to_one_file=True, location=name)
        return
    Path(target).write_bytes(model.SerializeToString())
    # tf2onnx logs what it cannot convert, and goes on.
    onnx.checker.check_model(target)


def _beside(name: str, array: Any, target: Path) -> Any:
    """Append an array to the file beside the model, and return the tensor that points there."""
    import onnx

    file = target.with_name(target.name + ".data")
    with file.open("ab") as stream:
        stream.write(b"\0" * (-stream.tell() % _ALIGNMENT))
        start = stream.tell()
        np.ascontiguousarray(array).tofile(stream)
    tensor = onnx.TensorProto(
        name=name,
        data_type=onnx.helper.np_dtype_to_tensor_dtype(array.dtype),
        dims=array.shape,
        data_location=onnx.TensorProto.EXTERNAL,
    )
    for key, value in (("location", file.name), ("offset", start), ("length", array.nbytes)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor
