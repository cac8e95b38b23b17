"""How many weights and activations are subnormal: numbers so small that many processors compute with them slowly.

A float32 below 2^-126 in magnitude (1.2e-38) that is not zero is subnormal. Most x86 processors handle such operands in
microcode, a hundred cycles each (Intel 64 and IA-32 Architectures Optimization Reference Manual, "Denormals"); training
with strong decay and magnitude pruning leave them behind. Runtimes that flush them to zero do not suffer.

Runs in worker processes too: the standard library and numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class SubnormalCount:
    """Adds up over arrays."""

    subnormal: int = 0
    total: int = 0

    def add(self, value: Any) -> None:
        """Count the elements of an array; what is not an array of floats does not count."""
        array = np.asarray(value)
        if array.dtype.kind != "f" or not array.size:
            return
        magnitude = np.abs(array)
        self.subnormal += int(np.count_nonzero((magnitude > 0) & (magnitude < np.finfo(array.dtype).tiny)))
        self.total += array.size

    @property
    def share(self) -> float:
        """Share of subnormal elements, 0 to 1."""
        return self.subnormal / self.total if self.total else 0.0
