"""Turn what the user said into a request and sources; every mistake gets its line here, before any long work."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.discovery import runtime_names
from inferspeed_magic.discovery import techniques as all_techniques
from inferspeed_magic.errors import InputError, ModelError, OptionError
from inferspeed_magic.records import Request
from inferspeed_magic.records.signature import Signature, TensorSpec
from inferspeed_magic.sources.inputs import checked, with_shapes
from inferspeed_magic.sources.kinds import FILE_SUFFIXES, object_kind, path_kind
from inferspeed_magic.sources.source import Source, from_keras_file, from_model

if TYPE_CHECKING:
    from collections.abc import Callable

_SCENARIOS = ("single_stream", "offline", "server")
_BATCHES_IN_FILE = ("best", "static", "dynamic")


def runtime_list(names: Sequence[str] | str | None) -> tuple[str, ...]:
    """Expand names of runtimes: None is all, ``keras`` is the four Keras call paths.

    Raises:
        OptionError: for a name that is none.
    """
    known = runtime_names()
    if names is None:
        return known
    chosen: list[str] = []
    for name in [names] if isinstance(names, str) else names:
        matches = [each for each in known if each == name or (name == "keras" and each.startswith("keras."))]
        if not matches:
            close = difflib.get_close_matches(str(name), known, 1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise OptionError(f"unknown runtime `{name}`: {hint}there are keras, {', '.join(known)}")
        chosen += [each for each in matches if each not in chosen]
    if not chosen:
        raise OptionError(f"no runtime given: leave the option out for all, or name some of {', '.join(known)}")
    return tuple(chosen)


def technique_list(names: Sequence[str] | str | None) -> tuple[str, ...]:
    """Check techniques; the model as it is comes first, to compare with.

    Raises:
        OptionError: for a name that is none.
    """
    known = tuple(all_techniques())
    chosen = ["none"]
    for name in [names] if isinstance(names, str) else names or ():
        if name != "none" and name not in known:
            close = difflib.get_close_matches(str(name), known, 1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise OptionError(f"unknown technique `{name}`: {hint}there are {', '.join(known)}")
        chosen.append(name)
    return tuple(dict.fromkeys(chosen))


def batch_size_list(sizes: Sequence[int] | int) -> tuple[int, ...]:
    """Check batch sizes, and take each once.

    Raises:
        OptionError: for what is none.
    """
    listed = tuple(sizes) if isinstance(sizes, Iterable) else (sizes,)
    if not listed:
        raise OptionError("no batch size given: batch sizes are whole numbers from 1 up")
    for size in listed:
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise OptionError(f"batch size {size!r} makes no sense: batch sizes are whole numbers from 1 up")
    return tuple(dict.fromkeys(int(size) for size in listed))


def request(  # noqa: C901  (one line per option reads better than a table of checkers)
    *,
    runtimes: Sequence[str] | str | None,
    batch_sizes: Sequence[int] | int,
    device: str,
    threads: int | None,
    scenario: str,
    target_qps: float | None,
    latency_slo_ms: float | None,
    duration_s: float,
    baseline: str | None,
    seed: int,
    batch_in_file: str,
    techniques: Sequence[str] | str | None = None,
) -> Request:
    """Check the options.

    Raises:
        OptionError: what is wrong, and how to mend it.
    """
    sizes = batch_size_list(batch_sizes)
    if not re.fullmatch(r"cpu|gpu(:\d+)?", str(device)):
        raise OptionError(f"unknown device `{device}`: say cpu, gpu or gpu:N")
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
        raise OptionError(f"threads {threads!r} makes no sense: it is a whole number from 1 up")
    if scenario not in _SCENARIOS:
        raise OptionError(f"unknown scenario `{scenario}`: there are {', '.join(_SCENARIOS)}")
    if scenario != "server" and (target_qps is not None or latency_slo_ms is not None):
        raise OptionError("a rate or a latency bound belongs to the server scenario: add --scenario server")
    if scenario == "server" and (target_qps is None) == (latency_slo_ms is None):
        raise OptionError("the server scenario needs either --target-qps or --latency-slo-ms")
    for label, value in (("--target-qps", target_qps), ("--latency-slo-ms", latency_slo_ms)):
        if value is not None and not (isinstance(value, int | float) and np.isfinite(value) and value > 0):
            raise OptionError(f"{label} {value!r} makes no sense: it is a number above 0")
    if not (isinstance(duration_s, int | float) and np.isfinite(duration_s) and 0 < duration_s <= 3600):  # noqa: PLR2004
        raise OptionError(f"duration {duration_s!r} makes no sense: it is seconds, above 0 and up to 3600")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise OptionError(f"seed {seed!r} makes no sense: it is a whole number from 0 up")
    if batch_in_file not in _BATCHES_IN_FILE:
        raise OptionError(f"batch_in_file `{batch_in_file}` makes no sense: it is {', '.join(_BATCHES_IN_FILE)}")
    return Request(
        runtimes=runtime_list(runtimes),
        batch_sizes=sizes,
        device=device,
        threads=threads,
        scenario=scenario,  # type: ignore[arg-type]  # checked above
        duration_s=float(duration_s),
        baseline=baseline,
        seed=int(seed),
        target_qps=target_qps,
        latency_slo_ms=latency_slo_ms,
        techniques=technique_list(techniques),
        batch_in_file=batch_in_file,  # type: ignore[arg-type]  # checked above
    )


def named(models: Any) -> dict[str, Any]:
    """Give every model a name: its own, or its file's.

    Raises:
        ModelError: if there is none.
    """
    if isinstance(models, Mapping):
        if not models:
            raise ModelError("no model given")
        return {str(name): model for name, model in models.items()}
    if isinstance(models, str | Path):
        return {Path(models).expanduser().resolve().stem: models}
    if isinstance(models, list | tuple):
        names: dict[str, Any] = {}
        for model in models:
            (name, _), *_ = named(model).items()
            unique, number = name, 2
            while unique in names:
                unique, number = f"{name}_{number}", number + 1
            names[unique] = model
        return named(names)
    return {str(getattr(models, "name", None) or "model"): models}


def sources(
    models: Mapping[str, Any],
    inputs: Any,
    shapes: Sequence[Sequence[int]] | None,
    describe: Callable[[str, Path], dict[str, Any]],
) -> list[Source]:
    """Look at every model that was handed in.

    Args:
        models: by name: live models and paths.
        inputs: for all of them, or by name of the model.
        shapes: of the inputs, without the batch.
        describe: reads the signature of a file that is not Keras's, in a worker.

    Raises:
        UserError: what is wrong, and how to mend it.
    """
    by_model = isinstance(inputs, Mapping) and set(inputs) == set(models)
    found = []
    for name, model in models.items():
        own = inputs[name] if by_model else inputs
        found.append(_source(name, model, own, _shapes(shapes), describe))
    return found


def _shapes(shapes: Sequence[Any] | None) -> list[tuple[int, ...]] | None:
    if shapes is None:
        return None
    listed = list(shapes)
    if all(isinstance(size, int | np.integer) for size in listed):
        listed = [listed]
    for shape in listed:
        if not all(isinstance(size, int | np.integer) and size > 0 for size in shape):
            raise InputError(f"input shape {shape!r} makes no sense: it is whole numbers from 1 up, without the batch")
    return [tuple(int(size) for size in shape) for shape in listed]


def _source(
    name: str,
    model: Any,
    inputs: Any,
    shapes: list[tuple[int, ...]] | None,
    describe: Callable[[str, Path], dict[str, Any]],
) -> Source:
    kind = object_kind(model)
    if kind is not None:
        return from_model(name, model, kind, inputs, shapes)
    if not isinstance(model, str | Path):
        raise ModelError(
            f"`{name}` is a {type(model).__name__}, not a model: give a Keras model, or a path to a file of "
            f"{', '.join(FILE_SUFFIXES)} or a SavedModel folder"
        )
    path = Path(model).expanduser()
    if not path.exists():
        raise ModelError(f"there is no file or folder {path}")
    kind = path_kind(path)
    if kind is None:
        raise ModelError(f"{path} is not a model file: give {', '.join(FILE_SUFFIXES)} or a SavedModel folder")
    if kind == "keras_file":
        return from_keras_file(name, path, inputs, shapes)
    path = path.resolve()
    return _from_foreign_file(name, path, kind=kind, inputs=inputs, shapes=shapes, said=describe(kind, path))


def _from_foreign_file(
    name: str,
    path: Path,
    *,
    kind: str,
    inputs: Any,
    shapes: list[tuple[int, ...]] | None,
    said: dict[str, Any],
) -> Source:
    specs = tuple(TensorSpec(each["name"], tuple(each["shape"]), each["dtype"]) for each in said["inputs"])
    batches = {each["fixed_batch"] for each in said["inputs"]} - {None}
    signature = Signature(specs, fixed_batch=batches.pop() if batches else None)
    given = None
    if inputs is not None:
        signature, given = checked(name, signature, inputs)
    else:
        signature = with_shapes(name, signature, shapes)
    template: Any = list(range(len(specs)))
    template = (
        {"dict": {spec.name: position for position, spec in enumerate(specs)}}
        if kind == "saved_model"
        else (0 if len(specs) == 1 else {"list": template})
    )
    facts = {"path": str(path), "signature": said.get("signature")} if kind == "saved_model" else {}
    return Source(
        name,
        kind,
        signature,
        template,
        path=path,
        given=given,
        facts=facts,
        file_precision=said.get("precision", "float32"),
    )
