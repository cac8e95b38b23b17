"""Pure functions from raw latencies to what may be said about them: no clock, no file, no runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inferspeed_magic.diagnosis.comparison import Comparison, compare, speedup, speedups
    from inferspeed_magic.diagnosis.intervals import median_interval, throughput_interval
    from inferspeed_magic.diagnosis.percentiles import percentile_ms, samples_needed, supported
    from inferspeed_magic.diagnosis.stability import warnings
    from inferspeed_magic.diagnosis.summary import against, summarize

__all__ = [
    "Comparison",
    "against",
    "compare",
    "median_interval",
    "percentile_ms",
    "samples_needed",
    "speedup",
    "speedups",
    "summarize",
    "supported",
    "throughput_interval",
    "warnings",
]

_HOMES = {
    "Comparison": "comparison",
    "against": "summary",
    "compare": "comparison",
    "median_interval": "intervals",
    "percentile_ms": "percentiles",
    "samples_needed": "percentiles",
    "speedup": "comparison",
    "speedups": "comparison",
    "summarize": "summary",
    "supported": "percentiles",
    "throughput_interval": "intervals",
    "warnings": "stability",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562): a worker that needs ``warm_up`` loads nothing else."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
