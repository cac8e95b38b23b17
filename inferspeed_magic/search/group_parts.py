"""Which part of the latency each group of channels has: measured, by removing half of it and nothing else."""

from __future__ import annotations

import json
import math
import time
from concurrent.futures import TimeoutError as StillRunning
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from inferspeed_magic.discovery import reference
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.formats.routes import Step
from inferspeed_magic.profiling.environment import environment
from inferspeed_magic.profiling.opening import Opener, ways

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.profiling.conversion import Converter
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.workers.crew import Crew

_HALVES = "inferspeed_magic.techniques.alike_groups:halves"
_NARROW = Step("inferspeed_magic.techniques.channel_pruner:remove_shares", "keras", static=False, words="narrower")
_LATENCIES = "inferspeed_magic.measurement.side_by_side:latencies"
_AS_IT_IS, _TOGETHER = "as it is", "together"
#: Seconds that each file is timed for, and files that take turns beside the model as it is.
_TIMED_S, _AT_ONCE = 0.2, 8
_PATIENCE_S = 0.3
#: What is less of the latency than this cannot be told from nothing.
_LEAST = 0.004
_DIGITS = 4
#: All together gain less than they do one by one, where calls cost something and small layers fill no vectors.
_WORTH = (0.3, 1.2)


def group_parts(
    crew: Crew,
    converter: Converter,
    opener: Opener,
    limits: Limits,
    candidate: Candidate,
    *,
    multiple_of: int,
    until: float,
    tell: Callable[[str], None],
) -> dict[str, float]:
    """Measure them on a candidate's runtime, in float, whatever else was done to the candidate.

    Args:
        crew: that workers belong to.
        converter: makes the files.
        opener: knows the inputs.
        limits: of workers.
        candidate: of the model as it came.
        multiple_of: widths are to be multiples of this.
        until: when to stop, as of ``time.monotonic``: groups with least to do come last.
        tell: is told what is being done.

    Returns:
        Parts of the latency that go with all units of a group where units of the others go, too, by the name of the
        group, for groups that have any; none where that cannot be done.
    """
    plain = candidate.anew(technique="none", variant="", changed_by=None, taught_by=None)
    if plain.runtime.group is not None or not ways(plain):
        return {}
    alike = _alike(converter, plain, multiple_of, until)
    asked = {str(number): dict.fromkeys(each["names"][:1], each["share"]) for number, each in enumerate(alike)}
    everything = {name: each["share"] for each in alike for name in each["names"]}
    files: dict[str, str] = {}
    try:
        files[_AS_IT_IS] = _made(converter, plain, until)
        for number, (name, shares) in enumerate({_TOGETHER: everything, **asked}.items()):
            tell(f"which channels take {plain.runtime.name}'s time: file {number + 1} of {len(asked) + 1}")
            narrow = replace(_NARROW, settings=(("shares", json.dumps(shares)),))
            try:
                files[name] = _made(converter, plain.anew(taught_by=narrow), until)
            except WorkerError:  # this one cannot be rebuilt or converted: nothing is known of it
                continue
    except (StillRunning, WorkerError):
        pass
    left = _timed(crew, limits, plain, files, opener.inputs(plain))
    together = left.pop(_TOGETHER, None)
    alone = {
        name: (left[number], share)
        for number, each in zip(asked, alike, strict=True)
        if left.get(number, 1.0) <= 1.0 - _LEAST
        for name, share in dict.fromkeys(each["names"], each["share"]).items()
    }
    return parts_of(alone, together)


def parts_of(alone: Mapping[str, tuple[float, float]], together: float | None) -> dict[str, float]:
    """Work out parts from what is left of the latency without a share of one group, and of all of them.

    Args:
        alone: by group: what is left of the latency, and which share of the group was gone.
        together: what is left without these shares of all groups at once; None where that is not known.
    """
    logarithm = sum(math.log(left) for left, _ in alone.values())
    worth = 1.0
    if together is not None and logarithm < 0:
        worth = min(_WORTH[1], max(_WORTH[0], math.log(together) / logarithm))
    return {name: round((1.0 - left**worth) / share, _DIGITS) for name, (left, share) in alone.items()}


def _alike(converter: Converter, plain: Candidate, multiple_of: int, until: float) -> Sequence[Mapping[str, Any]]:
    try:
        asked = converter.look(_HALVES, plain.source, {"multiple_of": multiple_of}, in_kernel=False)
        found: list[dict[str, Any]] = asked.result(timeout=max(0.0, until - time.monotonic()))
    except (StillRunning, WorkerError):
        return []
    return found


def _made(converter: Converter, candidate: Candidate, until: float) -> str:
    """Convert in the first way that a candidate can be; what is not done in time is dropped before it begins.

    Raises:
        TimeoutError: where there is no time left.
        WorkerError: where that fails.
    """
    pending = converter.submit(candidate.source, ways(candidate)[0], candidate.lowering.batch_size)
    try:
        return pending.result(timeout=max(0.0, until - time.monotonic())).path
    except StillRunning:
        pending.cancel()
        raise


def _timed(
    crew: Crew, limits: Limits, plain: Candidate, files: Mapping[str, str], inputs: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Time files in turns beside the model as it is; gives shares of its latency."""
    names = [name for name in files if name != _AS_IT_IS]
    if not names:
        return {}
    worker = crew.start(
        f"parts_{plain.runtime.name}",
        environment=environment(plain.source, plain.lowering.device, plain.lowering.threads),
        memory_limit_mb=limits.memory_mb(),
    )
    lowering = asdict(replace(plain.lowering, precision=plain.precision))
    found: dict[str, float] = {}
    try:
        worker.request(
            "inferspeed_magic.measurement.bench:prepare",
            {"runtime": reference(plain.runtime), "lowering": lowering},
            limits.import_s,
        )
        for begin in range(0, len(names), _AT_ONCE):
            some = [_AS_IT_IS, *names[begin : begin + _AT_ONCE]]
            timing = {
                "runtime": reference(plain.runtime),
                "lowering": lowering,
                "artifacts": {name: files[name] for name in some},
                "inputs": inputs,
                "timed_s": _TIMED_S,
            }
            with crew.alone(worker):
                seen = worker.request(_LATENCIES, timing, limits.open_s)
            found |= {name: seen[name] / seen[_AS_IT_IS] for name in some[1:]}
    except WorkerError:
        return found
    finally:
        crew.dismiss(worker)
    return found
