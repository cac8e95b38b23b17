"""Load a saved model: no file is opened unless all are what they were when it was saved, and none is unpickled."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import ModelError
from inferspeed_magic.optimized.environment import differences, environment
from inferspeed_magic.optimized.keras_folder import read_safely
from inferspeed_magic.optimized.manifest import ARTIFACT, MANIFEST, RECIPE, from_json, package_of
from inferspeed_magic.optimized.model import OptimizedModel
from inferspeed_magic.optimized.session import LazySession, runtime_of

if TYPE_CHECKING:
    from inferspeed_magic.optimized.package import Package


def load(path: str | os.PathLike[str]) -> OptimizedModel:
    """Load what ``OptimizedModel.save`` wrote. Needs only the runtime that the model runs on: no TensorFlow.

    Args:
        path: the folder.

    Returns:
        The model; its ``notes`` say where this machine differs from the one it was saved on.

    Raises:
        ModelError: if the folder is no saved model, a file is missing, altered or not from there, it was saved by a
            newer version, or its runtime is not installed.
    """
    folder = Path(path).expanduser()
    try:
        return _load(folder.resolve())
    except OSError as error:
        raise ModelError(f"cannot load {os.fspath(path)!r}: {error.strerror or error}") from error
    except ModelError as error:
        raise ModelError(f"cannot load {os.fspath(path)!r}: {error}") from error


def _load(folder: Path) -> OptimizedModel:
    if not folder.is_dir():
        raise ModelError("there is no such folder" if not folder.exists() else "it is a file: give the folder")
    manifest = _manifest_of(folder)
    package = package_of(manifest, folder)
    files = manifest.get("files", {})
    _verify(folder, files)
    _refuse_strange_artifact(folder, package)
    runtime = runtime_of(package)
    safely = read_safely if "keras" in runtime.capabilities().formats else None
    recipe = (folder / RECIPE).read_text(encoding="utf-8") if RECIPE in files else None
    then = manifest.get("environment")
    return OptimizedModel(
        package,
        recipe=recipe,
        # Whoever replaced the files after this was read shall not have them opened.
        session=LazySession(package, read=safely, verify=lambda: _verify(folder, files)),
        notes=differences(then if isinstance(then, dict) else {}, environment(runtime)),
    )


def _manifest_of(folder: Path) -> dict[str, Any]:
    file = folder / MANIFEST
    if not file.is_file():
        raise ModelError(f"it holds no {MANIFEST}, so it is not what OptimizedModel.save wrote")
    _refuse_outside(folder, file, MANIFEST)
    try:
        return from_json(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ModelError(f"{MANIFEST} is no text: altered, or cut short") from None


def _verify(folder: Path, files: Any) -> None:
    """Check that every file listed is there and what it was, and that no other one lies beside the artifact.

    Raises:
        ModelError: naming the first file that is not.
    """
    if not isinstance(files, dict) or not files:
        raise ModelError(f"{MANIFEST} lists no files")
    for name, facts in files.items():
        _refuse_tricks(name)
        file = folder / name
        _refuse_outside(folder, file, name)
        if not file.is_file():
            raise ModelError(f"{name} is missing: save the model again")
        if not isinstance(facts, dict) or type(facts.get("bytes")) is not int:
            raise ModelError(f"{MANIFEST} does not say what {name} has to be")
        size = file.stat().st_size
        if size < facts["bytes"]:
            raise ModelError(f"{name} is cut short ({size} of {facts['bytes']} bytes): save the model again")
        with file.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != facts.get("sha256"):
                raise ModelError(f"{name} was altered after it was saved: save the model again")
    for where, folders, found in os.walk(folder / ARTIFACT):
        for each in [*found, *(each for each in folders if (Path(where) / each).is_symlink())]:
            name = (Path(where) / each).relative_to(folder).as_posix()
            if name not in files:
                raise ModelError(f"{name} does not belong to the model: it was put there after it was saved")


def _refuse_tricks(name: Any) -> None:
    """Refuse names that lead out of the folder, on whatever system."""
    parts = PurePosixPath(name).parts if isinstance(name, str) else ()
    plain = bool(parts) and ".." not in parts and not PurePosixPath(name).is_absolute() and "\\" not in name
    if not plain or PureWindowsPath(name).drive or "\0" in name or "/".join(parts) != name:
        raise ModelError(f"{MANIFEST} lists {name!r}, which is no path inside the folder")


def _refuse_outside(folder: Path, file: Path, name: str) -> None:
    if not file.resolve().is_relative_to(folder):
        raise ModelError(f"{name} is a link that leads out of the folder")


def _refuse_strange_artifact(folder: Path, package: Package) -> None:
    name = package.artifact.relative_to(folder).as_posix() if package.artifact.is_relative_to(folder) else "?"
    _refuse_tricks(name)
    if not name.startswith(f"{ARTIFACT}/") or not package.artifact.exists():
        raise ModelError(f"{MANIFEST} names {name} as the artifact, which is not there")
    if any(each.endswith(".pkl") for each in package.files()):
        raise ModelError(f"{name} holds pickled code, which is never loaded")
