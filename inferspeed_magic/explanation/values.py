"""Look at the numbers themselves: weights, and whether outputs say anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inferspeed_magic.errors import ModelError
from inferspeed_magic.records import WeightFacts
from inferspeed_magic.sources.weight_values import packed, zero_share

if TYPE_CHECKING:
    from inferspeed_magic.sources.source import Source

#: Inputs that are compared; a model built for one batch size takes that many.
_SAMPLES = 8


def weight_facts(source: Source, seed: int) -> WeightFacts | None:
    """Look at a live model; None for files, whose weights are not at hand.

    Args:
        source: the model; its share of subnormal numbers is known once it was converted.
        seed: of made-up inputs.
    """
    if source.model is None:
        return None
    packed_share, packed_as = packed(source.model)
    return WeightFacts(
        source.name,
        zero_share(source.model),
        source.subnormal_share,
        constant_outputs=_constant(source, seed),
        packed_share=packed_share,
        packed_as=packed_as,
    )


def _constant(source: Source, seed: int) -> bool:
    """Whether different inputs give the same outputs, or none that are numbers."""
    batch = source.signature.fixed_batch or _SAMPLES
    arrays = source.samples(batch, seed)
    inputs = [np.resize(array[:batch], (batch, *array.shape[1:])) for array in arrays]
    try:
        outputs = source.outputs(inputs)
    except ModelError:
        return False
    different = any(len(np.unique(array.reshape(len(array), -1), axis=0)) > 1 for array in inputs)
    return different and all(_says_nothing(array) for array in outputs)


def _says_nothing(output: np.ndarray) -> bool:
    if output.dtype.kind not in "fc" or len(output) < 2:  # noqa: PLR2004  (nothing to compare with)
        return False
    return not np.isfinite(output).any() or bool((output == output[:1]).all())
