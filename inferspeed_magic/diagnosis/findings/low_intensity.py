"""Operators that move much and compute little: normalization, activations, depthwise convolutions, transposes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.records.explanation import Evidence, FindingRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.diagnosis.findings.seen import Layer, Seen
    from inferspeed_magic.records.ceilings import Ceilings

CAUSE = "low_intensity_operators"
_MATTERS = 0.3
_SURE = 0.5
#: Of the ridge point to main memory, and FLOP per byte where no ceilings were measured. Layers that read mostly weights
#: are not meant.
_LOW = 0.5
_LOW_INTENSITY = 5.0
#: Nothing that large stays in a cache.
_BEYOND_CACHES = 1e12


def find(seen: Seen) -> Iterator[FindingRecord]:
    """Look for layers whose activations cost more than their arithmetic."""
    layers = [layer for layer in seen.layers if is_low(layer, seen.ceilings)]
    spent_ms = sum(layer.ms for layer in layers)
    if not layers or spent_ms < _MATTERS * seen.operators_ms:
        return
    flops = sum(layer.count.flops for layer in layers)
    total = max(1, sum(layer.count.flops for layer in seen.layers))
    kinds = list(dict.fromkeys(layer.count.kind for layer in sorted(layers, key=lambda layer: -layer.ms)))
    yield FindingRecord(
        cause=CAUSE,
        model=seen.model,
        sentence=(
            f"{', '.join(kinds[:3])} layers take {spent_ms / seen.operators_ms:.0%} of the time inside {seen.inside} "
            f"for {flops / total:.0%} of the operations: they move activations more than they compute"
        ),
        evidence=(
            Evidence("time in these layers", spent_ms, "ms", rows=tuple(layer.count.layer for layer in layers[:5])),
            Evidence("their share of the operations", 100 * flops / total, "%"),
        ),
        confidence=0.85 if spent_ms > _SURE * seen.operators_ms else 0.65,
        explained_ms=spent_ms,
        advice="let the runtime fuse them (batch norm and ReLU right behind a convolution), or do without some of them",
    )


def is_low(layer: Layer, ceilings: Ceilings | None) -> bool:
    """Whether a layer waits for its activations: not for weights, arithmetic, steps, or operators that are to start.

    Its arithmetic intensity is held against the ridge point of main memory (Williams et al. 2009), as everywhere: near
    caches only move the point from which on moving costs more than computing.

    Args:
        layer: with its counts and its time.
        ceilings: of the machine; None where they were not measured.
    """
    count = layer.count
    activations = count.bytes_read - count.weight_bytes + count.bytes_written
    if (
        not layer.ms
        or count.steps > 1
        or count.weight_bytes > activations
        or layer.time.bound in ("compute", "overhead")
    ):
        return False
    ridge = ceilings.ridge_point("float32", _BEYOND_CACHES) if ceilings else float("nan")
    return count.flops < (_LOW * ridge if ridge > 0 else _LOW_INTENSITY) * activations
