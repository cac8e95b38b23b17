"""How much multiplying layers do with weights that channels are counted along."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from inferspeed_magic.pruning.groups import sliced

if TYPE_CHECKING:
    from inferspeed_magic.pruning.tracing import Trace


def multiplications(trace: Trace) -> int:
    """Count the multiplications of one sample, from shapes alone; sizes that are not known count as one.

    Args:
        trace: of a model.
    """
    weights = {
        id(each.weight): (layer, each.weight)
        for layer, each, _ in sliced(trace)
        if "Embedding" not in type(layer).__name__  # which looks up
    }
    return sum(math.prod(weight.shape) * positions(layer) for layer, weight in weights.values())


def positions(layer: Any) -> int:
    """Count the places that a layer's weights are used at: pixels of what it makes, or steps of what it reads.

    Args:
        layer: of Keras 3.
    """
    try:
        steps = hasattr(layer, "cell") or hasattr(layer, "forward_layer")
        shape = layer.input.shape if steps else layer.output.shape
    except Exception:  # noqa: BLE001  (several calls or outputs; once is a lower bound)
        return 1
    sizes = [size for size in shape[1:-1] if size] if isinstance(shape, tuple) else []
    return math.prod(sizes) if all(isinstance(size, int) for size in sizes) else 1
