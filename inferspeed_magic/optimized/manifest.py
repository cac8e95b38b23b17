"""What a saved model says about itself: strict JSON with the hash of every file, and one of itself."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import ModelError
from inferspeed_magic.optimized.package import Package
from inferspeed_magic.records.signature import TensorSpec
from inferspeed_magic.runtimes.base import Lowering

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = "inferspeed_magic.optimized_model"
VERSION = 1
MANIFEST = "manifest.json"
RECIPE = "recipe.py"
#: The folder with the artifact, inside the saved one.
ARTIFACT = "artifact"

_HASH = "manifest_sha256"


def described(package: Package, files: dict[str, dict[str, Any]], environment: dict[str, Any]) -> dict[str, Any]:
    """Describe a package.

    Args:
        package: what is saved.
        files: ``sha256`` and ``bytes`` of every file, by its path in the saved folder.
        environment: where it is saved.
    """
    inputs = [
        {"name": spec.name, "shape": list(spec.shape), "dtype": spec.dtype, "high": spec.high}
        for spec in package.inputs
    ]
    return {
        "format": FORMAT,
        "format_version": VERSION,
        "package": {
            "name": package.name,
            "artifact": f"{ARTIFACT}/{package.artifact.name}",
            "runtime": package.runtime,
            "lowering": _plain(dataclasses.asdict(package.lowering)),
            "batch_in_file": package.batch_in_file,
            "inputs": inputs,
            "input_template": package.input_template,
            "output_template": package.output_template,
            "route": package.route,
            "settings": [[name, value] for name, value in package.settings],
            "facts": _plain(package.facts),
        },
        "environment": _plain(environment),
        "files": files,
    }


def to_json(manifest: dict[str, Any]) -> str:
    """Write a manifest with its own hash."""
    return json.dumps(manifest | {_HASH: _hash(manifest)}, indent=1, allow_nan=False)


def from_json(text: str) -> dict[str, Any]:
    """Read what ``to_json`` wrote.

    Raises:
        ModelError: for anything else, and for what a newer version wrote.
    """
    try:
        manifest = json.loads(text, parse_constant=_refuse)
    # RecursionError: a file of nothing but opening brackets.
    except (ValueError, RecursionError):
        raise ModelError(f"{MANIFEST} is no valid JSON: altered, or cut short") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelError(f"{MANIFEST} is not that of a model that OptimizedModel.save wrote")
    version = manifest.get("format_version")
    if type(version) is int and version > VERSION:
        raise ModelError(
            f"saved by a newer inferspeed_magic (format {version}, this one reads up to {VERSION}): "
            "pip install --upgrade inferspeed-magic"
        )
    digest = manifest.pop(_HASH, None)
    try:
        altered = digest != _hash(manifest)
    except (ValueError, RecursionError):  # a number too large for any float
        altered = True
    if version != VERSION or altered:
        raise ModelError(f"{MANIFEST} was altered after it was saved: save the model again")
    return manifest


def package_of(manifest: dict[str, Any], folder: Path) -> Package:
    """Make the package that a manifest describes.

    Args:
        manifest: as ``from_json`` read it.
        folder: that the model was saved to.

    Raises:
        ModelError: if something in it is missing or of another kind than it must be.
    """
    try:
        part = manifest["package"]
        inputs = tuple(_spec(each) for each in part["inputs"])
        package = Package(
            name=_text(part["name"]),
            artifact=folder / _text(part["artifact"]),
            runtime=_text(part["runtime"]),
            lowering=_lowering(part["lowering"]),
            batch_in_file=_one_of(part["batch_in_file"], None, "static", "dynamic"),
            inputs=inputs,
            input_template=part["input_template"],
            output_template=part["output_template"],
            route=_text(part["route"]),
            settings=tuple((_text(name), _text(value)) for name, value in part["settings"]),
            facts=_dictionary(part["facts"]),
        )
        _check_nesting(package.input_template, len(inputs))
        _check_nesting(package.output_template, None)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"{MANIFEST} does not say what it has to ({type(error).__name__}: {error})") from None
    return package


def _hash(manifest: dict[str, Any]) -> str:
    written = json.dumps(manifest, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _plain(value: Any) -> Any:
    """Turn notes into JSON: numpy's scalars into numbers, NaN and infinity into null, the rest into text."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | bool | int) else str(value)


def _spec(part: dict[str, Any]) -> TensorSpec:
    sizes = tuple(None if size is None else _number(size) for size in part["shape"])
    return TensorSpec(
        _text(part["name"]), sizes, _text(part["dtype"]), None if part["high"] is None else _number(part["high"])
    )


def _lowering(part: dict[str, Any]) -> Lowering:
    """Read the lowering; what it does not say is as it was before there was such a choice."""
    known = {each.name: each.default for each in dataclasses.fields(Lowering)}
    values = {name: _tuples(value) for name, value in part.items()}
    for name, value in values.items():
        if name not in known or type(value) is not type(known[name]):
            raise ValueError(f"lowering: {name} = {value!r}")
    return Lowering(**values)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _check_nesting(template: Any, count: int | None) -> None:
    found = sorted(_leaves(template))
    if found != list(range(len(found) if count is None else count)):
        raise ValueError("the nesting of the inputs or outputs")


def _leaves(template: Any) -> list[int]:
    if type(template) is int:
        return [template]
    if type(template) is not dict:
        raise ValueError(f"the nesting {template!r}")
    ((kind, inside),) = template.items()
    if kind == "dict":
        inside = list(inside.values())
    elif kind not in {"list", "tuple"}:
        raise ValueError(f"the nesting {kind!r}")
    return [leaf for each in inside for leaf in _leaves(each)]


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError(f"{value!r} is no text")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no whole number")
    return value


def _dictionary(value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise ValueError(f"{value!r} is no dictionary")
    return value


def _one_of(value: Any, *allowed: str | None) -> str | None:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {allowed}")
    found: str | None = value
    return found
