"""Which ways lead from what a user handed in to what a runtime opens. Pure data: nothing is converted here.

A route is a chain of steps; steps that routes share are done once. Routes are tried in order until one gives an
artifact whose outputs agree with the source model's.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One conversion, done in the converter process.

    Attributes:
        call: ``module:function`` with the arguments ``(state, source, target, batch_size, inputs)``.
        makes: the format of what it writes.
        static: whether what it writes is for one batch size.
        words: for the report.
        computes: the precision it makes the model compute in, where that is not the model's own.
        backend: of Keras, in the converter process.
        calibrated: whether it takes a folder of samples, ``calibration``.
        trained: whether it takes a folder with what to train with, ``lesson``.
        from_model: whether it reads the Keras model itself, whatever other routes to its format make before.
        settings: more arguments.
    """

    call: str
    makes: str
    static: bool
    words: str
    computes: str | None = None
    backend: str = "tensorflow"
    calibrated: bool = False
    trained: bool = False
    from_model: bool = False
    settings: tuple[tuple[str, str | bool | int], ...] = ()


def _step(
    call: str,
    makes: str,
    words: str,
    *,
    static: bool = True,
    computes: str | None = None,
    backend: str = "tensorflow",
) -> Step:
    return Step(f"inferspeed_magic.formats.{call}", makes, static, words, computes, backend)


_GRAPH_ANY = _step("frozen_graph:freeze", "graph", "frozen graph, any batch", static=False)
_GRAPH_ONE = _step("frozen_graph:freeze", "graph", "frozen graph, this batch")
_GRAPH_ANY_32 = _step(
    "frozen_graph:freeze_in_float32", "graph", "frozen graph in float32, any batch", static=False, computes="float32"
)
_SAVED_ANY = _step("saved_model:freeze", "saved_model", "SavedModel, any batch", static=False)
_SAVED_ONE = _step("saved_model:freeze", "saved_model", "SavedModel, this batch")
_SAVED_ANY_32 = _step(
    "saved_model:freeze_in_float32", "saved_model", "SavedModel in float32, any batch", static=False, computes="float32"
)
_SAVED_ONE_32 = _step(
    "saved_model:freeze_in_float32", "saved_model", "SavedModel in float32, this batch", computes="float32"
)
_LITERT = _step("litert:convert", "litert", "TFLiteConverter")
_LITERT_ANY = _step("litert:convert", "litert", "TFLiteConverter", static=False)
_TF2ONNX = _step("onnx:from_graph", "onnx", "tf2onnx")
_TF2ONNX_ANY = _step("onnx:from_graph", "onnx", "tf2onnx", static=False)
_TFLITE2ONNX = _step("onnx:from_litert", "onnx", "tf2onnx from LiteRT")
_FIX_BATCH = _step("onnx:fix_batch", "onnx", "batch fixed")
_TORCH = _step("onnx_torch:export", "onnx", "PyTorch's exporter", backend="torch")
_OV_FROM_ONNX = _step("openvino_ir:convert", "openvino_ir", "OpenVINO from ONNX")
_OV_FROM_ONNX_ANY = _step("openvino_ir:convert", "openvino_ir", "OpenVINO from ONNX", static=False)
_OV_FROM_TF = _step("openvino_ir:convert", "openvino_ir", "OpenVINO from TensorFlow")
_OV_FROM_TF_ANY = _step("openvino_ir:convert", "openvino_ir", "OpenVINO from TensorFlow", static=False)
_OV_FROM_LITERT = _step("openvino_ir:convert", "openvino_ir", "OpenVINO from LiteRT")

Route = tuple[Step, ...]
Table = dict[str, dict[str, tuple[Route, ...]]]

_STATIC_FROM_KERAS: dict[str, tuple[Route, ...]] = {
    "keras": ((),),
    "litert": ((_SAVED_ONE, _LITERT), (_SAVED_ONE_32, _LITERT)),
    # Traced with any batch, the recurrent layers of tf_keras become ONNX's own operators; with a fixed one loops.
    "onnx": (
        (_GRAPH_ANY, _TF2ONNX_ANY, _FIX_BATCH),
        (_GRAPH_ONE, _TF2ONNX),
        (_GRAPH_ANY_32, _TF2ONNX_ANY, _FIX_BATCH),
        (_SAVED_ONE, _LITERT, _TFLITE2ONNX),
        (_TORCH,),
    ),
    "openvino_ir": (
        (_GRAPH_ANY, _TF2ONNX_ANY, _OV_FROM_ONNX),
        (_GRAPH_ANY_32, _TF2ONNX_ANY, _OV_FROM_ONNX),
        (_SAVED_ONE, _OV_FROM_TF),
        (_SAVED_ANY, _OV_FROM_TF),
        (_SAVED_ONE, _LITERT, _OV_FROM_LITERT),
        (_TORCH, _OV_FROM_ONNX),
    ),
}
_STATIC_WITHOUT_TORCH = {
    made: tuple(route for route in found if _TORCH not in route) for made, found in _STATIC_FROM_KERAS.items()
}
_DYNAMIC_FROM_KERAS: dict[str, tuple[Route, ...]] = {
    "litert": ((_SAVED_ANY, _LITERT_ANY), (_SAVED_ANY_32, _LITERT_ANY)),
    "onnx": ((_GRAPH_ANY, _TF2ONNX_ANY), (_GRAPH_ANY_32, _TF2ONNX_ANY)),
    "openvino_ir": (
        (_GRAPH_ANY, _TF2ONNX_ANY, _OV_FROM_ONNX_ANY),
        (_GRAPH_ANY_32, _TF2ONNX_ANY, _OV_FROM_ONNX_ANY),
        (_SAVED_ANY, _OV_FROM_TF_ANY),
    ),
}

_STATIC: Table = {
    "keras": _STATIC_FROM_KERAS,
    "tf_keras": _STATIC_WITHOUT_TORCH,
    "saved_model": _STATIC_WITHOUT_TORCH,
    "onnx": {"onnx": ((_FIX_BATCH,), ()), "openvino_ir": ((_OV_FROM_ONNX,),)},
    "litert": {
        "litert": ((),),
        "onnx": ((_TFLITE2ONNX,),),
        "openvino_ir": ((_OV_FROM_LITERT,), (_TFLITE2ONNX, _OV_FROM_ONNX)),
    },
}
_DYNAMIC: Table = {
    "keras": _DYNAMIC_FROM_KERAS,
    "tf_keras": _DYNAMIC_FROM_KERAS,
    "saved_model": _DYNAMIC_FROM_KERAS,
    "onnx": {"onnx": ((),), "openvino_ir": ((_OV_FROM_ONNX_ANY,),)},
}

_NO_ROUTE = {
    ("onnx", "keras"): "an ONNX file cannot be turned back into a Keras model",
    ("onnx", "litert"): "there is no converter from ONNX to LiteRT among the libraries in use",
    ("litert", "keras"): "a LiteRT file cannot be turned back into a Keras model",
}


#: The runtime that a file of another format than Keras's was made for: what it answers is right.
NATIVE = {"saved_model": "keras.compiled", "onnx": "onnxruntime", "litert": "litert"}


def routes(source: str, target: str, *, dynamic: bool = False, lower: bool = False) -> tuple[Route, ...]:
    """Return the routes from a kind of source to an artifact format, best first; none where there is no way.

    Args:
        source: kind of what was handed in.
        target: format of the artifact.
        dynamic: for artifacts that take any batch size.
        lower: whether the model computes in another precision than float32, so that a way through float32 differs.
    """
    found = (_DYNAMIC if dynamic else _STATIC).get(source, {}).get(target, ())
    return tuple(route for route in found if lower or not any(step.computes for step in route))


def why_none(source: str, target: str) -> str:
    """Say why there is no route."""
    return _NO_ROUTE.get((source, target), f"there is no way from {source} to {target}")


def words(route: Route) -> str:
    """Name a route: ``frozen graph, any batch > tf2onnx > batch fixed``."""
    return " > ".join(step.words for step in route) if route else "as it is"
