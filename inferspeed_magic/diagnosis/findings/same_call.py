"""A smaller model takes as long as a larger one, because both are called in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.records.explanation import Evidence, FindingRecord
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.diagnosis.findings.seen import Seen

CAUSE = "call_overhead"
#: A model is clearly smaller up to this share of the other's operations or parameters, and about as slow from the
#: second share of its latency.
_SMALLER = 0.7
_AS_SLOW = 0.8
_DOMINATES = 0.5


def compare(smaller: Seen, larger: Seen) -> Iterator[FindingRecord]:
    """Compare a model that has less to do, or less to hold, with another one on the way that users call both."""
    way, one, other = smaller.way, smaller.count, larger.count
    if way is None or way != larger.way or one is None or other is None or not other.params or not other.flops:
        return
    lighter = min(one.params / other.params, one.flops / other.flops)
    paths = smaller.path(way), larger.path(way)
    if lighter > _SMALLER or paths[0] is None or paths[1] is None:
        return
    before, theirs = paths[0].latency_ms, paths[1].latency_ms
    call, their_call = paths[0].call_ms, paths[1].call_ms
    if call is None or their_call is None:
        return
    fastest = smaller.fastest
    shares = [call.value / before.value, their_call.value / theirs.value]
    faster = before.value < _AS_SLOW * theirs.value and before.high < theirs.low
    if faster or min(shares) < _DOMINATES or fastest in (None, way):
        return
    after = smaller.latencies[str(fastest)]
    less = "parameters" if one.params / other.params == lighter else "FLOPs"
    yield FindingRecord(
        cause=CAUSE,
        model=smaller.model,
        sentence=(
            f"{smaller.model} has {100 * lighter:.2g}% of the {less} of {larger.model} and takes {before.value:.3g} ms "
            f"on {way} against {theirs.value:.3g} ms, because one call costs {call.value:.3g} ms even for a model "
            "without any work"
        ),
        evidence=(
            Evidence(f"{smaller.model} on {way}", before.value, "ms", before, (f"{smaller.model}/{way}",)),
            Evidence(f"{larger.model} on {way}", theirs.value, "ms", theirs, (f"{larger.model}/{way}",)),
            Evidence(f"a model without work, with the same inputs, on {way}", call.value, "ms", call),
            Evidence(f"{smaller.model} on {fastest}", after.value, "ms", after, (f"{smaller.model}/{fastest}",)),
            *(
                Evidence(f"{larger.model} on {fastest}", each.value, "ms", each, (f"{larger.model}/{fastest}",))
                for name, each in larger.latencies.items()
                if name == fastest
            ),
        ),
        confidence=0.95 if min(call.low / before.high, their_call.low / theirs.high) >= _DOMINATES else 0.7,
        # Of both models: it comes before what is said of each of them.
        explained_ms=max(min(call.value, before.value), min(their_call.value, theirs.value)),
        advice=f"call it on {fastest}{_what_shows(after, larger.latencies.get(str(fastest)))}",
        expected_gain=Interval(before.value / after.value, before.low / after.high, before.high / after.low),
        check=("runtime", way, str(fastest)),
    )


def _what_shows(after: Interval, theirs: Interval | None) -> str:
    """Say whether the smaller model is the faster one where the call no longer hides it."""
    if theirs is None:
        return ""
    if after.high < theirs.low:
        return ": there the smaller model is the faster one"
    return ", where the work of the models decides, of which the other findings tell"
