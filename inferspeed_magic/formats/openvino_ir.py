"""ONNX, SavedModel or LiteRT file to OpenVINO IR."""

from __future__ import annotations

from typing import Any

_RECURRENT = {"LSTMSequence", "GRUSequence", "RNNSequence"}


def convert(
    state: dict[str, Any], *, source: str, target: str, batch_size: int | None, inputs: list[dict[str, Any]]
) -> None:
    """Convert whatever OpenVINO reads.

    Args:
        state: of the converter process (not used).
        source: an ONNX or LiteRT file, or the folder of a frozen SavedModel.
        target: file to write, ``.xml``; the weights go beside it.
        batch_size: to fix; None leaves it open.
        inputs: names, shapes and dtypes of the inputs, in the order of the signature.
    """
    del state
    import openvino

    from inferspeed_magic.formats.naming import in_order

    # Not openvino.convert_model: it starts a process that reports its use to the vendor.
    model = openvino.Core().read_model(source)
    _put_batches_first(model)
    ports = in_order(model.inputs, lambda port: port.get_names())
    shapes = {port: [batch_size or -1, *spec["shape"]] for port, spec in zip(ports, inputs, strict=True)}
    model.reshape(shapes)
    # Weights stay float32: the default would halve them, and with that the precision that is reported.
    openvino.save_model(model, target, compress_to_fp16=False)


def _put_batches_first(model: Any) -> None:
    """Take the direction out of what recurrent operators put out before it is transposed, not after.

    ONNX's operators begin with the steps, OpenVINO's with the batch, so its importer transposes before and after each.
    Around operators that read the same tensor the CPU plugin takes these transpositions for its own and drops one too
    many: for more than one sample the numbers are wrong. Put this way round it leaves them alone, and most cancel out.
    """
    import numpy as np
    from openvino import opset13 as operators

    for node in model.get_ordered_ops():
        if node.get_type_name() not in _RECURRENT:
            continue
        transposed = _only_reader(node.output(0), "Transpose")
        squeezed = transposed and _only_reader(transposed.output(0), "Squeeze")
        if squeezed is None or _constant(squeezed, 1) != [1]:
            continue
        plain = operators.squeeze(node.output(0), np.array([1]))
        steps_first = operators.transpose(plain, np.array([1, 0, 2]))
        node.set_friendly_name(transposed.get_friendly_name())
        steps_first.set_friendly_name(squeezed.get_friendly_name())
        steps_first.output(0).set_names(squeezed.output(0).get_names())
        for reader in list(squeezed.output(0).get_target_inputs()):
            reader.replace_source_output(steps_first.output(0))


def _only_reader(output: Any, kind: str) -> Any:
    readers = [reader.get_node() for reader in output.get_target_inputs()]
    return readers[0] if len(readers) == 1 and readers[0].get_type_name() == kind else None


def _constant(node: Any, position: int) -> list[int] | None:
    value = node.input_value(position).get_node()
    return list(value.get_data().ravel()) if value.get_type_name() == "Constant" else None
