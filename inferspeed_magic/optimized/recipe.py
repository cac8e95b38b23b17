"""A plain Python script that makes an artifact with the libraries alone: without this package, and it runs."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from inferspeed_magic.optimized.recipe_bundle import bundle
from inferspeed_magic.optimized.recipe_custom import Custom, write_custom
from inferspeed_magic.optimized.recipe_inputs import write_inputs
from inferspeed_magic.optimized.recipe_layers import both, look_into
from inferspeed_magic.optimized.recipe_layout import Layout
from inferspeed_magic.optimized.recipe_parts import PARTS
from inferspeed_magic.optimized.recipe_running import run_of
from inferspeed_magic.optimized.recipe_steps import calls
from inferspeed_magic.optimized.recipe_text import function, infer_text, load_text
from inferspeed_magic.sources.live import MODEL_FILE
from inferspeed_magic.training.lesson import STUDENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inferspeed_magic.formats.routes import Route
    from inferspeed_magic.optimized.recipe_layers import Look
    from inferspeed_magic.records.signature import TensorSpec
    from inferspeed_magic.runtimes.base import Lowering
    from inferspeed_magic.sources.structure import Template

__all__ = ["recipe", "write_inputs"]

#: What every script defines for itself.
_OWN = ("INPUTS", "NAMES", "BATCH_SIZE", "THREADS", "LIBRARY", "load", "infer", "tune", "extra_operators")
#: Names that the script has beside these.
_TAKEN = (
    "MODEL",
    "CALIBRATION",
    "LESSON",
    "LESSON_SHA256",
    "EXPECTED",
    "CUSTOM",
    "STATE",
    "Path",
    "make",
    "main",
    "annotations",
)
_INSTEAD = {
    **{f"{PARTS}.script:{name}": name for name in _OWN},
    "inferspeed_magic.sources.portable:read": f"{PARTS}.stand_in:read",
    "inferspeed_magic.sources.portable:PortableModel": f"{PARTS}.stand_in:PortableModel",
    "inferspeed_magic.techniques.calibration:batches": f"{PARTS}.samples:batches",
    "inferspeed_magic.techniques.keras_folder:opened": f"{PARTS}.stand_in:read",
    "inferspeed_magic.techniques.keras_folder:save": f"{PARTS}.stand_in:save",
    "inferspeed_magic.training.log:write_epoch": f"{PARTS}.lesson:print_epoch",
}
_SPARE = "inferspeed_magic.sources.portable:_spare_unknown_arguments"
_CHECKING = (f"{PARTS}.checking:example", f"{PARTS}.checking:relative_error")
#: Reads another model of the user's, which takes the place of the first.
DISTILLING = "inferspeed_magic.techniques.distiller:distill"
_HASHING = f"{PARTS}.lesson:hash_of_lesson"


def recipe(
    *,
    name: str,
    kind: str,
    route: Route,
    runtime: str,
    lowering: Lowering,
    batch_in_file: str | None,
    inputs: tuple[TensorSpec, ...],
    model_file: str,
    calibration_file: str | None,
    expected_file: str | None = None,
    template: Template | None = None,
    custom: Mapping[str, Any] = MappingProxyType({}),
    lesson: tuple[str, str] | None = None,
) -> str:
    """Write the script.

    Args:
        name: of the candidate.
        kind: of the source: ``keras``, ``tf_keras``, ``saved_model``, ``onnx`` or ``litert``.
        route: how the artifact was made.
        runtime: that opens it.
        lowering: how.
        batch_in_file: ``static`` or ``dynamic``; None where the runtime opens the model itself.
        inputs: names, shapes and dtypes in flat order.
        model_file: that the script starts from, unless it is given another.
        calibration_file: ``.npz`` with samples, ``arr_0`` ... in flat order; None where none are needed.
        expected_file: ``.npz`` with a batch, ``input_0`` ..., and the model's answers, ``output_0`` ...
        template: how the inputs are nested; None for one array, or a list of them.
        custom: classes and functions that are not Keras's, by the names that Keras looks for.
        lesson: folder with what the model is trained with, and the hash of its files, as ``write_lesson`` gives them;
            None where nothing is.

    Returns:
        Its text: ``python recipe.py [model] [calibration.npz] [folder to write]``.
    """
    look = look_into(Path(model_file), kind)
    for step in route:
        if lesson is not None and step.call == DISTILLING:
            student = str(dict(step.settings).get("student", ""))
            look = both(look, look_into(Path(lesson[0]) / STUDENT / student / MODEL_FILE, "keras"))
    own = _own(custom, look)
    steps = calls(route, look, kind, lowering.batch_size)
    running = run_of(runtime, lowering, kind)
    operators, operators_text = _operators(look, kind)
    spare = [_SPARE] if any(_is_strict(custom[each]) for each in own.names) else []
    found = bundle(
        [
            *(each.function for each in steps),
            *filter(None, [running.run, running.first]),
            *running.functions,
            *_CHECKING,
            *([_HASHING] if lesson is not None else []),
            *spare,
        ],
        _INSTEAD | operators,
        [*_OWN, *_TAKEN, *own.definitions],
        own.imports,
    )
    pieces = [running.written(found.names)]
    if any(each.function.endswith(":convert_to_onnx") for each in steps):
        pieces.insert(0, operators_text)
    if kind in {"keras", "tf_keras", "saved_model"}:
        names = [each.name for each in inputs]
        pieces.insert(0, infer_text(kind, template if template is not None else _flat(len(names)), names))
        pieces.insert(0, load_text(kind, look, own, found.names.get(_SPARE, "")))
    layout = Layout(
        name=name,
        kind=kind,
        route=route,
        runtime=runtime,
        lowering=lowering,
        batch_in_file=batch_in_file,
        inputs=inputs,
        kept=(model_file, calibration_file, expected_file),
        custom=own,
        steps=steps,
        run=found.names.get(running.run, "run"),
        first=found.names.get(running.first, ""),
        lesson=lesson,
        hashing=found.names.get(_HASHING, ""),
    )
    return layout.script(found, [each for each in pieces if each])


def _flat(count: int) -> Template:
    return 0 if count == 1 else {"list": list(range(count))}


def _own(custom: Mapping[str, Any], look: Look) -> Custom:
    """Write the user's own classes that the file speaks of; note those that are not here."""
    spoken = {name: thing for name, thing in custom.items() if not look.text or f'"{name}"' in look.text}
    own = write_custom(spoken)
    for name in look.own:
        if name not in own.names:
            own.missing.setdefault(name, str(getattr(custom.get(name), "__module__", "a module of yours")))
    return own


def _operators(look: Look, kind: str) -> tuple[dict[str, str], str]:
    """Choose what tf2onnx is told: nothing where it knows every operator of the model."""
    place = f"{PARTS}.script:extra_operators"
    if kind == "keras" and look.plain and not look.gelu:
        docstring = "Give handlers for operators that tf2onnx does not know: this model has none."
        return {}, function("extra_operators() -> dict[str, Any]", docstring, ["return {}"])
    if kind == "keras" and look.plain:
        return {place: f"{PARTS}.onnx:erfc_too"}, ""
    return {place: "inferspeed_magic.formats.onnx_operators:handlers"}, ""


def _is_strict(thing: Any) -> bool:
    """Whether a class takes only arguments that it names: Keras hands it more."""
    if not isinstance(thing, type):
        return False
    parameters = inspect.signature(thing.__init__).parameters.values()  # type: ignore[misc]
    return all(each.kind is not inspect.Parameter.VAR_KEYWORD for each in parameters)
