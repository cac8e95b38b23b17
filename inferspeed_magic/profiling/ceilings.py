"""What the machine can do at most: measured once, and kept in the user's cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.profiling.ceiling_parts import Parts
from inferspeed_magic.profiling.kept_numbers import KeptNumbers
from inferspeed_magic.records.ceilings import Ceilings

if TYPE_CHECKING:
    from collections.abc import Callable

    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.records.machine import Machine
    from inferspeed_magic.workers.crew import Crew


def ceilings(
    crew: Crew,
    limits: Limits,
    machine: Machine,
    threads: int,
    tell: Callable[[str], None] | None = None,
    *,
    anew: bool = False,
    measure: bool = True,
) -> Ceilings | None:
    """Return the highest rates of products, the bandwidths and the cost of dispatch, of the CPU.

    Measured in about six seconds the first time, and found in the user's cache afterwards, as long as the processor,
    its cores and the libraries are the same. What could not be measured completely is not kept. Rates and bandwidths
    are by CPU time, so that a neighbour who had the machine meanwhile does not make them too low for weeks; the cost of
    dispatch is by wall time, of the fastest runs, and may be too high then: measure anew.

    Args:
        crew: that workers belong to; none is started where the cache has an answer.
        limits: of workers.
        machine: that this is.
        threads: at which it is measured.
        tell: is told what is being measured.
        anew: measure whatever the cache holds, and replace it.
        measure: whether they are measured where they are not known; otherwise None is returned then.
    """
    kept = KeptNumbers("ceilings", machine, threads)
    if not anew:
        known = kept.read(Ceilings)
        if known is not None or not measure:
            return known
    parts = Parts(crew, limits, machine, threads, tell or (lambda _: None))
    found = parts.measure()
    if parts.complete:
        kept.write(found)
    return found
