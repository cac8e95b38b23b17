"""How much of each group of channels goes for a latency: from the part of it that each has, and what it costs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.pruning import at_least_squares, cheapest_rates, groups, loss_rises, shares_of, traced
from inferspeed_magic.training.answers import answered
from inferspeed_magic.training.soft_targets import soft_loss, targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from inferspeed_magic.training import Lesson

#: Samples that answers are compared on, and how many of them at once.
_SAMPLES, _AT_ONCE = 512, 128
#: Of the time for training, what looking at groups may take.
_LOOKING = 0.15


def latency_rates(
    model: Any,
    teacher: Any,
    lesson: Lesson,
    parts: Mapping[str, float],
    latency: float,
    *,
    multiple_of: int,
    pack: Callable[[Sequence[Any]], Any],
) -> dict[str, float]:
    """Choose the shares that bring a model down to a latency and change its answers least.

    Args:
        model: to be pruned.
        teacher: whose answers count.
        lesson: with samples.
        parts: by group, the part of the latency that goes with all of its units.
        latency: share of it that may be left.
        multiple_of: widths are to be multiples of this; of half of it, and so on, where layers are too narrow.
        pack: nests a flat list of inputs as both models take them.

    Returns:
        By group, for ``prune``.
    """
    import keras

    samples = lesson.check_inputs or lesson.inputs
    some = [array[:_SAMPLES] for array in samples]

    def answers(of: Any) -> list[Any]:
        return answered(of, some, pack, keras, at_once=_AT_ONCE, until=float("inf"))[1]

    taught = answers(teacher)
    distance = soft_loss(targets(taught, teacher, lesson.loss, keras), keras)
    found = groups(traced(model))
    shares: dict[str, tuple[float, ...]] = {}
    while not shares and multiple_of:
        shares, multiple_of = shares_of(found, multiple_of), multiple_of // 2
    first = sorted((name for name in shares if parts.get(name, 0.0) > 0), key=lambda name: -parts[name])
    rises = loss_rises(
        model,
        {name: shares[name] for name in first},
        lambda: float(np.asarray(distance(taught, answers(model)))),
        until=time.monotonic() + _LOOKING * lesson.limit_s,
    )
    return cheapest_rates(parts, {name: at_least_squares(each) for name, each in rises.items()}, latency)
