"""The call takes longer than the model: ``predict`` in a loop, layers called one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.records.explanation import Evidence, FindingRecord
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.diagnosis.findings.seen import Seen
    from inferspeed_magic.records.explanation import CallPath

CAUSE = "call_overhead"
#: Of the latency: from here on the call dominates.
_DOMINATES = 0.5
#: From here on nothing of the model can be seen in it.
_ALL = 0.97


def find(seen: Seen) -> Iterator[FindingRecord]:
    """Look at the way that users call the model."""
    path = seen.path(seen.way) if seen.way else None
    if path is None or not path.parts or seen.fastest in (None, seen.way):
        return
    compiled = "keras.compiled" in seen.latencies
    overhead_ms = _overhead_ms(path, split=compiled)
    share = overhead_ms / path.latency_ms.value
    if share < _DOMINATES:
        return
    other = str(seen.fastest)
    before, after = path.latency_ms, seen.latencies[other]
    yield FindingRecord(
        cause=CAUSE,
        model=seen.model,
        sentence=_sentence(path, overhead_ms, share, split=compiled),
        evidence=(
            Evidence(f"one call of {path.way}", before.value, "ms", before, (f"{seen.model}/{path.way}",)),
            *_idle(seen, path),
            Evidence(f"the same inference on {other}", after.value, "ms", after, (f"{seen.model}/{other}",)),
        ),
        confidence=_confidence(path),
        explained_ms=overhead_ms,
        advice=_advice(path, other),
        expected_gain=Interval(before.value / after.value, before.low / after.high, before.high / after.low),
        check=("runtime", path.way, other),
    )


def _overhead_ms(path: CallPath, *, split: bool) -> float:
    """Give what the call takes; of eager calls, where a compiled function shows what there is to compute, all of it."""
    if (path.way == "keras.call" and split) or path.call_ms is None:
        return sum(spent for name, spent in path.parts if name != "compute")
    return min(path.call_ms.value, path.latency_ms.value)


def _sentence(path: CallPath, overhead_ms: float, share: float, *, split: bool) -> str:
    whole = f"{share:.0%} of the {path.latency_ms.value:.3g} ms that {path.way} takes"
    if path.way == "keras.call" and split:
        return f"{whole} is Python calling one operator after the other ({overhead_ms:.3g} ms): it grows with layers"
    if path.call_ms is not None and path.call_ms.value >= _ALL * path.latency_ms.value:
        whole = f"the {path.latency_ms.value:.3g} ms that {path.way} takes are the call itself"
        return f"{whole}: a model without any work takes as long"
    return f"{whole} is the call itself ({overhead_ms:.3g} ms), which a model without any work costs, too"


def _idle(seen: Seen, path: CallPath) -> Iterator[Evidence]:
    if path.call_ms is not None:
        words = f"a model without work, with the same inputs, on {path.way}"
        yield Evidence(words, path.call_ms.value, "ms", path.call_ms, (f"{seen.model}/{path.way}",))


def _confidence(path: CallPath) -> float:
    """Sure where even the ends of the intervals leave the call with the larger part."""
    if path.call_ms is None:
        return 0.5
    return 0.95 if path.call_ms.low / path.latency_ms.high >= _DOMINATES else 0.6


def _advice(path: CallPath, other: str) -> str:
    if path.way == "keras.predict":
        return f"call it on {other} for single inferences, or give predict many samples at a time"
    return f"call it on {other}"
