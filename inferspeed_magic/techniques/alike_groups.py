"""Which groups of channels are alike, so that what removing one of them gains has to be measured once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.pruning import groups, shares_of, traced
from inferspeed_magic.techniques.keras_folder import opened

if TYPE_CHECKING:
    from inferspeed_magic.pruning.groups import Group
    from inferspeed_magic.pruning.tracing import Trace

_HALF = 0.5


def halves(_state: dict[str, Any], *, source: str, multiple_of: int) -> list[dict[str, Any]]:
    """List groups of channels, those together that are made and read by layers of the same sizes.

    Args:
        _state: of the converter process.
        source: folder of a portable model.
        multiple_of: widths are to be multiples of this.

    Returns:
        ``names`` of groups that are alike and the ``share`` of each that is nearest to half of it; those with most
        multiplications first.

    Raises:
        UnsupportedError: for a model that is no graph of layers of Keras 3.
    """
    trace = traced(opened(source).model)
    found = groups(trace)
    shares: dict[str, tuple[float, ...]] = {}
    while not shares and multiple_of:
        shares, multiple_of = shares_of(found, multiple_of), multiple_of // 2
    alike: dict[tuple[Any, ...], list[str]] = {}
    work: dict[str, float] = {}
    for group in found:
        if group.name in shares:
            look, work[group.name] = _look(trace, group)
            alike.setdefault((look, shares[group.name]), []).append(group.name)
    ordered = sorted(alike.values(), key=lambda names: -len(names) * work[names[0]])
    return [{"names": names, "share": min(shares[names[0]], key=lambda share: abs(share - _HALF))} for names in ordered]


def _look(trace: Trace, group: Group) -> tuple[tuple[Any, ...], float]:
    """Describe the weights that a group is counted along, and say how often these are multiplied."""
    found, work = [], 0.0
    for layer in trace.layers:
        for each in trace.passages[id(layer)].slices:
            count = int(np.isin(trace.units.roots(each.channels), group.units).sum())
            if count:
                shape = tuple(each.weight.shape)
                positions = _positions(layer)
                found.append((type(layer).__name__, shape, each.axis, count, positions))
                work += math.prod(shape) * positions * count / len(each.channels)
    return tuple(sorted(found, key=str)), work


def _positions(layer: Any) -> int:
    """Count the places that a layer's weights are used at: pixels or steps of what it makes."""
    try:
        shape = layer.output.shape
    except Exception:  # noqa: BLE001  (several calls or outputs; once is a lower bound)
        return 1
    sizes = [size for size in shape[1:-1] if size] if isinstance(shape, tuple) else []
    return math.prod(sizes) if all(isinstance(size, int) for size in sizes) else 1
