"""What the machine can do at most, measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bandwidth:
    """How fast a working set is read.

    Attributes:
        working_set_bytes: read again and again.
        gb_per_s: 10^9 bytes per second, all threads together.
        level: where it fits: ``L1d``, ``L2``, ``L3`` or ``memory``.
    """

    working_set_bytes: int
    gb_per_s: float
    level: str


@dataclass(frozen=True)
class DispatchCost:
    """What a runtime spends on an operator that has next to nothing to do.

    Attributes:
        runtime: as in ``--runtime``.
        per_operator_us: slope of the latency over the number of operators in a chain.
        per_call_us: what a call costs that has no operators to speak of.
    """

    runtime: str
    per_operator_us: float
    per_call_us: float


@dataclass(frozen=True)
class Ceilings:
    """Measured at one number of threads.

    Attributes:
        threads: used.
        gflop_per_s: the highest rate of matrix products reached by precision (``float32``, ``float16``, ``bfloat16``,
            ``int8``), in 10^9 operations per second; precisions that nothing here computes in are left out.
        bandwidths: by working set, smallest first.
        dispatch: by runtime.
        how: one sentence for each number's origin.
    """

    threads: int
    gflop_per_s: dict[str, float]
    bandwidths: tuple[Bandwidth, ...] = ()
    dispatch: tuple[DispatchCost, ...] = ()
    how: tuple[str, ...] = ()

    def bandwidth(self, working_set_bytes: float) -> Bandwidth | None:
        """Give the next larger working set that was measured, or the largest; None where none was."""
        larger = [each for each in self.bandwidths if each.working_set_bytes >= working_set_bytes]
        return larger[0] if larger else (self.bandwidths[-1] if self.bandwidths else None)

    def bandwidth_gb_per_s(self, working_set_bytes: float) -> float:
        """Read bandwidth for a working set; NaN where none was measured."""
        found = self.bandwidth(working_set_bytes)
        return found.gb_per_s if found else float("nan")

    def ridge_point(self, precision: str, working_set_bytes: float) -> float:
        """Arithmetic intensity (FLOP/byte) from which on products are compute-bound (Williams et al. 2009)."""
        return self.gflop_per_s.get(precision, float("nan")) / self.bandwidth_gb_per_s(working_set_bytes)
