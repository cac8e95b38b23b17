"""How much of each group of channels goes for a latency: from what each gains, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.pruning import (
    at_least_squares,
    cheapest_rates,
    gained,
    groups,
    loss_rises,
    multiplications,
    shares_of,
    traced,
)
from inferspeed_magic.training.answers import answered
from inferspeed_magic.training.soft_targets import soft_loss, targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from inferspeed_magic.pruning.tracing import Trace
    from inferspeed_magic.training import Lesson

#: Samples that answers are compared on, as time and memory allow, and how many of them at once.
_MOST_SAMPLES, _LEAST_SAMPLES, _AT_ONCE = 512, 32, 32
_MOST_NUMBERS = 20_000_000
#: Of the time for training, what looking at groups may take.
_LOOKING = 0.15
#: What a machine multiplies in a second at least, and what a sample costs beside that; and how many times as long as
#: that is waited where something else takes the machine.
_PER_S, _OVERHEAD_S, _PATIENCE = 1e10, 2e-4, 2.0


def latency_rates(
    model: Any,
    teacher: Any,
    lesson: Lesson,
    elasticities: Mapping[str, float],
    latency: float,
    *,
    multiples: Mapping[str, int],
    pack: Callable[[Sequence[Any]], Any],
) -> dict[str, float]:
    """Choose the shares that bring a model down to a latency and change its answers least.

    Args:
        model: to be pruned.
        teacher: whose answers count.
        lesson: with samples.
        elasticities: by group, the power of its width that the latency goes with.
        latency: share of it that may be left.
        multiples: by group, what its width is to be a multiple of.
        pack: nests a flat list of inputs as both models take them.

    Returns:
        By group, for ``prune``; empty where nothing is known to gain anything.
    """
    import keras

    def answers(of: Any, some: Sequence[Any]) -> list[Any]:
        return answered(of, some, pack, keras, at_once=_AT_ONCE, until=float("inf"))[1]

    trace = traced(model)
    shares = shares_of(groups(trace), multiples)
    first = sorted((name for name in shares if elasticities.get(name, 0.0) > 0), key=lambda name: -elasticities[name])
    limit_s = _LOOKING * lesson.limit_s
    samples = lesson.check_inputs or lesson.inputs
    looks = sum(len(shares[name]) for name in first)
    few = answers(model, [array[:_LEAST_SAMPLES] for array in samples])  # which traces the model
    count = _affordable(trace, samples, few, limit_s / max(1, looks))
    some = [array[:count] for array in samples]
    taught = answers(teacher, some)
    distance = soft_loss(targets(taught, teacher, lesson.loss, keras), keras, lesson.temperature)
    rises = loss_rises(
        model,
        {name: shares[name] for name in first},
        lambda: float(np.asarray(distance(taught, answers(model, some)))),
        limit_s=_PATIENCE * limit_s,
    )
    costs = {name: at_least_squares(rises[name]) for name in rises}
    # What there was no time for costs what the others do.
    prices = [cost[share] / gained(1.0, share) ** 2 for cost in costs.values() for share in list(cost)[:1]]
    price = float(np.median(prices)) if prices else 1.0
    for name in first:
        if name not in costs:
            costs[name] = {share: price * gained(1.0, share) ** 2 for share in shares[name]}
    return cheapest_rates(elasticities, costs, latency)


def _affordable(trace: Trace, samples: Sequence[Any], answers: Sequence[Any], limit_s: float) -> int:
    """Count the samples that can be answered in time, by what there is to compute.

    A clock would tell better, and each time something else: who runs a recipe is to get the same channels.
    """
    each_s = multiplications(trace) / _PER_S + _OVERHEAD_S
    numbers = sum(array[0].size for array in answers)
    most = min(_MOST_SAMPLES, int(limit_s / each_s), _MOST_NUMBERS // max(1, int(numbers)))
    return min(len(samples[0]), max(_LEAST_SAMPLES, most // _AT_ONCE * _AT_ONCE))
