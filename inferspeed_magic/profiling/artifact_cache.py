"""Artifacts of earlier runs: converting the same model again costs nothing.

Content-addressed: the name of an entry is the hash of everything the artifact follows from. An entry is written
beside its place and renamed into it, so that whoever is killed meanwhile leaves nothing half done; a file that was cut
short or altered is noticed by its hash, and the entry is thrown away.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from inferspeed_magic.version import __version__

if TYPE_CHECKING:
    from inferspeed_magic.formats.routes import Route

#: Where the cache's folder lies, in place of the user's cache folder; ``off`` for none.
VARIABLE = "INFERSPEED_MAGIC_CACHE"
#: Everything beyond this is thrown away, what was not used for longest first.
LIMIT_BYTES = 4_000_000_000
#: What artifacts are made with: another version may make another file.
_MAKERS = (
    "tensorflow",
    "keras",
    "tf-keras",
    "tf2onnx",
    "onnx",
    "openvino",
    "ai-edge-litert",
    "numpy",
    "torch",
    "jax",
    "nncf",
    "onnxruntime",
)
_MANIFEST = "manifest"


class ArtifactCache:
    """A folder of artifacts.

    Args:
        folder: where it lies; None for a cache that never has anything.
        limit_bytes: how much it may hold.
    """

    def __init__(self, folder: Path | None, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes

    def find(self, key: str) -> tuple[str, dict[str, Any]] | None:
        """Return the path of an artifact and what was noted with it; None if there is none, or it is damaged."""
        if self._folder is None:
            return None
        entry = self._folder / key
        try:
            manifest = _read_manifest(entry / _MANIFEST)
            whole = all(_hash_of(entry / name) == digest for name, digest in manifest["files"].items())
            path, facts = str(entry / manifest["artifact"]), dict(manifest["facts"])
        except FileNotFoundError:
            whole = not entry.exists()
            if whole:
                return None
        except (OSError, ValueError):
            whole = False
        if not whole:
            self.forget(key)
            return None
        with contextlib.suppress(OSError):
            os.utime(entry)
        return path, facts

    def keep(self, key: str, artifact: Path, facts: dict[str, Any]) -> None:
        """Copy an artifact, with whatever lies in the same folder. A cache that cannot be written is no failure.

        Args:
            key: of the entry.
            artifact: a file or folder, alone in its folder with the files that belong to it.
            facts: to note with it; JSON.
        """
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=".draft_", dir=self._folder))
            try:
                shutil.copytree(artifact.parent, draft, dirs_exist_ok=True)
                files = sorted(each for each in draft.rglob("*") if each.is_file())
                if sum(each.stat().st_size for each in files) <= self._limit_bytes:
                    manifest = {
                        "artifact": artifact.name,
                        "files": {str(each.relative_to(draft)): _hash_of(each) for each in files},
                        "facts": facts,
                    }
                    _write_manifest(draft / _MANIFEST, manifest)
                    self.forget(key)
                    draft.rename(self._folder / key)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
            self._tidy()

    def forget(self, key: str) -> None:
        """Throw an entry away."""
        if self._folder is not None:
            shutil.rmtree(self._folder / key, ignore_errors=True)

    def _tidy(self) -> None:
        """Throw away what was not used for longest, until the rest fits."""
        if self._folder is None:
            return
        entries = []
        for entry in filter(_is_ours, self._folder.iterdir()):
            with contextlib.suppress(OSError):  # another process tidies too
                size = sum(each.stat().st_size for each in entry.rglob("*") if each.is_file())
                entries.append((entry.stat().st_mtime, size, entry.name))
        kept = 0
        for _, size, name in sorted(entries, reverse=True):
            if kept + size > self._limit_bytes:
                self.forget(name)
            else:
                kept += size


#: Goes up whenever a step makes something else of the same model with the same settings.
SCHEMA = 3


def default_cache() -> ArtifactCache:
    """Open the user's cache."""
    parent = cache_folder()
    # A folder of our own, wherever it lies: what is beside it is somebody else's.
    return ArtifactCache(parent and parent / "artifacts")


def cache_folder() -> Path | None:
    """Say where the user's cache lies; None where it is turned off."""
    chosen = os.environ.get(VARIABLE, "")
    if chosen.lower() == "off":
        return None
    return Path(chosen).expanduser().resolve() if chosen else platformdirs.user_cache_path("inferspeed_magic")


def _is_ours(entry: Path) -> bool:
    """Tell entries, and drafts that somebody was killed over, from whatever else lies here."""
    return bool(re.fullmatch(r"[0-9a-f]{64}|\.draft_\w+", entry.name))


def key_of(fingerprint: str, route: Route, batch_size: int | None, inputs: list[dict[str, Any]]) -> str:
    """Name what a route makes of a model.

    Args:
        fingerprint: of the model: its weights and architecture.
        route: the conversions.
        batch_size: that is fixed in the artifact; None for any.
        inputs: names, shapes and dtypes.
    """
    steps = [(step.call, step.static, step.settings) for step in route]
    parts = [fingerprint, steps, batch_size, inputs, versions()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def versions() -> dict[str, str]:
    """List the versions of what artifacts are made with."""
    found = {"inferspeed_magic": __version__, "schema": str(SCHEMA)}
    for name in _MAKERS:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _write_manifest(path: Path, manifest: dict[str, Any]) -> None:
    """Write a manifest after a hash of it: it is all that says what the rest has to be."""
    written = json.dumps(manifest)
    path.write_text(f"{hashlib.sha256(written.encode()).hexdigest()}\n{written}", encoding="utf-8")


def _read_manifest(path: Path) -> dict[str, Any]:
    """Read a manifest.

    Raises:
        ValueError: if it is not what was written.
    """
    digest, _, written = path.read_text(encoding="utf-8").partition("\n")
    if hashlib.sha256(written.encode()).hexdigest() != digest:
        raise ValueError(f"{path} is damaged")
    manifest: dict[str, Any] = json.loads(written)
    return manifest


def _hash_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
