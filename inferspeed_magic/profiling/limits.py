"""Bounds on what a worker may take. Generous: they are for hangs and leaks, not for slow models."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from inferspeed_magic.measurement.allotment import BYTES_PER_MB, memory_mb


@dataclass(frozen=True)
class Limits:
    """Bounds in seconds and MB.

    Attributes:
        import_s: importing a runtime's library.
        convert_s: one conversion.
        open_s: loading, compiling and the first inferences of one candidate.
        turn_s: a turn, on top of twenty times what it is expected to take.
        memory_share: of the memory that is free at the start; a worker that takes more is ended.
    """

    import_s: float = 180.0
    convert_s: float = 600.0
    open_s: float = 600.0
    turn_s: float = 60.0
    memory_share: float = 0.85

    def memory_mb(self) -> float:
        """Return the resident memory that one worker may have; a container's own limit counts too."""
        free_bytes = min(float(psutil.virtual_memory().available), memory_mb() * BYTES_PER_MB)
        return free_bytes / 1e6 * self.memory_share


LIMITS = Limits()
