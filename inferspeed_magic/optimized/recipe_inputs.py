"""What a recipe starts from: the model, samples for calibration and a batch with answers, kept where it finds them."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import platformdirs

from inferspeed_magic.errors import ModelError
from inferspeed_magic.optimized.recipe_parts.lesson import hash_of_lesson
from inferspeed_magic.sources.array_files import plain
from inferspeed_magic.sources.quiet import quiet
from inferspeed_magic.training.lesson import LOG

if TYPE_CHECKING:
    from inferspeed_magic.sources.source import Source

    Array = np.ndarray[Any, Any]

#: The same that moves the cache, or turns it off: see ``profiling.artifact_cache``.
_VARIABLE = "INFERSPEED_MAGIC_CACHE"
_MODEL, _CALIBRATION, _EXPECTED = "model.keras", "calibration.npz", "expected.npz"
#: Samples with answers.
_COUNT = 8
#: Characters of a hash in the name of a folder.
_SHORT = 16


def write_inputs(source: Source, folder: Path | None = None) -> tuple[str, str | None, str | None]:
    """Keep a model and its data for scripts.

    Args:
        source: the model; files are used where they are.
        folder: in which to make a folder of this content's own; by default the user's data folder.

    Returns:
        Paths of the model, of the samples for calibration (``arr_0`` ... in flat order) and of a batch of inputs with
        the model's outputs (``input_0`` ..., ``output_0`` ...); None for what there is not.

    Raises:
        ModelError: for a model that cannot be saved.
    """
    arrays = {_CALIBRATION: _calibration(source), _EXPECTED: _expected(source)}
    try:
        place = (folder or _default_folder()) / _key(source, arrays)
        if not place.is_dir():
            _write(place, source, arrays)
    except OSError as error:
        reason = f"{error}; free space, or set {_VARIABLE} to another folder"
        raise ModelError(f"`{source.name}` cannot be kept for a recipe: {reason}") from error
    file = place / _MODEL if source.model is not None else Path(source.facts.get("path") or source.path or "")
    calibration, expected = (str(place / name) if arrays[name] else None for name in (_CALIBRATION, _EXPECTED))
    return str(file), calibration, expected


def write_lesson(kept: Path, key: str, folder: Path | None = None) -> tuple[str, str]:
    """Keep what a model was trained with, for scripts; it may be kept already, and others may be reading it.

    Args:
        kept: its folder, which does not outlive the kernel.
        key: hash of what it means: the same lesson is written a little differently each time.
        folder: in which to make a folder of this content's own; by default the user's data folder.

    Returns:
        The path of a folder whose files are whole, and their hash.

    Raises:
        ModelError: where it cannot be written.
    """
    home = folder or _default_folder()
    try:
        for place in sorted(home.glob(f"lesson_{key}_*")):
            if (found := hash_of_lesson(place))[:_SHORT] == place.name.rpartition("_")[2]:
                return str(place), found
        found = hash_of_lesson(kept)
        place = home / f"lesson_{key}_{found[:_SHORT]}"
        if place.is_dir():  # somebody changed its files: nobody could learn from them
            shutil.rmtree(place)
        _copy_lesson(kept, place)
    except OSError as error:
        reason = f"{error}; free space, or set {_VARIABLE} to another folder"
        raise ModelError(f"what the model was trained with cannot be kept for a recipe: {reason}") from error
    return str(place), found


def _copy_lesson(kept: Path, place: Path) -> None:
    """Copy it beside its place and rename it into it, as everything here is written."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft_", dir=place.parent))
    try:
        shutil.copytree(kept, draft, ignore=shutil.ignore_patterns(LOG), dirs_exist_ok=True)
        _settle(draft, place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _settle(draft: Path, place: Path) -> None:
    try:
        draft.rename(place)
    except OSError:
        if not place.is_dir():  # another process was first: it wrote the same
            raise


def _default_folder() -> Path:
    chosen = os.environ.get(_VARIABLE, "")
    if chosen.lower() == "off":
        return Path(tempfile.mkdtemp(prefix="inferspeed_magic_recipe_"))
    if chosen:
        return Path(chosen).expanduser().resolve() / "recipes"
    return platformdirs.user_data_path("inferspeed_magic") / "recipes"


def _key(source: Source, arrays: dict[str, dict[str, Array]]) -> str:
    """Hash the model and its data; a model that has no hash gets a folder that no other gets."""
    digest = hashlib.sha256()
    try:
        digest.update(source.fingerprint().encode())
    except Exception:  # noqa: BLE001  (whatever the user's classes raise)
        digest.update(os.urandom(32))
    for file, named in sorted(arrays.items()):
        for name, array in sorted(named.items()):
            digest.update(repr((file, name, array.shape, str(array.dtype))).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _calibration(source: Source) -> dict[str, Array]:
    return {f"arr_{position}": plain(each) for position, each in enumerate(source.calibration or [])}


def _expected(source: Source) -> dict[str, Array]:
    if source.model is None:
        return {}
    count = source.signature.fixed_batch or _COUNT
    inputs = [np.resize(each[:count], (count, *each.shape[1:])) for each in source.samples(count, seed=0)]
    named = {f"input_{position}": plain(each) for position, each in enumerate(inputs)}
    return named | {f"output_{position}": plain(each) for position, each in enumerate(source.outputs(inputs))}


def _write(place: Path, source: Source, arrays: dict[str, dict[str, Array]]) -> None:
    """Write everything beside its place and rename it into it: whoever is killed meanwhile leaves nothing half done."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft_", dir=place.parent))
    try:
        if source.model is not None:
            _save_model(source, draft / _MODEL)
        for name, named in arrays.items():
            if named:
                np.savez(draft / name, **named)  # type: ignore[arg-type]  # none is called allow_pickle
        _settle(draft, place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _save_model(source: Source, file: Path) -> None:
    model = source.model
    compiled = getattr(model, "compiled", False)
    try:
        with quiet():
            if source.kind == "keras":
                # Losses and metrics of the user's own are not needed to run the model.
                model.compiled = False
            model.save(str(file))
    except OSError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"`{source.name}` cannot be saved, so no script can start from it: {reason[0]}") from error
    finally:
        if source.kind == "keras":
            model.compiled = compiled
