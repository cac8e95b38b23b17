"""Parameters say little about work: few can be used often, and many only once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.records.explanation import Evidence, FindingRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.diagnosis.findings.seen import Seen
    from inferspeed_magic.records.counts import LayerCount, ModelCount

CAUSE = "flops_not_parameters"
#: A model has clearly fewer parameters up to this share of the other's, about as many operations from the second, and
#: is about as slow from the third.
_FEWER = 0.7
_AS_MANY = 0.75
_AS_SLOW = 0.75
_ONCE = 1.5


def compare(smaller: Seen, larger: Seen) -> Iterator[FindingRecord]:
    """Compare a model with fewer parameters with one that has more."""
    one, other = smaller.count, larger.count
    if one is None or other is None or not other.params or not other.flops or one.params > _FEWER * other.params:
        return
    share, expected = one.flops / other.flops, one.params / other.params
    if share < _AS_MANY or not smaller.inside_ms >= _AS_SLOW * larger.inside_ms:
        return
    busiest = max(one.layers, key=lambda layer: layer.flops)
    yield FindingRecord(
        cause=CAUSE,
        model=smaller.model,
        sentence=(
            f"{smaller.model} has {100 * expected:.2g}% of the parameters of {larger.model} and {share:.0%} of its "
            f"FLOPs{_uses(one, other, larger.model)}"
        ),
        evidence=(
            Evidence(f"parameters of {smaller.model}", float(one.params)),
            Evidence(f"parameters of {larger.model}", float(other.params)),
            Evidence(f"operations of {smaller.model}", one.flops / 1e6, "MFLOP"),
            Evidence(f"operations of {larger.model}", other.flops / 1e6, "MFLOP"),
        ),
        confidence=0.95 if share >= 1 else 0.8,
        # What it would save if its operations had shrunk as its parameters did.
        explained_ms=max(0.0, smaller.operators_ms * (1 - expected / share)),
        advice=(
            f"shrink what {busiest.layer or busiest.kind} works on: fewer channels at full resolution, or a stride "
            "before it"
        ),
    )


def _uses(one: ModelCount, other: ModelCount, name: str) -> str:
    """Say how often the layers that matter use their parameters, where both multiply by theirs."""
    busiest = max(one.layers, key=lambda layer: layer.macs)
    heaviest = max(other.layers, key=lambda layer: layer.params)
    if not (busiest.params and busiest.macs and heaviest.macs and busiest.layer and heaviest.layer):
        return ""
    return (
        f": {busiest.layer} alone uses each of its {busiest.params:,} parameters {_times(busiest)}, and "
        f"{heaviest.layer} of {name} uses its {heaviest.params:,} parameters {_times(heaviest)}"
    )


def _times(layer: LayerCount) -> str:
    used = layer.macs / layer.params
    return "once" if used < _ONCE else f"{used:,.0f} times"
