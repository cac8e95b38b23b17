"""Numbers of this machine that are measured once: kept behind their hash in the user's cache."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from inferspeed_magic.profiling.artifact_cache import cache_folder

if TYPE_CHECKING:
    from inferspeed_magic.records.machine import Machine

#: Goes up whenever other things are measured, or in another way.
SCHEMA = 1
#: Whose kernels are measured.
_LIBRARIES = ("numpy", "onnxruntime", "openvino", "ai-edge-litert")

Record = TypeVar("Record")


class KeptNumbers:
    """One record, named by everything that its numbers follow from.

    Args:
        kind: of numbers; the folder that they lie in.
        machine: that this is.
        asked: what else they depend on.
    """

    #: Where the cache is off, they are measured once in a process all the same.
    measured: ClassVar[dict[tuple[str, str], Any]] = {}

    def __init__(self, kind: str, machine: Machine, *asked: str | int) -> None:
        folder = cache_folder()
        self._name = kind, _key(machine, asked)
        self._file = folder and folder / kind / f"{self._name[1]}.json"

    def read(self, kind: type[Record]) -> Record | None:
        """Read what was kept; None where there is nothing, or it was cut short or altered."""
        if self._file is None:
            found: Record | None = self.measured.get(self._name)
            return found
        import cattrs

        with contextlib.suppress(OSError, ValueError):
            digest, _, text = self._file.read_text(encoding="utf-8").partition("\n")
            if hashlib.sha256(text.encode()).hexdigest() == digest:
                with contextlib.suppress(Exception):  # another version wrote it
                    return cattrs.structure(json.loads(text), kind)
        return None

    def write(self, found: Any) -> None:
        """Keep it, beside its place first: who is killed leaves the old file or the new one.

        Args:
            found: a dataclass of plain numbers and words.
        """
        if self._file is None:
            self.measured[self._name] = found
            return
        # ValueError: a rate that is no number is no reason to fail, and nothing to keep.
        with contextlib.suppress(OSError, ValueError):
            text = json.dumps(asdict(found), allow_nan=False)
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(prefix=".draft_", dir=self._file.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    stream.write(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
                Path(draft).replace(self._file)
            finally:
                Path(draft).unlink(missing_ok=True)


def _key(machine: Machine, asked: tuple[str | int, ...]) -> str:
    versions = {}
    for library in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[library] = importlib.metadata.version(library)
    parts = [
        [SCHEMA, *asked, versions],
        [machine.cpu, machine.architecture, machine.cores_given, machine.cores_total, machine.virtualized],
        [machine.instruction_sets, machine.cache_kb],
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
