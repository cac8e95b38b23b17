"""What one call costs before and after the model's own work: every way to call it, taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.records.explanation import CallPath

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inferspeed_magic.records.interval import Interval

PYTHON, DISPATCH, COMPUTE = "python", "dispatch", "compute"
_COMPILED = "keras.compiled"


def call_paths(
    model: str, latencies: Mapping[str, Interval], idle: Mapping[str, Interval], starting_ms: Mapping[str, float]
) -> tuple[CallPath, ...]:
    """Split the latency of each way into parts that add up to it.

    ``python`` is what ``predict`` does around its compiled function: what is left of its latency beside that of the
    compiled function alone. ``dispatch`` is what a framework spends on a call and on starting operators, ``compute``
    what is left: the operators themselves. On ways where it is not known how many operators run and what starting one
    costs, ``dispatch`` is that of an idle model with the same inputs alone, and ``compute`` holds the rest.

    Args:
        model: its name.
        latencies: way and latency of one inference, in ms.
        idle: the same of a model without work that has the same inputs.
        starting_ms: way and cost of starting all its operators, for the ways that were looked into.
    """
    return tuple(
        CallPath(model, way, latency, _parts(way, latencies, idle, starting_ms), idle.get(way))
        for way, latency in latencies.items()
    )


def _parts(
    way: str, latencies: Mapping[str, Interval], idle: Mapping[str, Interval], starting_ms: Mapping[str, float]
) -> tuple[tuple[str, float], ...]:
    total = latencies[way].value
    if way not in idle:
        return ()
    call = min(total, idle[way].value)
    if way == "keras.predict":
        return _of_predict(total, call, latencies, idle)
    compute = total - call
    # An estimate that exceeds what it is a part of says nothing.
    starting = starting_ms.get(way, 0.0)
    compute -= starting if starting < compute else 0.0
    if way == "keras.call" and _COMPILED in latencies and _COMPILED in idle:
        # Layer by layer there is no compiled function: what that one computes is what there is to compute.
        compute = min(compute, max(0.0, latencies[_COMPILED].value - idle[_COMPILED].value))
    return ((DISPATCH, total - compute), (COMPUTE, compute))


def _of_predict(
    total: float, call: float, latencies: Mapping[str, Interval], idle: Mapping[str, Interval]
) -> tuple[tuple[str, float], ...]:
    """Split a call of predict, which runs the compiled function: what that one takes alone is seen more exactly."""
    if _COMPILED not in latencies or _COMPILED not in idle:
        return ((PYTHON, call), (COMPUTE, total - call))
    dispatch = min(total, idle[_COMPILED].value)
    compute = min(total - dispatch, max(0.0, latencies[_COMPILED].value - idle[_COMPILED].value))
    return ((PYTHON, total - dispatch - compute), (DISPATCH, dispatch), (COMPUTE, compute))
