"""The steps of a route, as calls in a script.

Where the plain use of a library makes what our step makes, the call is to a short function of ``recipe_parts``; for
everything else it is to our own function, whose text comes along.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from inferspeed_magic.optimized.recipe_parts import PARTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from inferspeed_magic.formats.routes import Route, Step
    from inferspeed_magic.optimized.recipe_layers import Look

_SUFFIXES = {"keras": ".keras", "litert": ".tflite", "onnx": ".onnx", "openvino_ir": ".xml"}
_FILES = {"keras": "model.keras", "litert": "model.tflite", "onnx": "model.onnx", "openvino_ir": "model.xml"}


@dataclass(frozen=True)
class Call:
    """A line of the script.

    Attributes:
        function: ``module:name``.
        arguments: as the line has them.
        result: name of what it returns, if that is used.
    """

    function: str
    arguments: str
    result: str = ""

    def line(self, name: str) -> str:
        """Write it with the name that the function has in the script."""
        return f"{f'{self.result} = ' if self.result else ''}{name}({self.arguments})"


def calls(route: Route, look: Look, kind: str, batch_size: int) -> tuple[Call, ...]:
    """Write a route as calls, which find ``model_file``, ``calibration``, ``work`` and ``made`` defined.

    Args:
        route: from the model to the artifact.
        look: what the model's file tells.
        kind: of the source.
        batch_size: of the artifact.
    """
    found: list[Call] = []
    path = "model_file"
    plainly_frozen = False
    for number, step in enumerate(route):
        last = number == len(route) - 1
        target = "made" if last else f'work / "step_{number + 1}{_SUFFIXES.get(step.makes, "")}"'
        batch = batch_size if step.static else None
        name = step.call.removeprefix("inferspeed_magic.")
        if name in _FREEZE and (look.plain or kind == "saved_model"):
            found.append(Call(f"{PARTS}.freezing:freeze", f"load({path}), batch_size={batch}", "frozen"))
            if step.makes == "saved_model":
                found.append(Call(f"{PARTS}.freezing:save", f"frozen, {target}"))
            plainly_frozen = True
        elif name == "formats.onnx:from_graph" and plainly_frozen:
            found.append(Call(f"{PARTS}.onnx:convert_to_onnx", f"frozen, {target}"))
        else:
            found.append(_plain(step, path, target, batch, look) or _carried(step, path, target, batch))
            if step.makes == "keras" and name not in _KEEPS_PLAIN:
                look = replace(look, plain=False)
        path = target
    return tuple(found)


def file_of(route: Route) -> str | None:
    """Name the file that a route makes; None where the model itself is opened."""
    return _FILES.get(route[-1].makes) if route else None


#: Changes of a Keras model that put layers into it which convert the plain way.
_KEEPS_PLAIN = {
    "techniques.factorization:factorize",
    "techniques.channel_pruner:remove",
    "techniques.channel_pruner:remove_for_latency",
    "techniques.distiller:distill",
}
_FREEZE = {"formats.saved_model:freeze", "formats.frozen_graph:freeze"}


def _plain(step: Step, source: str, target: str, batch: int | None, look: Look) -> Call | None:
    """Write a step as the plain use of a library; None where that would not be the same."""
    settings = dict(step.settings)
    found = _PLAIN.get(step.call.removeprefix("inferspeed_magic."))
    if found is None:
        return None
    written = found(settings, batch, look)
    if written is None:
        return None
    function, more = written
    calibration = ["calibration"] if step.calibrated else []
    return Call(f"{PARTS}.{function}", ", ".join([source, target, *calibration, *more]))


def _carried(step: Step, source: str, target: str, batch: int | None) -> Call:
    arguments = [f"source=str({source})", f"target=str({target})", f"batch_size={batch}", "inputs=INPUTS"]
    arguments += [f"{name}={value!r}" for name, value in step.settings]
    arguments += ["calibration=str(calibration)"] if step.calibrated else []
    arguments += ["lesson=str(LESSON)"] if step.trained else []
    return Call(step.call, ", ".join(["STATE", *arguments]))


Written = tuple[str, list[str]]


def _simply(function: str) -> Callable[..., Written | None]:
    return lambda settings, *_: None if settings else (function, [])


def _litert(settings: dict[str, object], _batch: int | None, _look: Look) -> Written | None:
    functions = {
        "float16": "quantize_float16",
        "dynamic": "quantize_dynamic_int8",
        "int8": "quantize_static_int8",
        "int16x8": "quantize_int16x8",
    }
    kind = settings.pop("kind", None)
    return None if settings or kind not in functions else (f"litert:{functions[str(kind)]}", [])


def _onnx_dynamic(settings: dict[str, object], _batch: int | None, _look: Look) -> Written | None:
    reduced = settings.pop("reduce_range", False)
    return None if settings else ("onnx:quantize_dynamic_int8", [f"reduce_range={reduced}"])


def _onnx_static(settings: dict[str, object], _batch: int | None, _look: Look) -> Written | None:
    reduced, method = settings.pop("reduce_range", False), settings.pop("method", "minmax")
    plain = method == "minmax" and not settings
    return ("onnx:quantize_static_int8", [f"reduce_range={reduced}"]) if plain else None


def _openvino(settings: dict[str, object], batch: int | None, look: Look) -> Written | None:
    # Recurrent operators have to be put another way round.
    return ("openvino:convert_to_openvino", [f"batch_size={batch}"]) if look.plain and not settings else None


def _fix_batch(settings: dict[str, object], _batch: int | None, look: Look) -> Written | None:
    # Weights that lie beside the file have to stay there.
    return ("onnx:fix_batch", []) if look.small and not settings else None


def _compressed(settings: dict[str, object], _batch: int | None, _look: Look) -> Written | None:
    functions = {8: "compress_int8", 4: "compress_int4"}
    bits = settings.pop("bits", None)
    return None if settings or bits not in functions else (f"openvino:{functions[bits]}", [])


_PLAIN: dict[str, Callable[..., Written | None]] = {
    "formats.litert:convert": _simply("litert:convert_to_litert"),
    "formats.onnx:from_litert": _simply("onnx:convert_litert_to_onnx"),
    "formats.onnx:fix_batch": _fix_batch,
    "formats.openvino_ir:convert": _openvino,
    "techniques.litert_quantizer:convert": _litert,
    "techniques.onnx_quantizer:dynamic": _onnx_dynamic,
    "techniques.onnx_quantizer:static": _onnx_static,
    "techniques.openvino_quantizer:static": _simply("openvino:quantize_static_int8"),
    "techniques.openvino_quantizer:weights": _compressed,
    "techniques.openvino_quantizer:half": _simply("openvino:compress_float16"),
}
