"""Remove channels from a Keras model, and train what is left, as a step of a conversion."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from inferspeed_magic.errors import OptionError, UnsupportedError
from inferspeed_magic.pruning import prune
from inferspeed_magic.techniques.keras_folder import opened, save
from inferspeed_magic.training import learn, read_lesson

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
    found = opened(source)
    if found.library != "keras":
        raise UnsupportedError("channels are removed from models of Keras 3, and this is one of tf_keras")
    changed, sparsity = found.model, sparsity_percent / 100
    stages = max(1, math.ceil(math.log(1.0 - sparsity) / math.log(_AT_ONCE))) if lesson is not None else 1
    for stage in range(1, stages + 1):
        # Each stage keeps the same share of what the one before left.
        kept = (1.0 - sparsity) ** (1.0 / stages)
        changed = _narrower(changed, 1.0 - kept, multiple_of)
        if lesson is not None:
            plan = read_lesson(lesson)
            # The last one counts most: whatever the others learn is cut again.
            share = (0.5 if stage == stages else 0.5 / (stages - 1)) if stages > 1 else 1.0
            plan = replace(plan, limit_s=share * plan.limit_s)
            changed, _ = learn(changed, found.model, plan, pack=found.pack, log_folder=lesson)
    save(changed, found, source, target)


def _narrower(model: Any, sparsity: float, multiple_of: int) -> Any:
    """Prune in the multiples that were asked for, or in smaller ones where nothing would go."""
    while True:
        try:
            return prune(model, sparsity, multiple_of=multiple_of)
        except OptionError:
            if multiple_of == 1:
                raise
            multiple_of //= 2
