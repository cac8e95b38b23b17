"""The hash of a model: equal hashes mean the same weights in the same architecture."""

from __future__ import annotations

import hashlib
import inspect
import io
import json
import re
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.sources.live import custom_objects

if TYPE_CHECKING:
    from pathlib import Path

#: What cloudpickle tells classes apart by: a random number for each.
_MARK = re.compile(rb"[0-9a-f]{32}")


def of_files(path: Path) -> str:
    """Hash a file, or all files of a folder with their names."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(str(file.relative_to(path) if file != path else file.suffix).encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def of_model(model: Any, library: str) -> str:
    """Hash a live model: configuration, weights, and the code of classes and functions that are not the library's.

    Raises:
        Exception: whatever Keras or pickle raise for a model that has no configuration.
    """
    digest = hashlib.sha256()
    digest.update(json.dumps([library, type(model).__name__, model.get_config()], sort_keys=True, default=str).encode())
    for name, thing in sorted(custom_objects(model, library).items()):
        digest.update(name.encode())
        digest.update(_code_of(thing))
        digest.update(_source_of(thing))
    for variable in model.variables if library == "keras" else model.weights:
        array = np.ascontiguousarray(variable.numpy())
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _code_of(thing: Any) -> bytes:
    """Pickle a class or function without what differs from kernel to kernel: names of cells, cloudpickle's marks."""
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
        def reducer_override(self, part: Any) -> Any:
            if isinstance(part, CodeType):
                return self.dispatch_table[CodeType](part.replace(co_filename=""))
            return super().reducer_override(part)

    stream = io.BytesIO()
    Pickler(stream).dump(thing)
    return _MARK.sub(b"", stream.getvalue())


def _source_of(thing: Any) -> bytes:
    """Read the module of a class: what is importable is pickled by its name alone."""
    try:
        return inspect.getsource(inspect.getmodule(thing) or thing).encode()
    except (OSError, TypeError):
        return b""
