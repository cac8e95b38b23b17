"""Where the call takes most of the time, a bigger model costs next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.records.explanation import Evidence, FindingRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.diagnosis.findings.seen import Seen

CAUSE = "bigger_is_free"
#: Growth of the latency that nobody would notice, and the growth of the work that makes it worth saying.
_UNNOTICED = 0.05
_WORTH_SAYING = 1.5
_MANY = 10.0


def find(seen: Seen) -> Iterator[FindingRecord]:
    """Say how much more work fits at the same latency, where the call dominates."""
    path = seen.path(seen.way) if seen.way else None
    if path is None or path.call_ms is None:
        return
    latency = path.latency_ms
    # The most that both intervals leave open.
    compute_ms = latency.high - min(path.call_ms.low, latency.high)
    if not compute_ms > 0:
        return
    times = 1 + _UNNOTICED * latency.value / compute_ms
    if times < _WORTH_SAYING:
        return
    more = f"more than {_MANY:.0f}" if times > _MANY else f"about {times:.2g}"
    yield FindingRecord(
        cause=CAUSE,
        model=seen.model,
        sentence=(
            f"on {path.way} the model's own work takes at most {compute_ms:.2g} of {latency.value:.3g} ms: "
            f"{more} times as much of it would cost {_UNNOTICED:.0%} more"
        ),
        evidence=(
            Evidence(f"one call of {path.way}", latency.value, "ms", latency),
            Evidence("the same without work", path.call_ms.value, "ms", path.call_ms),
        ),
        confidence=0.6,
        explained_ms=0.0,
        advice=f"as long as it is called through {path.way}, making it smaller does not make it faster",
    )
