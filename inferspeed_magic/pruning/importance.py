"""How much a model would miss each of its units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from inferspeed_magic.errors import OptionError
from inferspeed_magic.pruning.units import FIXED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from inferspeed_magic.pruning.tracing import Trace

    Array = np.ndarray[Any, np.dtype[np.floating[Any]]]

Importance = Literal["l1", "l2", "batch_norm_scale", "taylor"]


def unit_scores(trace: Trace, kind: Importance, gradients: Mapping[int, Array] | None = None) -> dict[int, float]:
    """Score units that a weight is counted along: the less, the sooner they may go; what has no score stays.

    ``l1`` and ``l2`` are norms of all weights of a unit, those that make it and those that read it (Li and others,
    "Pruning filters for efficient ConvNets", 2017, https://arxiv.org/abs/1608.08710; added up over everything that goes
    together as in Fang and others, 2023, https://arxiv.org/abs/2301.12900).

    ``batch_norm_scale`` is the scale of its normalization, where a unit has one (Liu and others, "Learning
    efficient convolutional networks through network slimming", 2017, https://arxiv.org/abs/1708.06519).

    ``taylor`` is the change of the loss that removing it would make, to the first order: the squared sum of gradient
    times weight (Molchanov and others, "Importance estimation for neural network pruning", 2019,
    https://arxiv.org/abs/1906.10771).

    Args:
        trace: of the model.
        kind: which of these.
        gradients: of the loss, by ``id`` of the weight; for ``taylor``.

    Returns:
        By unit.

    Raises:
        OptionError: for a kind that there is not, and where it has nothing to go by.
    """
    if kind not in get_args(Importance):
        raise OptionError(f"unknown importance `{kind}`: there are {', '.join(get_args(Importance))}")
    if kind == "batch_norm_scale":
        scores = _added(trace, np.abs, lambda layer, weight: weight is getattr(layer, "gamma", None))
        if not scores:
            raise OptionError("batch_norm_scale needs layers with BatchNormalization behind them: take l2")
        return scores
    if kind == "taylor":
        known = gradients or {}
        sums = _added(trace, None, lambda _, weight: id(weight) in known, known)
        return {unit: value**2 for unit, value in sums.items()}
    measure: Callable[[Array], Array] = np.abs if kind == "l1" else np.square
    sums = _added(trace, measure, lambda _, weight: len(weight.shape) > 1)
    return sums if kind == "l1" else {unit: float(np.sqrt(value)) for unit, value in sums.items()}


def _added(
    trace: Trace,
    measure: Callable[[Array], Array] | None,
    counts: Callable[[Any, Any], bool],
    gradients: Mapping[int, Array] | None = None,
) -> dict[int, float]:
    """Add up over the weights of each unit; with gradients, their products with the weights."""
    found: dict[int, float] = {}
    for layer in trace.layers:
        for each in trace.passages[id(layer)].slices:
            if not counts(layer, each.weight):
                continue
            array = np.asarray(each.weight.numpy(), np.float64)
            values = measure(array) if measure is not None else array * (gradients or {})[id(each.weight)]
            others = tuple(axis for axis in range(values.ndim) if axis != each.axis % values.ndim)
            for unit, value in zip(trace.units.roots(each.channels).tolist(), values.sum(others).tolist(), strict=True):
                if unit != FIXED:
                    found[unit] = found.get(unit, 0.0) + value
    return found
