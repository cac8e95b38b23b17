"""What removing units of one group alone does to a model's answers: measured, group by group."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.pruning.groups import groups, sliced, traced
from inferspeed_magic.pruning.importance import unit_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from inferspeed_magic.pruning.importance import Importance


def loss_rises(
    model: Any,
    shares: Mapping[str, Sequence[float]],
    loss: Callable[[], float],
    *,
    importance: Importance = "l2",
    limit_s: float,
) -> dict[str, dict[float, float]]:
    """Measure by how much a loss rises without a share of each group, the others as they are.

    Weights of units are set to zero, which changes answers as removing them does (Li and others, "Pruning filters for
    efficient ConvNets", 2017, https://arxiv.org/abs/1608.08710, section 3.2, measure sensitivity this way), and set
    back.

    Args:
        model: of Keras 3; as it was afterwards.
        shares: to look at, by group, those that matter most first.
        loss: of the model as it is now.
        importance: that says which units go first.
        limit_s: seconds, from the first look at the model as it is on; groups that were not reached are left out.

    Returns:
        By group, by share.
    """
    trace = traced(model)
    scores = unit_scores(trace, importance)
    places = [(each.weight, each.axis, roots) for _, each, roots in sliced(trace)]
    known = {group.name: group for group in groups(trace)}
    before = loss()
    until = time.monotonic() + limit_s
    found: dict[str, dict[float, float]] = {}
    for name in shares:
        if time.monotonic() >= until:
            break
        for share in shares[name]:
            kept = _silenced(places, known[name].least(scores, share))
            try:
                found.setdefault(name, {})[share] = loss() - before
            finally:
                for weight, values in kept:
                    weight.assign(values)
    return found


def _silenced(places: Sequence[tuple[Any, int, Any]], units: Sequence[int]) -> list[tuple[Any, Any]]:
    """Set the weights of units to zero; give the weights that were changed, with what they were."""
    kept: dict[int, tuple[Any, Any]] = {}
    for weight, axis, roots in places:
        gone = np.flatnonzero(np.isin(roots, units))
        if not len(gone):
            continue
        values = np.array(weight.numpy())
        kept.setdefault(id(weight), (weight, values.copy()))
        np.moveaxis(values, axis, 0)[gone] = 0
        weight.assign(values)
    return list(kept.values())
