"""From the times of a runtime's operators to the times of layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from inferspeed_magic.diagnosis.comparison import speedup
from inferspeed_magic.diagnosis.intervals import median_interval
from inferspeed_magic.records.explanation import LayerTime, ProfileOverhead
from inferspeed_magic.records.interval import Interval
from inferspeed_magic.records.measurement import Block, Measurement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from inferspeed_magic.records.counts import ModelCount
    from inferspeed_magic.records.operators import OperatorProfile, OperatorTime

    LayerOf = Callable[[str], str | None]

_BLOCKS: Final = 8


@dataclass(frozen=True)
class _Placed:
    """An operator and the layers that went into it.

    Attributes:
        operator: as the runtime executes it.
        owner: the layer that its time counts for; None where no layer made it.
        layers: all of them, the owner too.
    """

    operator: OperatorTime
    owner: str | None
    layers: tuple[str, ...]


def layer_times(
    profile: OperatorProfile, layer_of: LayerOf, count: ModelCount
) -> tuple[tuple[LayerTime, ...], ProfileOverhead]:
    """Add up the times of operators by layer.

    The time of an operator belongs to the layer in it that has the most multiply-accumulates (the most floating-point
    operations, where none has any). The other layers in it have a row without time, unless operators of their own
    ran for them.

    Args:
        profile: what the runtime's profiler said; what it spends on itself (``profiler_cost_ns``) is taken off.
        layer_of: path of the layer that an operator of the file belongs to, by the operator's name; None for none.
        count: of the model: whose name and order of layers the rows have.

    Returns:
        A row for each layer that went into an operator, in the order of execution; and what profiling cost and did not
        see. Times are medians over inferences with a 95% interval (NaN for fewer than 3 inferences); what bounds them
        is left open.
    """
    works = {layer.layer: (layer.macs, layer.flops) for layer in count.layers if layer.layer}
    placed = [_place(operator, layer_of, works) for operator in profile.operators]
    cost_ns = profiler_cost_ns(profile)
    series: dict[str | None, NDArray[np.float64]] = {}
    for each in placed:
        series[each.owner] = series.get(each.owner, 0.0) + _own_ns(each.operator, cost_ns)
    rank = {layer: number for number, layer in enumerate(works)}
    found = dict.fromkeys(layer for each in placed for layer in each.layers)
    rows = tuple(
        _row(layer, profile, count, placed, series.get(layer))
        for layer in sorted(found, key=lambda each: _at(each, rank))
    )
    return rows, _overhead(profile, count.model, series)


def profiler_cost_ns(profile: OperatorProfile) -> float:
    """Estimate what the profiler spends within each call of an operator, which it reports as time of the operator.

    It is the same for all, and shows where a model has many small operators: together they then take longer than a
    whole inference without the profiler. What does not fit there is the profiler's, by equal parts; but no more than
    profiling costs altogether, and no more than the shortest operator takes, which bears that cost, too.
    """
    if not profile.operators or not profile.plain_latencies_ns:
        return 0.0
    calls = [operator.calls for operator in profile.operators]
    typical_ns = [float(np.median(operator.latencies_ns)) for operator in profile.operators]
    plain_ns = float(np.median(profile.plain_latencies_ns))
    excess = min(sum(typical_ns), float(np.median(profile.latencies_ns))) - plain_ns
    shortest = min(each / number for each, number in zip(typical_ns, calls, strict=True))
    return max(0.0, min(excess / sum(calls), shortest))


def _place(operator: OperatorTime, layer_of: LayerOf, works: Mapping[str, tuple[int, int]]) -> _Placed:
    named = (layer_of(origin) for origin in operator.origins)
    layers = tuple(dict.fromkeys(_counted(layer, works) for layer in named if layer))
    owner = max(layers, key=lambda layer: works.get(layer, (0, 0)), default=None)
    return _Placed(operator, owner, layers)


def _counted(layer: str, works: Mapping[str, tuple[int, int]]) -> str:
    """Name the layer, or what it is part of, that was counted: cells of recurrent layers have no row of their own."""
    parts = layer.split("/")
    paths = ("/".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((path for path in paths if path in works), layer)


def _own_ns(operator: OperatorTime, cost_ns: float) -> NDArray[np.float64]:
    return np.maximum(0.0, np.asarray(operator.latencies_ns, dtype=np.float64) - operator.calls * cost_ns)


def _at(layer: str, rank: Mapping[str, int]) -> int:
    return rank.get(layer, len(rank))


def _row(
    layer: str,
    profile: OperatorProfile,
    count: ModelCount,
    placed: Sequence[_Placed],
    series: NDArray[np.float64] | None,
) -> LayerTime:
    if series is None:
        into = next(each.owner for each in placed if layer in each.layers)
        return LayerTime(count.model, layer, profile.runtime, 0.0, 0.0, 0.0, fused_into=into)
    took = _median_us(series)
    kinds = tuple(dict.fromkeys(each.operator.kind for each in placed if each.owner == layer))
    return LayerTime(count.model, layer, profile.runtime, took.value, took.low, took.high, operators=kinds)


def _overhead(
    profile: OperatorProfile, model: str, series: Mapping[str | None, NDArray[np.float64]]
) -> ProfileOverhead:
    total = sum(series.values(), np.zeros(len(profile.latencies_ns)))
    unmapped = series.get(None, np.zeros(len(total)))
    plain = float(np.median(profile.plain_latencies_ns))
    slower = speedup(_measured(profile.plain_latencies_ns), _measured(profile.latencies_ns))
    return ProfileOverhead(
        model,
        profile.runtime,
        share=Interval(slower.value - 1.0, slower.low - 1.0, slower.high - 1.0),
        unmapped_share=float(np.median(unmapped / np.maximum(total, 1.0))),
        outside_share=max(0.0, 1.0 - float(np.median(total)) / plain),
    )


def _median_us(times_ns: NDArray[np.float64]) -> Interval:
    took = median_interval(_measured(times_ns))
    return Interval(took.value * 1e3, took.low * 1e3, took.high * 1e3)


def _measured(latencies_ns: Sequence[float] | NDArray[np.float64]) -> Measurement:
    """Cut a series into blocks, as the intervals need them: turns of both sessions took equally long."""
    pieces = np.array_split(np.asarray(latencies_ns, dtype=np.float64), min(_BLOCKS, max(1, len(latencies_ns))))
    times = [tuple(round(float(each)) for each in piece) for piece in pieces]
    blocks = tuple(Block(number, 0, float(number), sum(piece), piece) for number, piece in enumerate(times))
    return Measurement(0.0, 0.0, 0.0, blocks=blocks)
