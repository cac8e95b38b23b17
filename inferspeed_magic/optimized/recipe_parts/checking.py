"""Run what was made, and compare its outputs with those of the original model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.optimized.recipe_parts.script import BATCH_SIZE, INPUTS

if TYPE_CHECKING:
    from pathlib import Path


def example(expected: Path | None) -> tuple[list[Any], list[Any]]:
    """Return one batch of inputs, and what the original model makes of it: nothing where that was not kept."""
    if expected is None or not expected.exists():
        sizes = [(BATCH_SIZE, *(size or 1 for size in each["shape"])) for each in INPUTS]
        return [np.ones(size, each["dtype"]) for size, each in zip(sizes, INPUTS, strict=True)], []
    with np.load(expected, allow_pickle=False) as file:
        given = {name: np.resize(file[name], (BATCH_SIZE, *file[name].shape[1:])) for name in file.files}
    inputs = [given[f"input_{position}"].astype(each["dtype"]) for position, each in enumerate(INPUTS)]
    return inputs, [given[f"output_{position}"] for position in range(len(given) - len(inputs))]


def relative_error(outputs: list[Any], expected: list[Any]) -> float:
    """Return the largest deviation of any output, relative to the largest magnitude in it.

    Of outputs that are no floats, the share that differs.
    """
    errors = []
    for mine, theirs in zip(outputs, expected, strict=True):
        if theirs.dtype.kind == "f":
            errors.append(float(np.abs(mine - theirs).max() / max(np.abs(theirs).max(), 1e-30)))
        else:
            errors.append(float(np.mean(mine != theirs)))
    return max(errors)
