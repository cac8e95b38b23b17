"""What a teacher answers to the samples: asked once, not in every epoch, and not for longer than there is time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Array = np.ndarray[Any, Any]

#: Of the time for training, what the answers to samples may take, and those to other samples as well.
SHARE, CHECK_SHARE = 0.3, 0.4
#: What they may take in memory.
_MOST_BYTES = 2**31


def answered(
    teacher: Any,
    inputs: Sequence[Array],
    pack: Callable[[Sequence[Array]], Any],
    keras: Any,
    *,
    at_once: int,
    until: float,
    seed: int = 0,
) -> tuple[Array, list[Array]]:
    """Ask a model, in random order: where time or memory end it early, what was answered is of all kinds.

    Args:
        teacher: a Keras 3 model.
        inputs: one array for each input, samples first.
        pack: nests a flat list of inputs as the model takes them.
        keras: the library.
        at_once: samples of one batch.
        until: when to stop, as of ``time.monotonic``; one batch is answered in any case.
        seed: of the order.

    Returns:
        The places of the samples that were answered, in their own order; and an array for each output.
    """
    order = np.random.default_rng(seed).permutation(len(inputs[0]))
    parts: list[list[Array]] = []
    size = 0
    for start in range(0, len(order), at_once):
        places = order[start : start + at_once]
        answers = teacher.predict_on_batch(pack([array[places] for array in inputs]))
        parts.append([np.asarray(leaf) for leaf in keras.tree.flatten(answers)])
        size += sum(array.nbytes for array in parts[-1])
        if time.monotonic() >= until or size >= _MOST_BYTES:
            break
    joined = [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]
    places = order[: len(joined[0])]
    back = np.argsort(places)
    return places[back], [array[back] for array in joined]


def at(nest: Any, places: Array) -> Any:
    """Take the samples at these places out of an array, or out of a list or dictionary of arrays; None of None."""
    if nest is None:
        return None
    if isinstance(nest, dict):
        return {name: array[places] for name, array in nest.items()}
    if isinstance(nest, list):
        # Nothing is copied where all are taken.
        return [array if len(places) == len(array) else array[places] for array in nest]
    return nest[places]
