"""Remove channels, neurons and heads from a Keras 3 model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import OptionError, UnsupportedError
from inferspeed_magic.pruning.gradients import loss_gradients
from inferspeed_magic.pruning.groups import HEADS, distinct, groups, made_channels, traced
from inferspeed_magic.pruning.importance import unit_scores
from inferspeed_magic.pruning.rebuilding import rebuilt
from inferspeed_magic.pruning.widths import nearest_multiple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.pruning.groups import Group
    from inferspeed_magic.pruning.importance import Importance
    from inferspeed_magic.pruning.tracing import Trace


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that stand at the same place in several layers, so that they have to shrink together.

    Attributes:
        layers: that make them.
        width: how many there are.
        free: how many of these can be removed.
        reason: why the others cannot; empty where all can.
        name: by which ``prune`` takes a share for this group alone.
    """

    layers: tuple[str, ...]
    width: int
    free: int
    reason: str = ""
    name: str = ""


def channel_groups(model: Any) -> tuple[ChannelGroup, ...]:
    """List what can be removed from a model, and of what cannot, why.

    Args:
        model: a Sequential or functional model of Keras 3.

    Raises:
        UnsupportedError: for a model that is no graph of layers.
    """
    trace = traced(model)
    found = []
    for group in groups(trace):
        reasons = [reason for unit in group.units if (reason := trace.units.reason(unit)) is not None]
        found.append(ChannelGroup(group.layers, len(group.units), len(group.free), next(iter(reasons), ""), group.name))
    return tuple(found)


def prune(
    model: Any,
    sparsity: float | Mapping[str, float],
    *,
    importance: Importance = "l2",
    scope: str = "global",
    multiple_of: int = 1,
    data: Any = None,
) -> Any:
    """Remove the channels, neurons and heads that a model would miss least.

    What comes back is an ordinary Keras model with narrower layers: it saves, trains and exports. The one that is given
    is not changed. Accuracy falls with every unit that mattered; train it on afterwards.

    Args:
        model: a Sequential or functional model of Keras 3, built.
        sparsity: share of the units that can be removed, between 0 and 1, that is removed; of each layer at most 90%.
            Or one share for each group, by the names that ``channel_groups`` gives them, 0 for what is to stay: the
            other groups stay as they are, too.
        importance: ``l1``, ``l2``, ``batch_norm_scale`` or ``taylor``.
        scope: ``global`` removes those that matter least in the whole model, ``layer`` the same share everywhere; where
            each group has a share of its own, it makes no difference.
        multiple_of: layers shrink to the nearest multiples of this, as many kernels like them: some lose more than
            their share then, and some less.
        data: pair of inputs and targets, for ``taylor``; the loss is what the model was compiled with.

    Raises:
        OptionError: for options that make no sense.
        UnsupportedError: for a model that is no graph of layers, or has nothing that can be removed.
    """
    _check(sparsity)
    if scope not in ("global", "layer"):
        raise OptionError(f"unknown scope `{scope}`: there are global, layer")
    if not isinstance(multiple_of, int) or multiple_of < 1:
        raise OptionError(f"multiple_of {multiple_of!r} makes no sense: it is a whole number from 1 on")
    import keras

    trace = traced(model)
    gradients = loss_gradients(model, data, keras) if importance == "taylor" else None
    scores = unit_scores(trace, importance, gradients)
    found = groups(trace)
    if not any(group.least(scores) for group in found):
        raise UnsupportedError("nothing can be removed: see inferspeed_magic.channel_groups(model) for the reasons")
    if isinstance(sparsity, Mapping):
        _check_names(sparsity, found)
        removed = {unit for group in found for unit in group.least(scores, sparsity.get(group.name, 0.0))}
    else:
        removed = _chosen(found, scores, sparsity, scope=scope, comparable=importance not in ("l1", "l2"))
    removed = _rounded(trace, _taken_down(found, removed, scores, multiple_of), scores, multiple_of)
    if not removed:
        asked = max(sparsity.values()) if isinstance(sparsity, Mapping) else sparsity
        raise OptionError(f"nothing is removed at a sparsity of {asked} in multiples of {multiple_of}: ask for more")
    return rebuilt(model, trace, removed, keras)


def _check(sparsity: float | Mapping[str, float]) -> None:
    if isinstance(sparsity, Mapping):
        for name, share in sparsity.items():
            if not isinstance(share, Real) or not 0 <= share < 1:
                raise OptionError(f"sparsity {share!r} of {name} makes no sense: it is a share from 0 on, below 1")
        if not any(sparsity.values()):
            raise OptionError("sparsity names no group of which anything is to be removed: {'conv2d': 0.5}, say")
    elif not isinstance(sparsity, Real) or not 0 < sparsity < 1:
        raise OptionError(f"sparsity {sparsity!r} makes no sense: it is a share between 0 and 1, such as 0.5")


def _check_names(sparsity: Mapping[str, float], found: Sequence[Group]) -> None:
    known = {group.name: group for group in found}
    for name, share in sparsity.items():
        if name not in known:
            there_are = ", ".join(name for name, group in known.items() if group.free)
            within = [group.name for group in found if name in group.layers]
            if within:
                raise OptionError(f"sparsity names `{name}`, a layer of the group `{within[0]}`: name that group")
            raise OptionError(f"sparsity names `{name}`, and there is no such group: there are {there_are}")
        if share and not known[name].free:
            raise OptionError(f"nothing can be removed of {name}: see inferspeed_magic.channel_groups(model) for why")


def _chosen(
    found: Sequence[Group], scores: Mapping[int, float], sparsity: float, *, scope: str, comparable: bool
) -> set[int]:
    """Choose the units to remove, those with the least scores first.

    Norms of weights depend on the widths of layers: they are compared by how they stand to the mean of their group.
    """
    if scope == "layer":
        return {unit for group in found for unit in group.least(scores, sparsity)}
    queue: list[tuple[float, int]] = []
    count = 0
    for group in found:
        scored = [scores[unit] for unit in group.free if unit in scores]
        count += len(scored)
        mean = float(np.mean(scored)) if scored and not comparable else 1.0
        queue += [(scores[unit] / (mean or 1.0), unit) for unit in group.least(scores)]
    return {unit for _, unit in sorted(queue)[: round(sparsity * count)]}


def _taken_down(found: Sequence[Group], removed: set[int], scores: Mapping[int, float], multiple_of: int) -> set[int]:
    """Remove a few more of the layers that are a little wider than a multiple."""
    taken = set(removed)
    for group in found:
        left = sum(unit not in removed for unit in group.units)
        if group.heads or left == len(group.units):
            continue
        more = left - nearest_multiple(left, len(group.units), multiple_of)
        spare = [unit for unit in group.least(scores) if unit not in removed]
        if 0 < more <= len(spare):
            taken |= set(spare[:more])
    return taken


def _rounded(trace: Trace, removed: set[int], scores: Mapping[int, float], multiple_of: int) -> set[int]:
    """Bring units back until widths are multiples, the most important first; a group may bring others along."""
    left, before = set(removed), None
    while multiple_of > 1 and before != left:
        before = set(left)
        for _, path, channels in made_channels(trace):
            units = distinct(trace, channels) if path[-1] != HEADS else []
            gone = sorted((unit for unit in units if unit in left), key=lambda unit: -scores[unit])
            left -= set(gone[: -(len(units) - len(gone)) % multiple_of])
    return left
