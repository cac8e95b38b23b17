"""What a technique would bring, from what the model has to do and what the machine can do: before any conversion.

Each layer takes the longer of two times: that of its arithmetic at the machine's peak rate and that of its bytes at the
bandwidth of the level where they lie (the roofline model: Williams, Waterman & Patterson, CACM 52(4), 2009). A
technique changes both. What was measured of the model as it is and neither explains (poor kernels, exponentials, waits)
shrinks along in the optimistic case and stays in the pessimistic one; calls and operators cost what they cost before.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from inferspeed_magic.diagnosis.roofline import compute_ceiling, memory_ceiling
from inferspeed_magic.records.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inferspeed_magic.records.ceilings import Ceilings
    from inferspeed_magic.records.counts import LayerCount, ModelCount
    from inferspeed_magic.records.prediction import Effect

#: Of the time.
_MOST = 0.5
#: Of the multiply-accumulates: layers without fast kernels take ten times as long, so that few of them count.
_FEW = 0.03
_FLOAT_BITS = 32
#: How far ceilings that a model beats widen what is expected, at most.
_LEAST, _MOST_GAINED = 0.1, 8.0
#: What is converted for every product is read in 32 bits and written in 8.
_CONVERTED_BITS = 40


def expect(
    count: ModelCount, ceilings: Ceilings, runtime: str, latency_us: float, effect: Effect
) -> tuple[Interval | None, str]:
    """Say how much faster a technique would make a model on a runtime.

    Args:
        count: what the model has to do for one inference.
        ceilings: of the machine.
        runtime: that the technique is for.
        latency_us: of the model as it is on that runtime, measured.
        effect: what the technique changes.

    Returns:
        Latency before over latency after, between its pessimistic and its optimistic end (None for slower, by a factor
        that nothing foretells), and the reason.
    """
    if "float32" not in ceilings.gflop_per_s:
        return None, ""
    settled = _without_times(count, ceilings, effect)
    if settled is not None:
        return settled
    layers = [layer for layer in count.layers if not _is_fused(layer)]
    before, after = _working_sets(count, effect)
    roofs = _Roofs(ceilings, before)
    fixed_us = min(_starting_us(ceilings, runtime, sum(layer.kernels > 0 for layer in layers)), latency_us)
    explained = sum(roofs.time_us(layer) for layer in layers)
    left = sum(_changed_us(layer, roofs._replace(working_set_bytes=after), effect) for layer in layers)
    if not (explained > 0 and math.isfinite(explained) and math.isfinite(left)):
        return None, ""
    # Ceilings that the model beats were measured too low, or its bytes lie nearer than they seem to: so much is unsure.
    scale = min(1.0, (latency_us - fixed_us) / explained)
    unexplained_us = max(0.0, latency_us - fixed_us - scale * explained)
    staying = latency_us / (fixed_us + scale * left + unexplained_us)
    shrinking = latency_us / (fixed_us + left / explained * (latency_us - fixed_us))
    low, high = sorted((staying, shrinking))
    doubt = math.sqrt(max(scale, _LEAST))
    gain = Interval(math.sqrt(low * high), min(low, max(low * doubt, 1.0)), max(high, min(high / doubt, _MOST_GAINED)))
    return gain, _reason(effect, roofs, layers, fixed_us / latency_us)


def _without_times(count: ModelCount, ceilings: Ceilings, effect: Effect) -> tuple[Interval | None, str] | None:
    """Say what is known whatever layers take: traps, and what changes no arithmetic; None for everything else."""
    if effect.slow:
        return None, effect.slow
    slow = [layer for layer in count.layers if any(part in layer.kind for part in effect.slow_for)]
    share = sum(layer.macs for layer in slow) / max(1, count.macs)
    if share > _FEW:
        kinds = " and ".join(dict.fromkeys(layer.kind for layer in slow if layer.macs))
        return None, f"{share:.0%} of the multiply-accumulates are in {kinds}, which has no fast kernels for it"
    if effect.products not in ceilings.gflop_per_s:
        emulated = any(sentence.startswith(f"{effect.products}: left out") for sentence in ceilings.how)
        reason = f"products in {effect.products} are no faster than in float32 here"
        return (Interval(1.0, 1.0, 1.0), reason) if emulated else (None, "")
    if effect.products == "float32" and effect.weight_bits == effect.activation_bits == _FLOAT_BITS:
        return Interval(1.0, 1.0, 1.0), "weights are unpacked when the file is loaded, and computed with in float32"
    return None


class _Roofs(NamedTuple):
    """What holds layers back.

    Attributes:
        ceilings: of the machine.
        working_set_bytes: of the whole model, which decides where its weights lie.
    """

    ceilings: Ceilings
    working_set_bytes: float

    def time_us(self, layer: LayerCount, precision: str = "float32") -> float:
        """Give the longer of the times of arithmetic and of memory."""
        compute, memory = self._each_us(layer, precision)
        return max((each for each in (compute, memory) if each is not None), default=math.nan)

    def computes(self, layer: LayerCount) -> bool:
        """Tell whether arithmetic takes longer than memory."""
        compute, memory = self._each_us(layer, "float32")
        return compute is not None and (memory is None or compute >= memory)

    def _each_us(self, layer: LayerCount, precision: str) -> tuple[float | None, float | None]:
        compute = compute_ceiling(layer, self.ceilings, precision)
        memory = memory_ceiling(layer, self.ceilings, self.working_set_bytes)
        return compute and compute.time_us, memory and memory.time_us


def _working_sets(count: ModelCount, effect: Effect) -> tuple[float, float]:
    """Bytes of all weights and activations, as they are and as the technique leaves them."""
    shrunk = sum(
        layer.weight_bytes
        / max(1, layer.steps)
        * (effect.weight_bits / _FLOAT_BITS if _touches(effect, layer) else 1.0)
        for layer in count.layers
    )
    activations = count.activation_bytes * effect.activation_bits / _FLOAT_BITS
    return float(count.weight_bytes + count.activation_bytes), shrunk + activations


def _touches(effect: Effect, layer: LayerCount) -> bool:
    """Tell whether a technique changes the products of a layer; steps of recurrent layers gain next to nothing."""
    return layer.macs > 0 and layer.steps == 1 and not (effect.dense_only and "Conv" in layer.kind)


def _changed_us(layer: LayerCount, roofs: _Roofs, effect: Effect) -> float:
    """Give the time of a layer as the technique leaves it, in microseconds."""
    touched = _touches(effect, layer)
    weights = effect.weight_bits / _FLOAT_BITS if touched else 1.0
    activations = effect.activation_bits / _FLOAT_BITS
    moved = layer.bytes_read - layer.weight_bytes
    changed = replace(
        layer,
        weight_bytes=round(layer.weight_bytes * weights),
        bytes_read=round(layer.weight_bytes * weights + moved * activations),
        bytes_written=round(layer.bytes_written * activations),
    )
    spent = roofs.time_us(changed, effect.products if touched else "float32")
    if effect.converts and touched:
        spent += moved * _CONVERTED_BITS / _FLOAT_BITS / roofs.ceilings.bandwidth_gb_per_s(moved) / 1e3
    return spent


def _is_fused(layer: LayerCount) -> bool:
    """Tell layers that every runtime does together with the one before: element by element, from one input."""
    return layer.macs == 0 and 0 < layer.bytes_written == layer.bytes_read - layer.weight_bytes


def _starting_us(ceilings: Ceilings, runtime: str, operators: int) -> float:
    """Cost of one call and of starting its operators, whatever they compute."""
    costs = next((each for each in ceilings.dispatch if each.runtime == runtime), None)
    return 0.0 if costs is None else costs.per_call_us + operators * costs.per_operator_us


def _reason(effect: Effect, roofs: _Roofs, layers: Sequence[LayerCount], fixed_share: float) -> str:
    """Name what takes most of the time, and what becomes of it."""
    if fixed_share > _MOST:
        return f"{fixed_share:.0%} of the time are the call and the start of operators, which stay as they are"
    whole_us = sum(roofs.time_us(layer) for layer in layers)

    def share(kind: Callable[[LayerCount], bool]) -> float:
        return sum(roofs.time_us(layer) for layer in layers if kind(layer)) / whole_us

    if share(lambda layer: layer.steps > 1) > _MOST:
        return "most of the time are the steps of recurrent layers, one after the other, which gain little"
    touched = share(lambda layer: _touches(effect, layer))
    if touched < _MOST and effect.activation_bits == _FLOAT_BITS:
        return f"{1 - touched:.0%} of what has to be done is in layers that it leaves as they are"
    computing = share(roofs.computes)
    if computing <= _MOST:
        weighty = sum(layer.weight_bytes for layer in layers) > sum(layer.bytes_written for layer in layers)
        bits = effect.weight_bits if weighty else effect.activation_bits
        what = "weights" if weighty else "activations"
        return (
            f"{1 - computing:.0%} of what has to be done is moving bytes, most of them {what}, which take {bits} bits"
        )
    if effect.products == "float32":
        return f"{computing:.0%} of what has to be done is arithmetic, which stays in float32"
    rate = roofs.ceilings.gflop_per_s[effect.products] / roofs.ceilings.gflop_per_s["float32"]
    return (
        f"{computing:.0%} of what has to be done is arithmetic, at up to {rate:.2g} times the rate in {effect.products}"
    )
