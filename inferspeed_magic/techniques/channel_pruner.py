"""Remove channels from a Keras model, and train what is left, as a step of a conversion."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import OptionError, UnsupportedError
from inferspeed_magic.pruning import gained, groups, multiples_of, prune, traced
from inferspeed_magic.techniques.keras_folder import opened, save
from inferspeed_magic.techniques.latency_rates import latency_rates
from inferspeed_magic.training import learn, read_lesson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inferspeed_magic.sources.portable import PortableModel
    from inferspeed_magic.training import Lesson

#: What is removed at once before what is left learns again: more than half would leave too little to learn from.
_AT_ONCE = 0.5


def remove(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    sparsity_percent: int,
    multiple_of: int,
    lesson: str | None = None,
) -> None:
    """Remove the channels that matter least, by the norm of their weights.

    With a lesson, what is left learns again: its labels, and what the model that came in answers. Much is removed in
    several stages, with training after each (S. Han et al., "Learning both Weights and Connections for Efficient Neural
    Networks", NeurIPS 2015, section 3.5).

    Args:
        state: of the converter process (not used).
        source: folder of a portable model.
        target: folder to write.
        batch_size: not used.
        inputs: not used.
        sparsity_percent: share of the channels that can be removed, that is removed.
        multiple_of: widths that are left are multiples of this, or of half of it and so on where layers are too narrow.
        lesson: folder with what to train with; None to leave the model as it is.

    Raises:
        UnsupportedError: for models of tf_keras, for those that are no graph of layers, and where nothing can go.
    """
    del state, batch_size, inputs
    found = _of_keras(source)
    changed = found.model
    left = 1.0 - sparsity_percent / 100
    if lesson is None:
        changed = _narrower(changed, 1.0 - left, multiple_of)
    else:
        plans = _stages(left, lesson)
        for plan in plans:
            # Each stage keeps the same share of what the one before left.
            changed = _narrower(changed, 1.0 - left ** (1.0 / len(plans)), multiple_of)
            changed, _ = learn(changed, found.model, plan, pack=found.pack, log_folder=lesson)
    save(changed, found, source, target)


def remove_for_latency(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    less_time_percent: int,
    elasticities: str,
    multiple_of: int,
    lesson: str,
) -> None:
    """Remove channels where they take most time for the least that they do, until a latency is reached, and train.

    At the beginning of each stage, what removing a share of one group alone does to the answers is measured; what it
    does to the latency was measured before.

    Args:
        state: of the converter process (not used).
        source: folder of a portable model.
        target: folder to write.
        batch_size: not used.
        inputs: not used.
        less_time_percent: share of the latency that is to go.
        elasticities: JSON: by group of channels, the power of its width that the latency goes with.
        multiple_of: widths that are left are multiples of this, or of half of it and so on where layers are too narrow.
        lesson: folder with what to train with.

    Raises:
        UnsupportedError: for models of tf_keras, for those that are no graph of layers, and where nothing can go.
    """
    del state, batch_size, inputs
    found = _of_keras(source)
    changed, powers = found.model, _by_group(elasticities)
    # Of the widths that came in: what has become narrow is not made too narrow for its kernel.
    multiples = multiples_of(groups(traced(changed)), multiple_of)
    missing = -math.log(1.0 - less_time_percent / 100)
    plans = _stages(1.0 - less_time_percent / 100, lesson)
    for place, plan in enumerate(plans):
        began = time.monotonic()
        kept = math.exp(-missing / (len(plans) - place))
        rates = latency_rates(changed, found.model, plan, powers, kept, multiples=multiples, pack=found.pack)
        if not rates and place == 0:
            raise UnsupportedError("of no channels that could go is it known that they take time")
        if not rates:  # all that could go has gone, and what is left has learned
            break
        changed = prune(changed, rates)
        missing -= sum(gained(powers[name], share) for name, share in rates.items())
        plan = replace(plan, limit_s=max(1.0, plan.limit_s - (time.monotonic() - began)))  # noqa: PLW2901
        changed, _ = learn(changed, found.model, plan, pack=found.pack, log_folder=lesson)
        if missing <= 0:
            break
    save(changed, found, source, target)


def remove_shares(
    state: dict[str, Any],
    *,
    source: str,
    target: str,
    batch_size: int | None,
    inputs: list[dict[str, Any]],
    shares: str,
) -> None:
    """Remove a share of the channels of each group, and leave it at that.

    Args:
        state: of the converter process (not used).
        source: folder of a portable model.
        target: folder to write.
        batch_size: not used.
        inputs: not used.
        shares: JSON: by group of channels.

    Raises:
        UnsupportedError: for models of tf_keras, for those that are no graph of layers, and where nothing can go.
    """
    del state, batch_size, inputs
    found = _of_keras(source)
    save(prune(found.model, _by_group(shares)), found, source, target)


def _by_group(text: str) -> Mapping[str, float]:
    return {str(name): float(number) for name, number in json.loads(text).items()}


def _of_keras(source: str) -> PortableModel:
    found = opened(source)
    if found.library != "keras":
        raise UnsupportedError("channels are removed from models of Keras 3, and this is one of tf_keras")
    return found


def _stages(left: float, lesson: str) -> list[Lesson]:
    """Say how to train after each stage, where so much is to be left in the end."""
    plan = read_lesson(lesson)
    count = max(1, math.ceil(math.log(left) / math.log(_AT_ONCE)))
    # The last one counts most: whatever the others learn is cut again.
    shares = [0.5 / (count - 1)] * (count - 1) + [0.5] if count > 1 else [1.0]
    return [replace(plan, limit_s=share * plan.limit_s) for share in shares]


def _narrower(model: Any, sparsity: float, multiple_of: int) -> Any:
    """Prune in the multiples that were asked for, or in smaller ones where nothing would go."""
    while True:
        try:
            return prune(model, sparsity, multiple_of=multiple_of)
        except OptionError:
            if multiple_of == 1:
                raise
            multiple_of //= 2
