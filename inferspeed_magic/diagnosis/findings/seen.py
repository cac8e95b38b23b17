"""What was seen of one model, as the rules look at it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inferspeed_magic.records import (
        CallPath,
        Ceilings,
        Counterfactual,
        ExplanationRecord,
        Interval,
        LayerCount,
        LayerTime,
        Machine,
        ModelCount,
        OperatorKinds,
        WeightFacts,
    )


@dataclass(frozen=True)
class Layer:
    """A layer with what it has to do and what it takes.

    Attributes:
        count: from the graph.
        time: from the runtime's profiler.
        scale: brings a time under the profiler to one without it.
    """

    count: LayerCount
    time: LayerTime
    scale: float = 1.0

    @property
    def ms(self) -> float:
        """Its part of the latency."""
        return self.time.time_us / 1e3 * self.scale


@dataclass(frozen=True)
class Seen:
    """One model of an explanation.

    Attributes:
        record: everything, without findings.
        model: its name.
    """

    record: ExplanationRecord
    model: str

    @property
    def machine(self) -> Machine:
        """Where it was measured."""
        return self.record.profile.machine

    @property
    def ceilings(self) -> Ceilings | None:
        """Of the machine."""
        return self.record.ceilings

    @property
    def threads(self) -> int:
        """Used for one inference."""
        return self.record.profile.request.threads or self.machine.cores_given

    @cached_property
    def batch_size(self) -> int:
        """Samples per inference."""
        return self.record.profile.request.batch_sizes[0]

    @cached_property
    def latencies(self) -> dict[str, Interval]:
        """Runtime and its p50 in ms, for the model as it is."""
        return {
            result.runtime: result.summary.p50_ms
            for result in self.record.profile.results
            if result.model == self.model
            and result.batch_size == self.batch_size
            and result.technique == "none"
            and result.summary is not None
        }

    @property
    def way(self) -> str | None:
        """How users call it: the first runtime asked for that could be measured."""
        return next(iter(self.latencies), None)

    @cached_property
    def fastest(self) -> str | None:
        """The runtime that is fastest with the model as it is."""
        return min(self.latencies, key=lambda way: self.latencies[way].value, default=None)

    def path(self, way: str) -> CallPath | None:
        """Give a way to call it, taken apart."""
        return next((each for each in self.record.call_paths if (each.model, each.way) == (self.model, way)), None)

    @cached_property
    def count(self) -> ModelCount | None:
        """What it has to do."""
        return next((each for each in self.record.counts if each.model == self.model), None)

    @cached_property
    def inside(self) -> str | None:
        """The runtime whose operators were looked at."""
        return next((each.runtime for each in self.record.layers if each.model == self.model), None)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Layers that were counted and timed."""
        timed = {each.layer: each for each in self.record.layers if each.model == self.model}
        counted = self.count.layers if self.count else ()
        profiled_ms = sum(each.time_us for each in timed.values()) / 1e3 / (1.0 - self.unmapped_share)
        # Under a profiler everything takes longer: no part of an inference takes more than all of it.
        scale = min(1.0, self.inside_ms / profiled_ms) if profiled_ms > 0 and self.inside_ms > 0 else 1.0
        return tuple(Layer(each, timed[each.layer], scale) for each in counted if each.layer in timed)

    @cached_property
    def unmapped_share(self) -> float:
        """Of the operators' time, what no layer accounts for; below 1."""
        found = (each.unmapped_share for each in self.record.overheads if each.model == self.model)
        return min(0.999, next(found, 0.0))

    @cached_property
    def inside_ms(self) -> float:
        """Latency on the runtime whose operators were looked at; NaN where none was."""
        latency = self.latencies.get(self.inside or "")
        return latency.value if latency else float("nan")

    @cached_property
    def operators_ms(self) -> float:
        """Time of all operators, those that no layer accounts for too."""
        return sum(layer.ms for layer in self.layers) / (1.0 - self.unmapped_share)

    def kinds(self, technique: str = "none") -> OperatorKinds | None:
        """Give the operators that ran, by kind."""
        return next(
            (each for each in self.record.operators if (each.model, each.technique) == (self.model, technique)), None
        )

    def changed(self, what: str) -> Counterfactual | None:
        """Give a counterfactual that was run."""
        return next(
            (each for each in self.record.counterfactuals if (each.model, each.what) == (self.model, what)), None
        )

    @cached_property
    def precision(self) -> str:
        """What products are computed in on the runtime that was looked into."""
        found = (
            each.precision
            for each in self.record.profile.results
            if (each.model, each.runtime, each.technique) == (self.model, self.inside, "none")
        )
        return next(found, "float32")

    @property
    def weights(self) -> WeightFacts | None:
        """What the weights hold."""
        return next((each for each in self.record.weights if each.model == self.model), None)
