"""Where a layer stands between the machine's ceilings, and which of them holds it back.

The roofline model (Williams, Waterman & Patterson, "Roofline: an insightful visual performance model for multicore
architectures", CACM 52(4), 2009) with one roof for each level of memory, and one more that counts for small layers:
what the runtime spends on starting operators.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from inferspeed_magic.records.ceilings import Ceilings
    from inferspeed_magic.records.counts import LayerCount
    from inferspeed_magic.records.explanation import Bound, LayerTime

LEAST_SHARE: Final = 0.25
"""A layer that reaches less of every ceiling than this is held back by something that no ceiling shows."""

_NOISE: Final = 1.25
"""How much faster than a ceiling a layer may seem: both are measured, and bandwidth is between measured sizes."""

_IMPOSSIBLE: Final = 2.0
"""From here on it is not noise: the count does not describe what ran."""

_LOOPS: Final = frozenset({"loop", "scan", "while", "tensoriterator"})
"""Operators that run others again and again: ONNX's, LiteRT's and OpenVINO's."""


class Ceiling(NamedTuple):
    """The time that a layer would take if nothing but this held it back.

    Attributes:
        bound: what it is.
        time_us: microseconds.
        level: of memory, for ``memory``.
    """

    bound: Bound
    time_us: float
    level: str | None = None


def placed(  # noqa: PLR0917 - two of what was found, four of what it is held against
    layer_time: LayerTime,
    count: LayerCount,
    ceilings: Ceilings,
    precision: str,
    working_set_bytes: float,
    dispatch_us: float,
) -> LayerTime:
    """Say what holds a layer back, and how near it is to that ceiling.

    Each ceiling gives a time that the layer cannot beat: its products at the peak rate, its bytes at the bandwidth of
    the level that they come from, its operators at the cost of starting them. The ceiling whose time is the longest
    is the one that counts, and the share is that time over the measured one. Two of them at about the same height
    share the blame; the higher one is named.

    Nothing is named (``bound`` and ``level`` None) where the share is below ``LEAST_SHARE``: the layer then waits for
    what no ceiling shows (a poor kernel, exponentials, single elements, other threads, cores that it does not use),
    and any of the three words would be wrong. ``ceiling_share`` is that of the nearest ceiling all the same: "reaches
    8% of what the machine can do" is true. Everything is None for layers without a time of their own.

    Args:
        layer_time: of the layer, in microseconds.
        count: what it has to do, together with the layers that are fused into it; in bytes of the artifact that
            runs (a layer in int8 reads a quarter of what it reads in float32).
        ceilings: of the machine, at the number of threads that the layer was timed with.
        precision: that products are computed in; one that the machine does not compute in counts as float32.
        working_set_bytes: what is read between two uses of the same weights, which decides where they lie: the
            weights of the *whole* model, and its activations. When this layer's turn comes again, every other layer
            has been read meanwhile; a small layer of a large model reads its weights from memory. Its activations,
            however, were just written by the layer before: for them only their own size counts.
        dispatch_us: what the runtime spends on an operator that does nothing; NaN or 0 where that is not known.

    Returns:
        The same, with ``bound``, ``level`` and ``ceiling_share`` (0-1) filled in.
    """
    time_us = layer_time.time_us
    if layer_time.fused_into is not None or not (math.isfinite(time_us) and time_us > 0):
        return replace(layer_time, bound=None, level=None, ceiling_share=None)
    candidates = [
        _compute_that_fits(time_us, count, ceilings, precision),
        _memory_that_fits(time_us, count, ceilings, working_set_bytes),
        _dispatch_that_fits(time_us, count, layer_time.operators, dispatch_us),
    ]
    known = [each for each in candidates if each is not None and math.isfinite(each.time_us) and each.time_us > 0]
    if not known:
        return replace(layer_time, bound=None, level=None, ceiling_share=None)
    nearest = max(known, key=lambda each: each.time_us)
    share = min(1.0, nearest.time_us / time_us)
    if share < LEAST_SHARE:
        return replace(layer_time, bound=None, level=None, ceiling_share=share)
    return replace(layer_time, bound=nearest.bound, level=nearest.level, ceiling_share=share)


def compute_ceiling(count: LayerCount, ceilings: Ceilings, precision: str) -> Ceiling | None:
    """Time of the arithmetic at the peak rate: products in the precision, everything else in float32.

    None where the machine's rate is not known. Optimistic for what is no product (an exponential counts as few
    operations and takes many): a ceiling, never too low.
    """
    single = ceilings.gflop_per_s.get("float32", math.nan)
    products = 2.0 * count.macs
    # The counted precision may be one that nothing here computes in: values are converted, and float32 does the work.
    time_ns = products / ceilings.gflop_per_s.get(precision, single)
    rest = max(0.0, count.flops - products)
    if rest:
        time_ns += rest / single
    return None if math.isnan(time_ns) else Ceiling("compute", time_ns / 1e3)


def memory_ceiling(count: LayerCount, ceilings: Ceilings, working_set_bytes: float) -> Ceiling | None:
    """Time to move the layer's bytes: weights from where the model lies, activations from where they fit.

    Writing is counted at the bandwidth of reading, which is the higher one. The level is that from which the bytes
    that take longer come. None where no bandwidth is known.
    """
    activation_bytes = max(0.0, count.bytes_read - count.weight_bytes) + count.bytes_written
    weights, activations = (
        ceilings.bandwidth(size)
        for size in (max(working_set_bytes, count.weight_bytes / max(1, count.steps)), activation_bytes)
    )
    if weights is None or activations is None:
        return None
    weights_us = count.weight_bytes / weights.gb_per_s / 1e3
    activations_us = activation_bytes / activations.gb_per_s / 1e3
    level = weights.level if weights_us >= activations_us else activations.level
    return Ceiling("memory", weights_us + activations_us, level)


def _compute_that_fits(time_us: float, count: LayerCount, ceilings: Ceilings, precision: str) -> Ceiling | None:
    """Return the compute ceiling; None where the layer is far faster than it, and so did something else."""
    found = compute_ceiling(count, ceilings, precision)
    return None if found is None or found.time_us > _IMPOSSIBLE * time_us else found


def _memory_that_fits(
    time_us: float, count: LayerCount, ceilings: Ceilings, working_set_bytes: float
) -> Ceiling | None:
    """Return the memory ceiling, from the slowest level that the measured time does not refute.

    A layer that took less time than reading its bytes from memory would have taken did not read them from memory:
    they lay in a faster level (another part of the model is used rarely, or the cache is larger than the machine
    says). None where even the fastest level would have taken longer: then the bytes were not moved at all, since the
    layer was fused into its neighbours, and their number says nothing.
    """
    found = memory_ceiling(count, ceilings, working_set_bytes)
    smaller = [each.working_set_bytes for each in ceilings.bandwidths if each.working_set_bytes < working_set_bytes]
    while found is not None and found.time_us > _NOISE * time_us:
        if not smaller:
            return None
        # Not below the layer's own weights: they are read as a whole.
        found = memory_ceiling(count, ceilings, smaller.pop())
    return found


def dispatch_ceiling(count: LayerCount, operators: tuple[str, ...], dispatch_us: float) -> Ceiling | None:
    """Cost of starting the layer's operators: of those that ran, where that is known, else of those that it has.

    Runtimes fuse operators (a convolution with its bias and activation), and may have one for a whole recurrent layer:
    fewer run than the graph has. Only where they run a loop is each step's count what runs. ``operators`` names kinds,
    so several of one kind may count once: then the ceiling is low, and a layer is called overhead-bound too rarely.
    """
    if not dispatch_us > 0:
        return None
    started = count.kernels if _runs_as_counted(operators) else len(operators)
    return Ceiling("overhead", started * dispatch_us)


def _dispatch_that_fits(
    time_us: float, count: LayerCount, operators: tuple[str, ...], dispatch_us: float
) -> Ceiling | None:
    """Return the dispatch ceiling; None where the count of operators that did not run refutes itself.

    An operator that ran and took no longer than an empty one is held back by its start, however short it was.
    """
    found = dispatch_ceiling(count, operators, dispatch_us)
    if found is not None and _runs_as_counted(operators) and found.time_us > _IMPOSSIBLE * time_us:
        return None
    return found


def _runs_as_counted(operators: tuple[str, ...]) -> bool:
    return not operators or any(kind.lower() in _LOOPS for kind in operators)
