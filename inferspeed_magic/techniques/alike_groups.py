"""Which groups of channels are alike, so that what removing one of them gains has to be measured once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.pruning import groups, multiples_of, positions, shares_of, sliced, traced
from inferspeed_magic.techniques.keras_folder import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.pruning.groups import Group

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
    shares = shares_of(found, multiples_of(found, multiple_of))
    places = [
        (type(layer).__name__, tuple(each.weight.shape), each.axis, positions(layer), roots)
        for layer, each, roots in sliced(trace)
    ]
    alike: dict[tuple[Any, ...], list[str]] = {}
    work: dict[str, float] = {}
    for group in found:
        if group.name in shares:
            signature, work[group.name] = _signature(places, group)
            alike.setdefault((signature, shares[group.name]), []).append(group.name)
    ordered = sorted(alike.values(), key=lambda names: -len(names) * work[names[0]])
    return [{"names": names, "share": min(shares[names[0]], key=lambda share: abs(share - _HALF))} for names in ordered]


def _signature(places: Sequence[tuple[Any, ...]], group: Group) -> tuple[tuple[Any, ...], float]:
    """Describe the weights that a group is counted along, and say how often these are multiplied."""
    found, work = [], 0.0
    for kind, shape, axis, times, roots in places:
        count = int(np.isin(roots, group.units).sum())
        if count:
            found.append((kind, shape, axis, count, times))
            work += math.prod(shape) * times * count / len(roots)
    return tuple(sorted(found, key=str)), work
