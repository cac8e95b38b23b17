"""Many operators with little to do, and loops whose steps wait for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.records.explanation import Evidence, FindingRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.diagnosis.findings.seen import Seen

OPERATORS, DEPTH = "many_small_operators", "sequential_depth"
_MATTERS = 0.4
_SURE = 0.6


def find(seen: Seen) -> Iterator[FindingRecord]:
    """Look at the number of operators, and at layers that take steps."""
    yield from _small(seen)
    yield from _steps(seen)


def _small(seen: Seen) -> Iterator[FindingRecord]:
    kinds = seen.kinds()
    costs = {each.runtime: each for each in seen.ceilings.dispatch} if seen.ceilings else {}
    if kinds is None or seen.inside not in costs or not seen.inside_ms > 0:
        return
    cost = costs[seen.inside]
    calls = sum(number for _, _, number in kinds.kinds)
    estimate_ms = calls * cost.per_operator_us / 1e3
    spent_ms = min(seen.inside_ms, estimate_ms)
    share = spent_ms / seen.inside_ms
    if share < _MATTERS:
        return
    refuted = estimate_ms > seen.inside_ms
    yield FindingRecord(
        cause=OPERATORS,
        model=seen.model,
        sentence=(
            f"{seen.inside} runs {calls} operators one after the other, and starting one costs about "
            f"{cost.per_operator_us:.2g} us here: "
            f"{'nearly all' if refuted else f'{share:.0%}'} of the {seen.inside_ms:.3g} ms, whatever they compute"
        ),
        evidence=(
            Evidence("operators", float(calls)),
            Evidence("cost of starting one", cost.per_operator_us, "us"),
            Evidence("their sum", spent_ms, "ms"),
        ),
        confidence=0.6 if refuted else 0.85 if share >= _SURE else 0.65,
        explained_ms=spent_ms,
        advice="fewer and wider layers: the same work in half as many operators saves half of this",
    )


def _steps(seen: Seen) -> Iterator[FindingRecord]:
    layers = [layer for layer in seen.layers if layer.count.steps > 1]
    spent_ms = sum(layer.ms for layer in layers)
    if not spent_ms or spent_ms < _MATTERS * seen.operators_ms:
        return
    longest = max(layers, key=lambda layer: layer.ms)
    steps = longest.count.steps
    yield FindingRecord(
        cause=DEPTH,
        model=seen.model,
        sentence=(
            f"{spent_ms / seen.operators_ms:.0%} of the time inside {seen.inside} goes into recurrent layers: in "
            f"{longest.count.layer} {steps} steps wait for each other, {longest.ms * 1e3 / steps:.2g} us each"
        ),
        evidence=(
            Evidence("time in recurrent layers", spent_ms, "ms", rows=tuple(layer.count.layer for layer in layers)),
            Evidence(f"steps of {longest.count.layer}", float(steps)),
            Evidence("operations of one step", longest.count.flops / steps / 1e3, "kFLOP"),
        ),
        confidence=0.9 if spent_ms > _SURE * seen.operators_ms else 0.7,
        explained_ms=spent_ms,
        advice="fewer time steps (stride or pool before it), or layers that see all steps at once (convolutions)",
    )
