"""More threads do not help, or they hurt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.records.explanation import Evidence, FindingRecord
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.diagnosis.findings.seen import Seen

CAUSE = "poor_parallelism"
#: Speed-up over one thread that each further one has to bring to pay.
_EACH = 0.15


def find(seen: Seen) -> Iterator[FindingRecord]:
    """Compare one thread with all."""
    seen_alone = seen.changed("one_thread")
    if seen_alone is None:
        return
    # What one thread takes, as a multiple of what all take.
    gained = seen_alone.ratio
    hurts = gained.high < 1.0
    # Where the interval leaves open whether they help, nothing is said.
    if not hurts and not gained.high < 1.0 + _EACH * (seen.threads - 1):
        return
    before, after = seen_alone.before_ms, seen_alone.after_ms
    yield FindingRecord(
        cause=CAUSE,
        model=seen.model,
        sentence=(
            f"{seen.threads} threads {'take longer than' if hurts else 'gain next to nothing over'} one on "
            f"{seen_alone.runtime}: {before.value:.3g} ms, and {after.value:.3g} ms with one"
        ),
        evidence=(
            Evidence(f"with {seen.threads} threads", before.value, "ms", before),
            Evidence("with 1 thread", after.value, "ms", after),
        ),
        confidence=0.95 if hurts else 0.75,
        explained_ms=before.value - after.value if hurts else 0.0,
        advice="run it on 1 thread" if hurts else "run it on 1 thread where the others have something else to do",
        # Of the latency: that of one inference gains nothing where the threads merely bring nothing.
        expected_gain=Interval(1 / gained.value, 1 / gained.high, 1 / gained.low) if hurts else None,
        check=("threads", seen_alone.runtime, "1") if hurts else (),
    )
