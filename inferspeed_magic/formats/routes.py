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
    """

    call: str
    makes: str
    static: bool
    words: str


_FROZEN_ANY = Step(
    "inferspeed_magic.formats.saved_model:freeze", "saved_model", static=False, words="frozen graph, any batch"
)
_FROZEN_ONE = Step(
    "inferspeed_magic.formats.saved_model:freeze", "saved_model", static=True, words="frozen graph, this batch"
)
_LITERT = Step("inferspeed_magic.formats.litert:convert", "litert", static=True, words="TFLiteConverter")
_TF2ONNX = Step("inferspeed_magic.formats.onnx:from_graph", "onnx", static=True, words="tf2onnx")
_TFLITE2ONNX = Step("inferspeed_magic.formats.onnx:from_litert", "onnx", static=True, words="tf2onnx from LiteRT")
_FIX_BATCH = Step("inferspeed_magic.formats.onnx:fix_batch", "onnx", static=True, words="batch fixed")
_OV_FROM_ONNX = Step(
    "inferspeed_magic.formats.openvino_ir:from_onnx", "openvino_ir", static=True, words="OpenVINO from ONNX"
)
_OV_FROM_TF = Step(
    "inferspeed_magic.formats.openvino_ir:from_saved_model",
    "openvino_ir",
    static=True,
    words="OpenVINO from TensorFlow",
)
_OV_FROM_LITERT = Step(
    "inferspeed_magic.formats.openvino_ir:from_litert", "openvino_ir", static=True, words="OpenVINO from LiteRT"
)

Route = tuple[Step, ...]

_FROM_KERAS: dict[str, tuple[Route, ...]] = {
    "keras": ((),),
    "litert": ((_FROZEN_ONE, _LITERT),),
    # Traced with a dynamic batch, recurrent layers become ONNX's own operators; with a fixed one they become loops.
    "onnx": (
        (_FROZEN_ANY, _TF2ONNX, _FIX_BATCH),
        (_FROZEN_ONE, _TF2ONNX),
        (_FROZEN_ONE, _LITERT, _TFLITE2ONNX),
    ),
    "openvino_ir": (
        (_FROZEN_ANY, _TF2ONNX, _OV_FROM_ONNX),
        (_FROZEN_ONE, _OV_FROM_TF),
        (_FROZEN_ANY, _OV_FROM_TF),
        (_FROZEN_ONE, _LITERT, _OV_FROM_LITERT),
    ),
}

_ROUTES: dict[str, dict[str, tuple[Route, ...]]] = {
    "keras": _FROM_KERAS,
    "tf_keras": _FROM_KERAS,
    "saved_model": _FROM_KERAS,
    "onnx": {"onnx": ((_FIX_BATCH,), ()), "openvino_ir": ((_OV_FROM_ONNX,),)},
    "litert": {
        "litert": ((),),
        "onnx": ((_TFLITE2ONNX,),),
        "openvino_ir": ((_OV_FROM_LITERT,), (_TFLITE2ONNX, _OV_FROM_ONNX)),
    },
}

_NO_ROUTE = {
    ("onnx", "keras"): "an ONNX file cannot be turned back into a Keras model",
    ("onnx", "litert"): "there is no converter from ONNX to LiteRT among the libraries in use",
    ("litert", "keras"): "a LiteRT file cannot be turned back into a Keras model",
}


#: The runtime that a file of another format than Keras's was made for: what it answers is right.
NATIVE = {"saved_model": "keras.compiled", "onnx": "onnxruntime", "litert": "litert"}


def routes(source: str, target: str) -> tuple[Route, ...]:
    """Return the routes from a kind of source to an artifact format, best first; none where there is no way."""
    return _ROUTES.get(source, {}).get(target, ())


def why_none(source: str, target: str) -> str:
    """Say why there is no route."""
    return _NO_ROUTE.get((source, target), f"there is no way from {source} to {target}")


def words(route: Route) -> str:
    """Name a route: ``frozen graph, any batch > tf2onnx > batch fixed``."""
    return " > ".join(step.words for step in route) if route else "as it is"
