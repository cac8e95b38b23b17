"""The record as a pandas table, for those who go on calculating: one row per result, nothing rounded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from inferspeed_magic.records import ProfileRecord, Result

# The order is public (design.md); types are fixed, so that a column means the same in a report where all is missing.
_TYPES = {
    "model": "object",
    "runtime": "object",
    "technique": "object",
    "variant": "object",
    "batch_size": "int64",
    "device": "object",
    "threads": "int64",
    "precision": "object",
    "status": "object",
    "reason": "object",
    "p50_ms": "float64",
    "p50_low_ms": "float64",
    "p50_high_ms": "float64",
    "p90_ms": "float64",
    "p95_ms": "float64",
    "p99_ms": "float64",
    "samples": "int64",
    "throughput_samples_per_s": "float64",
    "speedup": "float64",
    "speedup_low": "float64",
    "speedup_high": "float64",
    "load_ms": "float64",
    "compile_ms": "float64",
    "first_inference_ms": "float64",
    "peak_memory_mb": "float64",
    "artifact_mb": "float64",
    "relative_error": "float64",
    "accuracy": "float64",
    "accuracy_drop": "float64",
    "accuracy_drop_low": "float64",
    "accuracy_drop_high": "float64",
    "held_out_accuracy": "float64",
    "held_out_drop": "float64",
    "rejected": "object",
    "stable": "bool",
    "route": "object",
    "batch_in_file": "object",
    "verdict": "object",
    "warnings": "object",
    "notes": "object",
}


def profile_frame(record: ProfileRecord) -> pd.DataFrame:
    """Make the table; numbers that were not measured are NaN, and so is accuracy, which only ``optimize`` looks at."""
    import pandas as pd

    rows = [_row(result) for result in record.results]
    return pd.DataFrame(
        {column: pd.Series([row[column] for row in rows], dtype=kind) for column, kind in _TYPES.items()}
    )


def _row(result: Result) -> dict[str, Any]:
    """Collect the values; what is missing takes the value that its type has for that."""
    missing: dict[str, Any] = {"float64": math.nan, "int64": 0, "bool": False, "object": None}
    values = {
        **_shared(result, "model", "runtime", "technique", "variant", "batch_size", "device", "threads", "precision"),
        **_shared(result, "status", "reason", "artifact_mb", "relative_error", "route", "batch_in_file"),
        "rejected": result.rejected,
        **_shared(result.measurement, "load_ms", "compile_ms", "first_inference_ms", "peak_memory_mb"),
        **_shared(result.summary, "p90_ms", "p95_ms", "p99_ms", "samples", "throughput_samples_per_s"),
        **_shared(result.summary, "stable", "verdict"),
        "warnings": "; ".join(result.summary.warnings if result.summary else ()),
        "notes": "; ".join(result.notes),
    }
    if result.selection:
        drop = result.selection.drop
        values |= {"accuracy": result.selection.value, "accuracy_drop": drop.value}
        values |= {"accuracy_drop_low": drop.low, "accuracy_drop_high": drop.high}
    if result.held_out:
        values |= {"held_out_accuracy": result.held_out.value, "held_out_drop": result.held_out.drop.value}
    if result.summary:
        p50, speedup = result.summary.p50_ms, result.summary.speedup
        values |= {"p50_ms": p50.value, "p50_low_ms": p50.low, "p50_high_ms": p50.high}
        if speedup:
            values |= {"speedup": speedup.value, "speedup_low": speedup.low, "speedup_high": speedup.high}
    return {column: missing[kind] if values.get(column) is None else values[column] for column, kind in _TYPES.items()}


def _shared(source: object, *names: str) -> dict[str, Any]:
    """Take the attributes that go by the same name in the table."""
    return {name: getattr(source, name, None) for name in names}
