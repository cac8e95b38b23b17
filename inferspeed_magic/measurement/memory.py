"""Peak resident memory of this process. Runs in worker processes."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path


def reset_peak() -> None:
    """Set the peak back to the current value (Linux; elsewhere the peak is that of the whole process).

    Source: proc(5), /proc/pid/clear_refs.
    """
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")


def peak_resident_mb() -> float | None:
    """Peak resident memory in MB (10^6 bytes), or None where the system does not tell."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return float(line.split()[1]) * 1024 / 1e6
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
