"""What the weights and activations hold: zeros that no kernel skips, subnormal numbers, outputs that say nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.records.explanation import Evidence, FindingRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.diagnosis.findings.seen import Seen
    from inferspeed_magic.records.explanation import WeightFacts

ZEROS, SUBNORMALS, NOTHING = "unexploited_sparsity", "subnormals", "degenerate_outputs"
PACKED = "storage_only_compression"
_MANY_ZEROS = 0.5
_MANY_SUBNORMALS = 0.001
_MANY_PACKED = 0.1


def find(seen: Seen) -> Iterator[FindingRecord]:
    """Look at the values."""
    facts = seen.weights
    if facts is None:
        return
    if facts.zero_share >= _MANY_ZEROS:
        yield _zeros(seen, facts)
    if facts.subnormal_share >= _MANY_SUBNORMALS:
        yield _subnormals(seen, facts)
    if facts.packed_share >= _MANY_PACKED:
        yield _packed(seen, facts)
    if facts.constant_outputs:
        yield _nothing(seen)


def _zeros(seen: Seen, facts: WeightFacts) -> FindingRecord:
    multiplying_ms = sum(layer.ms for layer in seen.layers if layer.count.macs)
    return FindingRecord(
        cause=ZEROS,
        model=seen.model,
        sentence=(
            f"{facts.zero_share:.0%} of the weights that are multiplied with are zero, and the kernels of "
            f"{seen.inside or 'the runtimes'} are dense: they multiply by all of them"
        ),
        evidence=(Evidence("weights that are zero", 100 * facts.zero_share, "%"),),
        confidence=0.9,
        explained_ms=facts.zero_share * multiplying_ms,
        advice="remove whole channels or units in place of single weights: that makes every kernel's work smaller",
    )


def _subnormals(seen: Seen, facts: WeightFacts) -> FindingRecord:
    without = seen.changed("no_subnormals")
    slower = without is not None and without.ratio.high < 1.0
    many = f"{facts.subnormal_share:.1%} of the weights or activations are subnormal numbers (below 1.2e-38)"
    if without is None:  # what they cost here was not measured
        sentence = (
            f"{many}, with which processors compute several times more slowly, unless a runtime takes them for zero"
        )
    else:
        before, after = f"{without.before_ms.value:.3g} ms", f"{without.after_ms.value:.3g} ms"
        costs = "" if slower else ": here they cost nothing that could be seen"
        sentence = f"{many}; with zeros in their place {without.runtime} takes {after} in place of {before}{costs}"
    return FindingRecord(
        cause=SUBNORMALS,
        model=seen.model,
        sentence=sentence,
        evidence=(
            Evidence("values that are subnormal", 100 * facts.subnormal_share, "%"),
            *((Evidence("without them", without.after_ms.value, "ms", without.after_ms),) if without else ()),
        ),
        confidence=0.9 if slower else 0.5,
        explained_ms=without.before_ms.value - without.after_ms.value if slower and without is not None else 0.0,
        advice="set weights below 1e-30 to zero, and explain both models",
    )


def _packed(seen: Seen, facts: WeightFacts) -> FindingRecord:
    return FindingRecord(
        cause=PACKED,
        model=seen.model,
        sentence=(
            f"layers with {facts.packed_share:.0%} of the parameters store their weights as {facts.packed_as} and "
            "unpack them to float for every product: that makes the file smaller, and the work larger"
        ),
        evidence=(Evidence("parameters that are unpacked", 100 * facts.packed_share, "%"),),
        confidence=0.9,
        explained_ms=0.0,
        advice="keep it where size counts; for speed have %optimize try int8 on the float model that it was made from",
    )


def _nothing(seen: Seen) -> FindingRecord:
    return FindingRecord(
        cause=NOTHING,
        model=seen.model,
        sentence="its outputs are the same for different inputs, or no numbers: the model may be untrained or broken",
        evidence=(),
        confidence=0.9,
        explained_ms=0.0,
        advice="look at its outputs first; how long it takes may change with its weights (zeros, subnormal numbers)",
    )
