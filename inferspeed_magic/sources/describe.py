"""Read the signature of a file that is not Keras's. Runs in a worker: these libraries crash on bad files."""

from __future__ import annotations

import contextlib
import math
from typing import Any

_ONNX_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(bfloat16)": "bfloat16",
    "tensor(bool)": "bool",
    "tensor(string)": "str",
}


def saved_model(state: dict[str, Any], *, path: str) -> dict[str, Any]:
    """Describe the serving signature of a SavedModel: ``inputs``, ``signature``."""
    del state
    import tensorflow as tf

    signatures = tf.saved_model.load(path).signatures
    if not signatures:
        raise ValueError("the SavedModel has no serving signature: export it with model.export()")
    name = "serving_default" if "serving_default" in signatures else next(iter(signatures))
    _, keywords = signatures[name].structured_input_signature
    return {
        "signature": name,
        "inputs": [_tf_spec(key, keywords[key]) for key in sorted(keywords)],
    }


def _tf_spec(name: str, spec: Any) -> dict[str, Any]:
    if spec.shape.rank is None:
        raise ValueError(f"input {name} has no known rank")
    shape = [None if size is None else int(size) for size in spec.shape]
    return _spec(name, shape, "str" if spec.dtype.name == "string" else spec.dtype.name)


def onnx(state: dict[str, Any], *, path: str) -> dict[str, Any]:
    """Describe the inputs of an ONNX file."""
    del state
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = []
    for node in session.get_inputs():
        shape = [size if isinstance(size, int) and size > 0 else None for size in node.shape]
        inputs.append(_spec(node.name, shape, _ONNX_DTYPES.get(node.type, node.type[7:-1])))
    return {"inputs": inputs, "precision": _onnx_precision(path)}


def _onnx_precision(path: str) -> str:
    """Name the type that most of the weights are stored as."""
    import onnx as library

    model = library.load(path, load_external_data=False)
    sizes: dict[str, int] = {}
    for weight in model.graph.initializer:
        name = library.TensorProto.DataType.Name(weight.data_type).lower()
        sizes[name] = sizes.get(name, 0) + math.prod(weight.dims)
    return _precision(sizes)


def _precision(sizes: dict[str, int]) -> str:
    names = {"float": "float32", "double": "float64", "uint8": "int8", "uint4": "int4"}
    known = {"float32", "float64", "float16", "bfloat16", "int8", "int4"}
    counted: dict[str, int] = {}
    for name, size in sizes.items():
        precision = names.get(name, name)
        if precision in known:
            counted[precision] = counted.get(precision, 0) + size
    return max(counted, key=lambda precision: counted[precision]) if counted else "float32"


def litert(state: dict[str, Any], *, path: str) -> dict[str, Any]:
    """Describe the inputs of a LiteRT file."""
    del state
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path)
    sizes: dict[str, int] = {}
    for detail in interpreter.get_tensor_details():
        # Nothing is allocated yet, so only constants hold data.
        with contextlib.suppress(ValueError):
            interpreter.get_tensor(detail["index"])
            name = np.dtype(detail["dtype"]).name
            sizes[name] = sizes.get(name, 0) + math.prod(int(size) for size in detail["shape"])
    inputs = []
    for detail in interpreter.get_input_details():
        shape = [None if size < 0 else int(size) for size in detail["shape_signature"]]
        inputs.append(_spec(detail["name"], shape, np.dtype(detail["dtype"]).name))
        # The interpreter can be resized to any batch, whatever the file says.
        inputs[-1]["fixed_batch"] = None
    return {"inputs": inputs, "precision": _precision(sizes)}


def _spec(name: str, shape: list[int | None], dtype: str) -> dict[str, Any]:
    import numpy as np

    if dtype.startswith(("bytes", "object")):
        dtype = "str"
    if dtype not in {"str", "bfloat16"}:
        try:
            np.dtype(dtype)
        except TypeError:
            raise ValueError(f"input {name} is of a type that cannot be made up or given: {dtype}") from None
    batch = shape[0] if shape else None
    return {"name": name, "shape": shape[1:], "dtype": dtype, "fixed_batch": batch}
