"""Most of the time passes in layers that the same ceiling bounds (memory, arithmetic), or far below every ceiling."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from inferspeed_magic.diagnosis.findings.low_intensity import is_low
from inferspeed_magic.records.explanation import Evidence, FindingRecord
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.diagnosis.findings.seen import Layer, Seen

MEMORY, ARITHMETIC, NEITHER = "memory_bound", "compute_bound", "inefficient_kernels"
_NEAR = ("L1d", "L2")
#: Of the operators' time.
_MATTERS = 0.4
_SURE = 0.7
#: A gain that is worth an advice.
_WORTH_IT = 1.05
_MAPS = "make the maps between the layers smaller (strides earlier, fewer channels at full resolution)"
_FEWER = "fewer operations: narrower layers, smaller inputs"


def find(seen: Seen) -> Iterator[FindingRecord]:
    """Look at what bounds the layers."""
    if not seen.operators_ms:
        return
    for bound, write in (("memory", _memory), ("compute", _arithmetic), (None, _neither)):
        layers = [layer for layer in seen.layers if layer.time.bound == bound and layer.time.ceiling_share is not None]
        layers = [layer for layer in layers if not _has_another_reason(layer, seen)]
        spent_ms = sum(layer.ms for layer in layers)
        share = spent_ms / seen.operators_ms
        if share >= _MATTERS:
            yield write(seen, layers, spent_ms, share)


def _has_another_reason(layer: Layer, seen: Seen) -> bool:
    """Whether what bounds a layer is not why it takes its time."""
    if layer.count.steps > 1:  # steps that wait for each other read their weights from a near cache
        return layer.time.bound is None or layer.time.level in _NEAR
    # Moving more than computing is a reason; far from every ceiling is none.
    return layer.time.bound is None and is_low(layer, seen.ceilings)


def _memory(seen: Seen, layers: list[Layer], spent_ms: float, share: float) -> FindingRecord:
    times: Counter[str] = Counter()
    for layer in layers:
        times[layer.time.level or "memory"] += int(layer.time.time_us * 1e3)
    level = times.most_common(1)[0][0]
    weights = sum(layer.count.weight_bytes for layer in layers)
    moved = sum(layer.count.bytes_read + layer.count.bytes_written for layer in layers)
    reached = moved / (spent_ms / 1e3) / 1e9
    where = "memory" if level == "memory" else f"the {level} cache"
    mostly_weights = weights > moved / 2
    gain = _gain_of_int8(seen)
    return FindingRecord(
        cause=MEMORY,
        model=seen.model,
        sentence=(
            f"{share:.0%} of the time inside {seen.inside} goes into layers that wait for {where}: they move "
            f"{_scaled(moved, 'B')} for {_scaled(sum(layer.count.flops for layer in layers), 'FLOP')}"
        ),
        evidence=(
            Evidence("time in these layers", spent_ms, "ms", rows=_names(layers)),
            Evidence("bytes that they move", moved / 1e6, "MB", rows=_names(layers)),
            Evidence("of these, weights", weights / 1e6, "MB"),
            Evidence("bandwidth that they reach", reached, "GB/s"),
        ),
        confidence=0.9 if share >= _SURE else 0.7,
        explained_ms=spent_ms,
        advice=_memory_advice(gain) if mostly_weights else _MAPS,
        expected_gain=gain if mostly_weights else None,
        check=_try_int8(seen) if mostly_weights and gain else (),
    )


def _arithmetic(seen: Seen, layers: list[Layer], spent_ms: float, share: float) -> FindingRecord:
    flops = sum(layer.count.flops for layer in layers)
    reached = flops / (spent_ms / 1e3) / 1e9
    gain = _gain_of_int8(seen)
    rates = seen.ceilings.gflop_per_s if seen.ceilings else {}
    peak = rates.get(seen.precision, rates.get("float32"))
    near = sum(layer.ms * (layer.time.ceiling_share or 0.0) for layer in layers) / spent_ms
    return FindingRecord(
        cause=ARITHMETIC,
        model=seen.model,
        sentence=(
            f"{share:.0%} of the time inside {seen.inside} is arithmetic: {_scaled(flops, 'FLOP')} at "
            f"{reached:.3g} GFLOP/s{_of_peak(reached, peak, seen)}"
        ),
        evidence=(
            Evidence("time in these layers", spent_ms, "ms", rows=_names(layers)),
            Evidence("operations", flops / 1e6, "MFLOP", rows=_names(layers)),
            Evidence("rate that they reach", reached, "GFLOP/s"),
            *((Evidence("highest rate of this machine", peak, "GFLOP/s"),) if peak else ()),
        ),
        # Far from the ceiling, something else holds it back as well.
        confidence=min(0.9 if share >= _SURE else 0.7, 0.5 + 0.5 * near),
        explained_ms=spent_ms,
        advice=_FEWER + (", or static int8, which was faster here" if gain else ""),
        expected_gain=gain,
        check=_try_int8(seen) if gain else (),
    )


def _neither(seen: Seen, layers: list[Layer], spent_ms: float, share: float) -> FindingRecord:
    reached = [layer.time.ceiling_share or 0.0 for layer in layers]
    kinds = ", ".join(dict.fromkeys(layer.count.kind for layer in sorted(layers, key=lambda layer: -layer.ms)[:5]))
    return FindingRecord(
        cause=NEITHER,
        model=seen.model,
        sentence=(
            f"{share:.0%} of the time inside {seen.inside} goes into {kinds} layers that reach no more than "
            f"{max(reached):.0%} of any ceiling of this machine: what holds them back (kernels that do not suit their "
            "shapes, threads that wait, functions that take many steps) shows in none of them"
        ),
        evidence=(
            Evidence("time in these layers", spent_ms, "ms", rows=_names(layers)),
            Evidence("highest share of a ceiling that one reaches", 100 * max(reached), "%"),
        ),
        confidence=0.4,
        explained_ms=spent_ms,
        **_elsewhere(seen),
    )


def _elsewhere(seen: Seen) -> dict[str, Any]:
    """Advise the runtime that was seen to be faster, if one was."""
    inside, other = str(seen.inside), str(seen.fastest)
    before, after = seen.latencies.get(inside), seen.latencies.get(other)
    if before is None or after is None or not after.high < before.low:
        return {"advice": "none of the other runtimes that were measured is faster: try other shapes of these layers"}
    return {
        "advice": f"use {other}, whose kernels take {after.value:.3g} ms in place of {before.value:.3g} ms",
        "expected_gain": Interval(before.value / after.value, before.low / after.high, before.high / after.low),
        "check": ("runtime", inside, other),
    }


def _of_peak(reached: float, peak: float | None, seen: Seen) -> str:
    if not peak:
        return ""
    used = seen.ceilings.threads if seen.ceilings else seen.threads
    threads = "1 thread reaches" if used == 1 else f"{used} threads reach"
    return f", {reached / peak:.0%} of what {threads} on this machine"


def _gain_of_int8(seen: Seen) -> Interval | None:
    """Give what static int8 brought when it was run; None where it was not, or brought nothing."""
    changed = seen.changed("int8")
    if changed is None or changed.ratio.value > 1 / _WORTH_IT or not changed.ratio.high < 1.0:
        return None
    return Interval(1 / changed.ratio.value, 1 / changed.ratio.high, 1 / changed.ratio.low)


def _try_int8(seen: Seen) -> tuple[str, ...]:
    return ("technique", str(seen.inside), "post_training_static")


def _memory_advice(gain: Interval | None) -> str:
    batch = "run more samples in one call: weights are then read once for all of them"
    return f"store the weights in fewer bits (static int8 was faster here), or {batch}" if gain else batch


def _names(layers: list[Layer]) -> tuple[str, ...]:
    return tuple(layer.count.layer for layer in sorted(layers, key=lambda layer: -layer.ms)[:5])


def _scaled(value: float, unit: str) -> str:
    """Write a count with three digits: ``7.72 GFLOP``."""
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * factor:  # what rounds to 1,000 is 1 of the next
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value:.0f} {unit}"
