"""The hash of a model: equal hashes mean the same weights in the same architecture."""

from __future__ import annotations

import copyreg
import hashlib
import importlib.metadata
import io
import json
import sys
import tempfile
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.sources.live import custom_objects

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Their versions are part of every cache key, or they hold no code of layers.
_KNOWN = {"builtins", "keras", "tensorflow", "tf_keras", "numpy", "torch", "jax", "onnx", "inferspeed_magic"}


#: Models that are hashed now, because code names them.
_being_hashed: set[int] = set()


def of_files(path: Path) -> str:
    """Hash a file, or all files of a folder with their names; weights beside an ONNX file count."""
    digest = hashlib.sha256()
    files = sorted(path.rglob("*")) if path.is_dir() else [path, *beside(path)]
    for file in files:
        if file.is_file():
            digest.update(str(file.relative_to(path) if path.is_dir() else file.suffix).encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def of_arrays(arrays: Iterable[np.ndarray[Any, Any]]) -> str:
    """Hash arrays: shapes, dtypes and values."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr((array.shape, str(array.dtype))).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def beside(path: Path) -> list[Path]:
    """List the files that an ONNX file keeps weights in."""
    if path.suffix != ".onnx":
        return []
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    locations = {
        entry.value for weight in graph.initializer for entry in weight.external_data if entry.key == "location"
    }
    return [path.parent / location for location in sorted(locations)]


def of_model(model: Any, library: str) -> str:
    """Hash a live model: configuration, weights, and the code of classes and functions that are not the library's.

    Raises:
        Exception: whatever Keras or pickle raise for a model that has no configuration.
    """
    digest = hashlib.sha256()
    configuration = [library, type(model).__name__, model.get_config()]
    digest.update(json.dumps(configuration, sort_keys=True, default=_plain).encode())
    modules: set[str] = set()
    for name, thing in sorted(custom_objects(model, library).items()):
        digest.update(name.encode())
        digest.update(_code_of(thing, modules))
    digest.update(_sources_of(modules))
    for layer in getattr(model, "_flatten_layers", lambda: ())():
        digest.update(_assets_of(layer))
    # Not all variables: where random numbers of dropout stand is not saved.
    for variable in model.weights:
        array = np.ascontiguousarray(variable.numpy())
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def of_objects(things: Any) -> str:
    """Hash functions, and objects with functions in them, by their code and by the modules that it comes from.

    The same gives the same hash in every kernel.

    Args:
        things: functions, losses, or any nest of what can be pickled.

    Raises:
        Exception: whatever pickle raises for what it cannot take apart.
    """
    modules: set[str] = set()
    digest = hashlib.sha256(_code_of(things, modules))
    digest.update(_sources_of(modules))
    return digest.hexdigest()


def reduced_loss(loss: Any) -> tuple[Any, ...]:
    """Take a loss of Keras 3 for the plain object that it is, as ``__reduce__`` gives one.

    Keras would write an archive with the time in it, and read it back only where it knows the class.
    """
    # Names are counted up within a process.
    return copyreg.__newobj__, (type(loss),), {**vars(loss), "name": type(loss).__name__}  # type: ignore[attr-defined]


def _plain(value: Any) -> str:
    """Write what JSON does not know; arrays whole, because their text is abbreviated."""
    if hasattr(value, "numpy") or isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value.numpy() if hasattr(value, "numpy") else value)
        return f"{array.dtype}{array.shape}{hashlib.sha256(array.tobytes()).hexdigest()}"
    return str(value)


def _assets_of(layer: Any) -> bytes:
    """Hash what a layer knows that is neither configuration nor weights: vocabularies."""
    if not hasattr(layer, "save_assets"):
        return b""
    with tempfile.TemporaryDirectory() as folder:
        layer.save_assets(folder)
        return of_files(Path(folder)).encode()


def _code_of(thing: Any, modules: set[str]) -> bytes:
    """Pickle what is code, or has code in it, without what differs from kernel to kernel: names of cells, marks.

    Args:
        thing: to pickle.
        modules: takes the names of modules whose code it is pickled without: what is importable is pickled by name.
    """
    from cloudpickle import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
        def reducer_override(self, part: Any) -> Any:
            modules.update(_modules_of(part))
            if isinstance(part, CodeType):
                constants = tuple(map(_in_order, part.co_consts))
                return self.dispatch_table[CodeType](part.replace(co_filename="", co_consts=constants))
            return _of_keras(part) or super().reducer_override(part)

    modules.update(_modules_of(thing))
    stream = io.BytesIO()
    Pickler(stream).dump(thing)
    pickled = stream.getvalue()
    # Classes of a notebook are told apart by a random number for each.
    for mark in list(cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS.values()):  # noqa: SLF001
        pickled = pickled.replace(mark.encode(), b"")
    return pickled


def _in_order(constant: Any) -> Any:
    """Sort a set: its order is another in every process."""
    return tuple(sorted(map(repr, constant))) if isinstance(constant, frozenset) else constant


def _of_keras(part: Any) -> tuple[Any, ...] | None:
    """Reduce an object of Keras 3, which would pickle itself with the time in it; None for any other."""
    keras = sys.modules.get("keras")
    if keras is None or isinstance(part, type):
        return None
    if isinstance(part, keras.losses.Loss):
        return reduced_loss(part)
    if isinstance(part, keras.layers.Layer):
        if id(part) in _being_hashed:  # its own class's code names it
            return str, (type(part).__name__,)
        _being_hashed.add(id(part))
        try:
            return str, (of_model(part, "keras"),)
        finally:
            _being_hashed.discard(id(part))
    if isinstance(part, keras.optimizers.Optimizer | keras.metrics.Metric):
        return type(part), (json.dumps(part.get_config(), sort_keys=True, default=_plain),)
    return None


def _modules_of(thing: Any) -> set[str]:
    """Name the modules that hold the code of a module, class or function."""
    if isinstance(thing, ModuleType):
        return {thing.__name__}
    if isinstance(thing, type):
        return {each.__module__ for each in thing.__mro__}
    return {thing.__module__} if isinstance(thing, FunctionType) and thing.__module__ else set()


def _sources_of(names: set[str]) -> bytes:
    """Hash the code of modules, and of those whose names they use; of what is installed, the version."""
    digest = hashlib.sha256()
    waiting, seen = sorted(names), set(names)
    while waiting:
        name = waiting.pop(0)
        top = name.partition(".")[0]
        module = sys.modules.get(name)
        if top in _KNOWN or top in sys.stdlib_module_names or module is None:
            continue
        digest.update(name.encode())
        file = getattr(module, "__file__", None)
        if file and "site-packages" in Path(file).parts:
            digest.update(_version_of(top).encode())
            continue
        if file and Path(file).is_file():
            digest.update(Path(file).read_bytes())
        found = {other for value in list(vars(module).values()) for other in _modules_of(value)} - seen
        if name != "__main__":  # a notebook's names are pickled with their values where they are used
            waiting += sorted(found)
            seen |= found
    return digest.digest()


def _version_of(package: str) -> str:
    owners = importlib.metadata.packages_distributions().get(package, [])
    return repr(sorted((owner, importlib.metadata.version(owner)) for owner in owners))
