"""How many weights and activations are subnormal: numbers so small that many processors compute with them slowly.

A float32 below 2^-126 in magnitude (1.2e-38) that is not zero is subnormal. Most x86 processors handle such operands in
microcode, a hundred cycles each (Intel 64 and IA-32 Architectures Optimization Reference Manual, "Denormals"); training
with strong decay and magnitude pruning leave them behind. Runtimes that flush them to zero do not suffer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable


def subnormal_share(arrays: Iterable[np.ndarray[Any, Any]]) -> float:
    """Return the share of all elements that are subnormal, 0 to 1; arrays that are not floats do not count."""
    subnormal = total = 0
    for array in arrays:
        if array.dtype.kind != "f" or not array.size:
            continue
        magnitude = np.abs(array)
        subnormal += int(np.count_nonzero((magnitude > 0) & (magnitude < np.finfo(array.dtype).tiny)))
        total += array.size
    return subnormal / total if total else 0.0
