"""What a runtime spends on an operator that has next to nothing to do, and on a call. Runs in worker processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.measurement.clock import time_block
from inferspeed_magic.measurement.fastest import Contestant, fastest_ns, take_turns
from inferspeed_magic.runtimes.base import Lowering, UnsupportedError, from_reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inferspeed_magic.runtimes.base import Session

#: Operators in a chain; the longest one checks the line through the others.
LENGTHS = (8, 64, 128)
_TURN_S = 0.004
_WARM_UP_RUNS = 30
_LEAST_RUNS = 10
_ATTEMPTS = 5
_TOLERANCE = 0.3


def dispatch_cost(
    _state: dict[str, Any], *, runtime: str, threads: int, chains: Sequence[dict[str, Any]], budget_s: float
) -> dict[str, float]:
    """Measure the slope and the intercept of the latency over the number of operators.

    Args:
        _state: of the process.
        runtime: reference to it, ``module:name``.
        threads: for one inference.
        chains: as ``write_onnx_chains`` describes them, of several kinds and lengths.
        budget_s: seconds for the timing; several times as much where the machine is too busy for a line to show.

    Returns:
        ``per_operator_us`` and ``per_call_us``, of the kind of operator that costs least.

    Raises:
        UnsupportedError: where no chain's latency grows in proportion to its length.
    """
    maker = from_reference(runtime)
    contestants: dict[tuple[str, int], Contestant] = {}
    for chain in chains:
        lowering = Lowering(threads=threads, batch_size=chain["shape"][0])
        session = maker.compile(maker.load(chain["path"], lowering), lowering)
        contestants[chain["kind"], chain["length"]] = inferring(session, chain["shape"])
    lines: list[tuple[float, float]] = []
    for _ in range(_ATTEMPTS):
        take_turns(list(contestants.values()), budget_s, turn_s=_TURN_S)
        lines = _lines(contestants)
        if lines:
            break
    if not lines:
        raise UnsupportedError("the latency of a chain of operators does not grow in proportion to its length")
    per_operator, per_call = min(lines)
    return {"per_operator_us": per_operator, "per_call_us": per_call}


def _lines(contestants: Mapping[tuple[str, int], Contestant]) -> list[tuple[float, float]]:
    """Fit a line for each kind of chain; those that are none are left out."""
    found = []
    for kind in dict.fromkeys(kind for kind, _ in contestants):
        latencies_us = {
            length: fastest_ns(each.durations_ns) / 1e3 for (of, length), each in contestants.items() if of == kind
        }
        line = through(latencies_us)
        if line is not None:
            found.append(line)
    return found


def inferring(session: Session, shape: Sequence[int]) -> Contestant:
    """Make a contestant of a session that was warmed up; its inputs are ones.

    Args:
        session: of one input.
        shape: of this input, batch first.
    """
    batches = [[np.ones(tuple(shape), np.float32)]]
    time_block(session.run, batches, 0, least=_WARM_UP_RUNS)
    return Contestant(1.0, lambda duration_ns: time_block(session.run, batches, duration_ns, least=_LEAST_RUNS)[0])


def through(latencies_us: Mapping[int, float]) -> tuple[float, float] | None:
    """Fit a line to latency over number of operators, by least squares of relative errors.

    Args:
        latencies_us: by the number of operators; at least three of them.

    Returns:
        Slope and intercept in microseconds, the intercept not below 0; None where the latency does not rise, or the
        line through all but the longest chain misses that one's latency by more than 30%: operators were fused, or
        the measurement was disturbed.
    """
    lengths = sorted(latencies_us)
    shorter, longest = lengths[:-1], lengths[-1]
    slope, intercept = _line(shorter, latencies_us)
    if not slope > 0 or abs(slope * longest + intercept - latencies_us[longest]) > _TOLERANCE * latencies_us[longest]:
        return None
    slope, intercept = _line(lengths, latencies_us)
    return (slope, max(0.0, intercept)) if slope > 0 else None


def _line(lengths: Sequence[int], latencies_us: Mapping[int, float]) -> tuple[float, float]:
    weights = [1.0 / latencies_us[length] for length in lengths]
    slope, intercept = np.polyfit(lengths, [latencies_us[length] for length in lengths], 1, w=weights)
    return float(slope), float(intercept)
