"""Keras models among the saved ones: what may be saved, and how it is read without running code that came with it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import ModelError
from inferspeed_magic.optimized.session import first_line
from inferspeed_magic.sources.portable import MANIFEST, PICKLED, PortableModel
from inferspeed_magic.sources.quiet import quiet

if TYPE_CHECKING:
    from inferspeed_magic.optimized.package import Package
    from inferspeed_magic.runtimes.base import Lowering

_LIBRARIES = {"keras", "tf_keras"}


def refuse_unsafe(package: Package) -> None:
    """Refuse to save a Keras model that ``read_safely`` would refuse to read.

    Raises:
        ModelError: with what to do in its place.
    """
    mend = (
        "register its classes with keras.saving.register_keras_serializable and save the Keras model itself with "
        "model.save(...), or choose a candidate on another runtime"
    )
    if package.is_live:
        raise ModelError(f"`{package.name}` lives in this process only, since no other can rebuild it: {mend}")
    package.files()
    if _facts(package.artifact).get("library") == "saved_model":
        raise ModelError(f"`{package.name}` runs a SavedModel as it is: there is nothing to save but that folder")
    own = _own_code(package.artifact)
    if own:
        raise ModelError(
            f"`{package.name}` is a Keras model with code of its own ({', '.join(own[:3])}), and a saved model never "
            f"holds code: {mend}"
        )
    try:
        read_safely(str(package.artifact), package.lowering)
    except ModelError as error:
        raise ModelError(f"`{package.name}` could not be loaded again ({error}): {mend}") from error


def read_safely(artifact: str, lowering: Lowering) -> PortableModel:
    """Read the folder of a portable Keras model in Keras's safe mode; nothing is unpickled.

    Args:
        artifact: the folder.
        lowering: not used.

    Raises:
        ModelError: if it cannot be read so.
    """
    del lowering
    folder = Path(artifact)
    facts = _facts(folder)
    library, name = facts.get("library"), facts.get("file")
    if library not in _LIBRARIES or not isinstance(name, str) or Path(name).name != name:
        raise ModelError(f"{MANIFEST} names no Keras model in this folder")
    try:
        with quiet():
            return _read(library, str(folder / name), facts)
    except Exception as error:
        raise ModelError(f"Keras's safe mode cannot read {name}: {first_line(error)}") from error


def _read(library: str, file: str, facts: dict[str, Any]) -> PortableModel:
    if library == "tf_keras":
        import tf_keras

        model = tf_keras.models.load_model(file, compile=False, safe_mode=True)
        return PortableModel(model, library, "tensorflow", facts)
    import keras

    config = keras.config
    before = config.floatx(), config.image_data_format()
    try:
        # Layers ask for these when they are built; the rest of the process keeps its own.
        config.set_floatx(facts["floatx"])
        config.set_image_data_format(facts["image_data_format"])
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
    finally:
        config.set_floatx(before[0])
        config.set_image_data_format(before[1])
    return PortableModel(model, library, keras.backend.backend(), facts)


def _own_code(folder: Path) -> list[str]:
    """Name the classes and functions that the model refers to and that Keras would not find in another process.

    What is unpickled here was pickled by this process, for its workers: it holds whatever is registered with Keras.
    """
    if not (folder / PICKLED).is_file():
        return []
    import cloudpickle

    names = cloudpickle.loads((folder / PICKLED).read_bytes())
    with zipfile.ZipFile(folder / str(_facts(folder)["file"])) as archive:
        described = archive.read("config.json").decode()
    return [
        name
        for name, code in names.items()
        if str(getattr(code, "__module__", "")).partition(".")[0] not in _LIBRARIES and json.dumps(name) in described
    ]


def _facts(folder: Path) -> dict[str, Any]:
    try:
        facts = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{MANIFEST} cannot be read: {first_line(error)}") from error
    return facts if isinstance(facts, dict) else {}
