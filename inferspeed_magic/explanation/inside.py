"""Look inside a runtime: what its operators take, for the model as it is and as techniques leave it."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.discovery import reference
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.profiling.environment import environment
from inferspeed_magic.records import OperatorKinds, OperatorProfile
from inferspeed_magic.records.json_form import operators_from_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.profiling.opening import Opener
    from inferspeed_magic.records import Ceilings, OperatorTime
    from inferspeed_magic.workers.crew import Crew

_DURATION_MS = 700.0
_MOST = 200


def operator_profile(crew: Crew, opener: Opener, candidate: Candidate, limits: Limits) -> OperatorProfile:
    """Have a process of its own run a candidate that is open elsewhere, with its runtime's profiler.

    Raises:
        WorkerError: where the profiler fails or the candidate has no file.
    """
    if candidate.artifact is None or candidate.artifact.path.startswith("live:"):
        raise WorkerError("unsupported", "there is no file to profile")
    worker = crew.start(
        f"operators_of_{candidate.key}",
        environment=environment(candidate.source, candidate.lowering.device, candidate.lowering.threads),
        memory_limit_mb=limits.memory_mb(),
    )
    arguments: dict[str, Any] = {
        "runtime": reference(candidate.runtime),
        "artifact": candidate.artifact.path,
        "lowering": asdict(candidate.lowering),
        "inputs": opener.inputs(candidate),
        "folder": tempfile.mkdtemp(dir=crew.folder),
        "duration_ms": _DURATION_MS,
        "most": _MOST,
    }
    try:
        with crew.alone(worker):
            said = worker.request("inferspeed_magic.measurement.operators:profile_operators", arguments, limits.open_s)
    finally:
        crew.dismiss(worker)
    return operators_from_json(said)


def kinds(candidate: Candidate, profile: OperatorProfile) -> OperatorKinds:
    """Add up operators of the same kind; the median over inferences of each."""
    return OperatorKinds(
        candidate.source.name,
        candidate.runtime.name,
        candidate.technique,
        _by_kind(profile.operators),
        _by_kind([each for each in profile.operators if not each.origins]),
    )


def _by_kind(operators: Sequence[OperatorTime]) -> tuple[tuple[str, float, int], ...]:
    spent: dict[str, float] = {}
    calls: dict[str, int] = {}
    for each in operators:
        spent[each.kind] = spent.get(each.kind, 0.0) + float(np.median(each.latencies_ns)) / 1e3
        calls[each.kind] = calls.get(each.kind, 0) + each.calls
    return tuple((kind, spent[kind], calls[kind]) for kind in sorted(spent, key=lambda kind: -spent[kind]))


def starting_ms(profile: OperatorProfile, ceilings: Ceilings | None) -> float:
    """Cost of starting all operators of one inference, in ms; 0 where the cost of one is not known."""
    costs = {each.runtime: each.per_operator_us for each in ceilings.dispatch} if ceilings else {}
    return sum(operator.calls for operator in profile.operators) * costs.get(profile.runtime, 0.0) / 1e3
