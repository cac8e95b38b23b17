"""What the runtime put into the graph by itself: layout conversions, casts, copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.records.explanation import Evidence, FindingRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.diagnosis.findings.seen import Seen

CAUSE = "unsupported_operators"
_MATTERS = 0.15
_SURE = 0.3
#: Of ONNX Runtime and OpenVINO; what moves values by the model's own will is no finding.
_MOVING = {
    *("Reorder", "ReorderInput", "ReorderOutput", "MemcpyToHost", "MemcpyFromHost", "Transpose", "Cast", "Convert"),
}


def find(seen: Seen) -> Iterator[FindingRecord]:
    """Look for operators that the file does not have, and that only move values or change their type."""
    kinds = seen.kinds()
    if kinds is None:
        return
    whole_us = sum(spent for _, spent, _ in kinds.kinds)
    moving = [each for each in kinds.inserted if each[0] in _MOVING]
    spent_us = sum(spent for _, spent, _ in moving)
    if not whole_us or spent_us < _MATTERS * whole_us:
        return
    share = spent_us / whole_us
    named = ", ".join(f"{number} {kind}" for kind, _, number in moving[:3])
    yield FindingRecord(
        cause=CAUSE,
        model=seen.model,
        sentence=(
            f"{share:.0%} of the operators' time in {kinds.runtime} goes into what it put in by itself to change "
            f"layout or type ({named}): its kernels want another one than their neighbours have"
        ),
        evidence=(
            Evidence("share of these operators", 100 * share, "%"),
            *(Evidence(f"{kind}, {number} of them", spent / 1e3, "ms") for kind, spent, number in moving[:3]),
        ),
        confidence=0.8 if share > _SURE else 0.6,
        explained_ms=share * seen.operators_ms,
        advice="try another runtime: layouts are its own choice",
    )
