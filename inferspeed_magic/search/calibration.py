"""The user's own samples for calibration."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import InputError
from inferspeed_magic.sources.inputs import checked
from inferspeed_magic.sources.structure import flatten, pack

if TYPE_CHECKING:
    from inferspeed_magic.sources.source import Source

    Array = np.ndarray[Any, Any]

#: More find no other ranges, and cost time.
MOST = 100


def calibration_inputs(source: Source, given: Any) -> list[Array] | None:
    """Read samples in flat order, 100 at most.

    Args:
        source: the model that they are for.
        given: arrays as the model takes them; or what yields batches or single samples of these, or a function that
            returns one of both; None for none.

    Raises:
        InputError: for what does not fit the model.
    """
    if given is None:
        return None
    found = given() if callable(given) else given
    if not isinstance(found, Iterator):
        return [array[:MOST] for array in _fitted(source, found)]
    parts: list[list[Array]] = []
    for item in islice(found, MOST):
        parts.append(_fitted(source, item))
        if sum(len(part[0]) for part in parts) >= MOST:
            break
    if not parts:
        raise InputError("calibration yields nothing: it has to yield inputs as the model takes them")
    return [np.concatenate(arrays)[:MOST] for arrays in zip(*parts, strict=True)]


def _fitted(source: Source, item: Any) -> list[Array]:
    """Check one batch; what fits with a batch dimension put before it is a single sample."""
    try:
        return checked(source.name, source.signature, item)[1]
    except InputError as error:
        leaves, template = flatten(item)
        try:
            single = pack(template, [np.asarray(leaf)[None] for leaf in leaves])
            return checked(source.name, source.signature, single)[1]
        except (InputError, ValueError):
            raise InputError(f"calibration: {error}") from None
