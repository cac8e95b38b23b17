"""What the machine can do at most: measured once, and kept in the user's cache."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inferspeed_magic.profiling.artifact_cache import cache_folder
from inferspeed_magic.profiling.ceiling_parts import Parts
from inferspeed_magic.records.ceilings import Ceilings

if TYPE_CHECKING:
    from collections.abc import Callable

    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.records.machine import Machine
    from inferspeed_magic.workers.crew import Crew

#: Goes up whenever other things are measured, or in another way.
SCHEMA = 1
#: Whose kernels are measured.
_LIBRARIES = ("numpy", "onnxruntime", "openvino", "ai-edge-litert")

#: Where the cache is off, they are measured once in a process all the same.
_measured: dict[str, Ceilings] = {}


def ceilings(
    crew: Crew,
    limits: Limits,
    machine: Machine,
    threads: int,
    tell: Callable[[str], None] | None = None,
    *,
    anew: bool = False,
    measure: bool = True,
) -> Ceilings | None:
    """Return the highest rates of products, the bandwidths and the cost of dispatch, of the CPU.

    Measured in about six seconds the first time, and found in the user's cache afterwards, as long as the processor,
    its cores and the libraries are the same. What could not be measured completely is not kept. Rates and bandwidths
    are by CPU time, so that a neighbour who had the machine meanwhile does not make them too low for weeks; the cost of
    dispatch is by wall time, of the fastest runs, and may be too high then: measure anew.

    Args:
        crew: that workers belong to; none is started where the cache has an answer.
        limits: of workers.
        machine: that this is.
        threads: at which it is measured.
        tell: is told what is being measured.
        anew: measure whatever the cache holds, and replace it.
        measure: whether they are measured where they are not known; otherwise None is returned then.
    """
    folder, key = cache_folder(), _key(machine, threads)
    file = folder and folder / "ceilings" / f"{key}.json"
    if not anew:
        known = _measured.get(key) if file is None else _read(file)
        if known is not None or not measure:
            return known
    parts = Parts(crew, limits, machine, threads, tell or (lambda _: None))
    found = parts.measure()
    if parts.complete and file is not None:
        _write(file, found)
    elif parts.complete:
        _measured[key] = found
    return found


def _key(machine: Machine, threads: int) -> str:
    """Name a file by everything that the numbers follow from."""
    versions = {}
    for library in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[library] = importlib.metadata.version(library)
    parts = [
        [SCHEMA, threads, versions],
        [machine.cpu, machine.architecture, machine.cores_given, machine.cores_total, machine.virtualized],
        [machine.instruction_sets, machine.cache_kb],
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _read(file: Path) -> Ceilings | None:
    """Read what was kept; None where there is nothing, or it was cut short or altered."""
    import cattrs

    with contextlib.suppress(OSError, ValueError):
        digest, _, text = file.read_text(encoding="utf-8").partition("\n")
        if hashlib.sha256(text.encode()).hexdigest() == digest:
            with contextlib.suppress(Exception):  # another version wrote it
                return cattrs.structure(json.loads(text), Ceilings)
    return None


def _write(file: Path, found: Ceilings) -> None:
    """Keep it behind its hash, beside its place first: who is killed leaves the old file or the new one."""
    data: dict[str, Any] = asdict(found)
    # ValueError: a rate that is no number is no reason to fail, and nothing to keep.
    with contextlib.suppress(OSError, ValueError):
        text = json.dumps(data, allow_nan=False)
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=".draft_", dir=file.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
            Path(draft).replace(file)
        finally:
            Path(draft).unlink(missing_ok=True)
