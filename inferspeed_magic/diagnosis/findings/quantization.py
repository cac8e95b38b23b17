"""Why int8 brings nothing here, where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.records.explanation import Evidence, FindingRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.diagnosis.findings.seen import Seen

UNFUSED, INSTRUCTIONS = "unfused_quantization", "missing_instructions"
#: int8 helps from this speed-up on.
_HELPS = 1.1
_MATTERS = 0.15
_COMPUTES = 0.5
_INT8_INSTRUCTIONS = ("AVX-512 VNNI", "AVX-VNNI", "AMX-INT8", "dotprod", "i8mm")
_CONVERTING = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "FakeQuantize", "Quantize", "Dequantize"}
#: One before the first operator and one behind the last are what int8 needs.
_NEEDED = 2


def find(seen: Seen) -> Iterator[FindingRecord]:
    """Look at the model in int8, where that was run and did not help."""
    changed = seen.changed("int8")
    if changed is None or changed.ratio.value < 1 / _HELPS:
        return
    yield from _pairs(seen)
    yield from _instructions(seen)


def _pairs(seen: Seen) -> Iterator[FindingRecord]:
    changed, kinds = seen.changed("int8"), seen.kinds("post_training_static")
    if changed is None or kinds is None:
        return
    whole_us = sum(spent for _, spent, _ in kinds.kinds)
    converting = [each for each in kinds.kinds if each[0] in _CONVERTING]
    spent_us = sum(spent for _, spent, _ in converting)
    calls = sum(number for _, _, number in converting)
    if not whole_us or spent_us < _MATTERS * whole_us or calls <= _NEEDED:
        return
    yield FindingRecord(
        cause=UNFUSED,
        model=seen.model,
        sentence=(
            f"static int8 takes {changed.after_ms.value:.3g} ms in place of {changed.before_ms.value:.3g} ms on "
            f"{changed.runtime}: {calls} operators that convert between int8 and float32 are left in the graph, and "
            f"take {spent_us / whole_us:.0%} of its operators' time"
        ),
        evidence=(
            Evidence("in float32", changed.before_ms.value, "ms", changed.before_ms),
            Evidence("in int8", changed.after_ms.value, "ms", changed.after_ms),
            Evidence("operators that convert", float(calls)),
            Evidence("their time", spent_us / 1e3, "ms"),
        ),
        confidence=0.85,
        explained_ms=0.0,  # of the time that the model takes as it is
        advice="leave it in float32 on this runtime, or try int8 on another one",
    )


def _instructions(seen: Seen) -> Iterator[FindingRecord]:
    changed = seen.changed("int8")
    missing = [name for name in _INT8_INSTRUCTIONS if name in seen.machine.instruction_sets_missing]
    has = any(name in seen.machine.instruction_sets for name in _INT8_INSTRUCTIONS)
    computing_ms = sum(layer.ms for layer in seen.layers if layer.time.bound == "compute")
    # Where nothing is known of the processor, nothing is missing.
    if changed is None or has or not missing or computing_ms < _COMPUTES * seen.operators_ms or not computing_ms:
        return
    ratio = changed.ratio.value
    brings = f"gains {1 / ratio:.2f}x" if ratio < 1 else f"takes {ratio:.2f} times as long"
    yield FindingRecord(
        cause=INSTRUCTIONS,
        model=seen.model,
        sentence=(
            f"int8 {brings} here: arithmetic bounds the model, and the processor lacks {', '.join(missing)}, so int8 "
            "products take several instructions each"
        ),
        evidence=(
            Evidence("in float32", changed.before_ms.value, "ms", changed.before_ms),
            Evidence("in int8", changed.after_ms.value, "ms", changed.after_ms),
        ),
        confidence=0.8,
        explained_ms=0.0,  # of the time that the model takes as it is
        advice="expect int8 to pay on processors with VNNI or dotprod; on this one reduce operations",
    )
