"""Which widths of layers a runtime's kernels like: multiples of 16, say. Measured in worker processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.measurement.dispatch_cost import inferring
from inferspeed_magic.measurement.fastest import fastest_ns, take_turns
from inferspeed_magic.runtimes.base import Lowering, from_reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: What kernels may like: as many channels as vectors have numbers, from Neon's 4 to AVX-512's 16.
_STEPS = (16, 8, 4)
#: Once and three times each step, and half a step beside.
_TIMES = (1, 3)
_LARGEST = 64
WIDTHS = tuple(
    sorted(
        {
            width
            for step in _STEPS
            for times in _TIMES
            for width in (times * step - step // 2, times * step, times * step + step // 2)
            if times * step + step // 2 <= _LARGEST
        }
    )
)
#: As much faster per operation than their neighbours are widths that a kernel likes.
_WORTH = 1.13
#: What is saved may fall short by as much.
_NEARLY = 1.05
_TURN_S = 0.002


def latencies(
    _state: dict[str, Any], *, runtime: str, threads: int, models: Sequence[dict[str, Any]], budget_s: float
) -> dict[str, float]:
    """Measure the same convolutions at many widths, in turns.

    Args:
        _state: of the process.
        runtime: reference to it, ``module:name``.
        threads: for one inference.
        models: as ``write_onnx_widths`` describes them.
        budget_s: seconds for the timing.

    Returns:
        Nanoseconds of the fastest runs, by width as text.
    """
    maker = from_reference(runtime)
    contestants = {}
    for model in models:
        lowering = Lowering(threads=threads, batch_size=model["shape"][0])
        session = maker.compile(maker.load(model["path"], lowering), lowering)
        contestants[str(model["width"])] = inferring(session, model["shape"])
    take_turns(list(contestants.values()), budget_s, turn_s=_TURN_S)
    return {width: fastest_ns(each.durations_ns) for width, each in contestants.items()}


def step(latencies_ns: Mapping[int, float]) -> int:
    """Tell of which number widths have to be multiples to be run well.

    A width is liked where a layer of it needs less time per operation than the mean of two others, as far below as
    above. Kernels that compute 16 channels at once need as long for 24 as for 32. Some of them save at least what has
    fewer inputs: then half of that does as well, and leaves more widths to choose from.

    Args:
        latencies_ns: of the same square convolutions (as many channels in as out), by width.

    Returns:
        The largest of 16, 8 and 4 which, once and three times, is at least 13% better in the mean than widths half of
        it away; half of it, but not less than 4, where that will do; 1 where there is none.
    """
    rates = {width: width**2 / ns for width, ns in latencies_ns.items() if ns > 0}
    for wide in _STEPS:
        half = wide // 2
        gains = [
            2 * rates[middle] / (rates[middle - half] + rates[middle + half])
            for middle in (times * wide for times in _TIMES)
            if {middle - half, middle, middle + half} <= rates.keys()
        ]
        if gains and np.mean(gains) >= _WORTH:
            saves = _saves(latencies_ns, _TIMES[-1] * wide - half, _TIMES[-1] * wide)
            return half if saves and half >= _STEPS[-1] else wide
    return 1


def _saves(latencies_ns: Mapping[int, float], narrow: int, wide: int) -> bool:
    """Tell whether a narrower layer saves time in proportion to its inputs, although it computes as many outputs."""
    known = {narrow, wide} <= latencies_ns.keys()
    return known and latencies_ns[narrow] <= _NEARLY * narrow / wide * latencies_ns[wide]
