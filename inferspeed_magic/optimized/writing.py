"""Save an optimized model: a folder that is complete or not there."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import ModelError, OptionError
from inferspeed_magic.optimized.environment import environment
from inferspeed_magic.optimized.keras_folder import refuse_unsafe
from inferspeed_magic.optimized.manifest import ARTIFACT, MANIFEST, RECIPE, described, from_json, to_json
from inferspeed_magic.optimized.replacing import beside, put_in_place
from inferspeed_magic.optimized.session import runtime_of
from inferspeed_magic.sources.portable import PICKLED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.optimized.package import Package

_CHUNK_BYTES = 1 << 20
_MENDS = {
    errno.ENOSPC: "free some space or choose another disk",
    errno.EDQUOT: "free some space or choose another disk",
    errno.EROFS: "choose a folder that can be written",
    errno.EACCES: "choose a folder that can be written",
    errno.EPERM: "choose a folder that can be written",
}


def write(package: Package, folder: str | os.PathLike[str], recipe: str | None) -> None:
    """Write the artifact, the manifest and the recipe.

    Args:
        package: what to save.
        folder: not there yet, empty, or an earlier save, which is replaced all at once.
        recipe: text of ``recipe.py``; None for none.

    Raises:
        OptionError: if the folder holds something else, or cannot be written.
        ModelError: if the artifact is gone, or cannot be loaded again without Keras or without this process.
    """
    runtime = runtime_of(package)
    if "keras" in runtime.capabilities().formats:
        refuse_unsafe(package)
    sources = {name: file for name, file in package.files().items() if file.name != PICKLED}
    target = Path(folder).expanduser()
    try:
        target = target.resolve()
        _refuse_other_folders(target)
        with _draft_of(target) as draft:
            files = {f"{ARTIFACT}/{name}": _copied(source, draft / ARTIFACT / name) for name, source in sources.items()}
            if recipe is not None:
                files[RECIPE] = _written(recipe, draft / RECIPE)
            _written(to_json(described(package, files, environment(runtime))), draft / MANIFEST)
            put_in_place(draft, target)
    except OSError as error:
        if isinstance(error, FileNotFoundError):  # the artifact's folder went while it was copied
            package.files()
        mend = _MENDS.get(error.errno or 0, "choose another folder")
        raise OptionError(f"cannot save to {os.fspath(folder)!r}: {error.strerror or error}; {mend}") from error


def _refuse_other_folders(target: Path) -> None:
    """Leave alone what is not ours to replace."""
    if not target.exists():
        return
    if not target.is_dir():
        raise OptionError(f"cannot save to {str(target)!r}: it is a file; give the name of a folder")
    found = {each.name for each in target.iterdir()}
    strange = sorted(found - {ARTIFACT, MANIFEST, RECIPE})
    if strange:
        raise OptionError(
            f"cannot save to {str(target)!r}: it holds other files ({', '.join(strange[:3])}); give a new folder"
        )
    if found:
        try:
            from_json((target / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError, ModelError):
            raise OptionError(
                f"cannot save to {str(target)!r}: it is neither empty nor an earlier save; give a new folder"
            ) from None


@contextlib.contextmanager
def _draft_of(target: Path) -> Iterator[Path]:
    """Make a folder beside the target; whatever happens, it is not there afterwards, nor are parents made for it."""
    missing = [each for each in target.parents if not each.exists()]
    draft = beside(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir()
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        for parent in missing:  # the innermost first; those that hold the saved folder stay
            with contextlib.suppress(OSError):
                parent.rmdir()


def _copied(source: Path, target: Path) -> dict[str, Any]:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        _to_disk(writer)
    return {"sha256": digest.hexdigest(), "bytes": size}


def _written(text: str, target: Path) -> dict[str, Any]:
    data = text.encode()
    with target.open("wb") as writer:
        writer.write(data)
        _to_disk(writer)
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _to_disk(writer: Any) -> None:
    """Wait for the disk: some file systems notice only here that there is no room."""
    writer.flush()
    os.fsync(writer.fileno())
