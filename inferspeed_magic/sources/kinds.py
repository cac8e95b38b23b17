"""Tell what an object or a path is, without importing what it is not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["keras", "tf_keras", "keras_file", "saved_model", "onnx", "litert"]

_SUFFIXES: dict[str, Kind] = {
    ".keras": "keras_file",
    ".h5": "keras_file",
    ".hdf5": "keras_file",
    ".onnx": "onnx",
    ".tflite": "litert",
    ".litert": "litert",
}
FILE_SUFFIXES = tuple(_SUFFIXES)


def is_model(thing: Any) -> bool:
    """Whether this is a live model of Keras 3 or tf_keras. A model can only exist if its library is imported."""
    return object_kind(thing) is not None


def object_kind(thing: Any) -> Kind | None:
    """Tell which library's model this is; None for anything else."""
    kinds: tuple[Kind, ...] = ("keras", "tf_keras")
    for library in kinds:
        model_class = getattr(sys.modules.get(library), "Model", None)
        if isinstance(model_class, type) and isinstance(thing, model_class):
            return library
    return None


def path_kind(path: Path) -> Kind | None:
    """Tell what the file or folder is by its name and layout; None for something that is not a model."""
    if path.is_dir():
        return "saved_model" if (path / "saved_model.pb").is_file() else None
    return _SUFFIXES.get(path.suffix.lower())
