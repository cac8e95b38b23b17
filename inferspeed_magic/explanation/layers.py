"""Times of layers, and where each stands between the machine's ceilings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from inferspeed_magic.diagnosis.layer_times import layer_times
from inferspeed_magic.diagnosis.roofline import placed
from inferspeed_magic.formats.layer_names import layer_of
from inferspeed_magic.records.counts import fused

if TYPE_CHECKING:
    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.records import (
        Ceilings,
        LayerTime,
        ModelCount,
        OperatorProfile,
        ProfileOverhead,
    )

_UNKNOWN = float("nan")


def timed_layers(
    profile: OperatorProfile, count: ModelCount, ceilings: Ceilings | None, precision: str, root: str
) -> tuple[tuple[LayerTime, ...], ProfileOverhead]:
    """Give the time of every layer, and what bounds it where ceilings are known.

    Args:
        profile: of the runtime's operators.
        count: of the model.
        ceilings: of the machine.
        precision: that products are computed in.
        root: the model's own name, in whose scope all of its operators are.
    """
    names = {name for layer in count.layers for name in layer.layer.split("/") if name}
    times, overhead = layer_times(profile, lambda operator: _layer(operator, names, root), count)
    times = _within(times, overhead, profile)
    if ceilings is None:
        return times, overhead
    counted = {layer.layer: layer for layer in count.layers}
    # In the order of execution.
    together = {
        layer: [
            counted[each.layer] for each in times if each.layer in counted and layer in (each.layer, each.fused_into)
        ]
        for layer in counted
    }
    # What is read between two uses of the same weights.
    working_set = count.weight_bytes + count.activation_bytes
    dispatch_us = next(
        (each.per_operator_us for each in ceilings.dispatch if each.runtime == profile.runtime), _UNKNOWN
    )
    return tuple(
        placed(time, fused(counted[time.layer], together[time.layer]), ceilings, precision, working_set, dispatch_us)
        if time.layer in counted
        else time
        for time in times
    ), overhead


def _within(times: tuple[LayerTime, ...], overhead: ProfileOverhead, profile: OperatorProfile) -> tuple[LayerTime, ...]:
    """Bring times under a profiler to an inference without it: together they are no longer than that."""
    together_us = sum(each.time_us for each in times) / max(1e-3, 1.0 - overhead.unmapped_share)
    plain_us = float(np.median(profile.plain_latencies_ns)) / 1e3 if profile.plain_latencies_ns else 0.0
    if not 0.0 < plain_us < together_us:
        return times
    scale = plain_us / together_us
    return tuple(
        replace(each, time_us=each.time_us * scale, low_us=each.low_us * scale, high_us=each.high_us * scale)
        for each in times
    )


def _layer(operator: str, names: set[str], root: str) -> str | None:
    """Name the layer that an operator belongs to; a model may be called like one of its layers."""
    scope, _, rest = operator.partition("/")
    inside = layer_of(rest, names) if scope == root and rest else None
    return inside or layer_of(operator, names)


def root_of(candidate: Candidate) -> str:
    """Name the scope that all operators of a model are in."""
    return str(getattr(candidate.source.model, "name", ""))
