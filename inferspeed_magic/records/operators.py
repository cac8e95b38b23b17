"""Where a runtime spends its time, as its own profiler says."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class OperatorTime:
    """One operator as the runtime executes it: fused, reordered, with what it inserted.

    Attributes:
        name: the runtime's.
        kind: ``Conv``, ``FusedMatMul``, ``Reorder`` ...
        latencies_ns: of this operator in each profiled inference (its calls in one inference added up).
        calls: in one inference.
        origins: names of the operators of the file that went into it, and of the weights that these read, first the one
            that it is named after; those lead to layers. Empty for what the runtime inserted.
    """

    name: str
    kind: str
    latencies_ns: tuple[int, ...] = field(repr=False)
    calls: int = 1
    origins: tuple[str, ...] = ()


@dataclass(frozen=True)
class OperatorProfile:
    """All operators of one candidate.

    Attributes:
        runtime: whose.
        operators: in the order of execution.
        latencies_ns: of whole inferences with profiling.
        plain_latencies_ns: of whole inferences without it, in turns with the others.
        facts: what the runtime says of the graph that it runs: partitions, layout conversions.
    """

    runtime: str
    operators: tuple[OperatorTime, ...]
    latencies_ns: tuple[int, ...] = field(repr=False)
    plain_latencies_ns: tuple[int, ...] = field(repr=False)
    facts: tuple[tuple[str, str], ...] = ()
