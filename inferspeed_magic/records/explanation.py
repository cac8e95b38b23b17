"""The outcome of one ``explain``: where the time goes, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from inferspeed_magic.records.ceilings import Ceilings
from inferspeed_magic.records.counts import ModelCount
from inferspeed_magic.records.interval import Interval
from inferspeed_magic.records.profile import SCHEMA_VERSION, ProfileRecord

Bound = Literal["compute", "memory", "overhead"]


@dataclass(frozen=True)
class LayerTime:
    """What a layer takes in one runtime.

    Attributes:
        model: name of the model.
        layer: as in ``LayerCount``.
        runtime: that was profiled.
        time_us: median over inferences, of what the runtime's profiler measured, less what the profiler spends on
            itself.
        low_us, high_us: 95% interval of it.
        operators: kinds of the operators that ran for it.
        fused_into: the layer whose operator does this layer's work, too; its time stands there.
        bound: what keeps it from being faster; None where that is not known.
        level: for memory-bound layers the level of memory: ``L2``, ``L3``, ``memory``.
        ceiling_share: achieved share of the ceiling that bounds it, 0-1.
    """

    model: str
    layer: str
    runtime: str
    time_us: float
    low_us: float
    high_us: float
    operators: tuple[str, ...] = ()
    fused_into: str | None = None
    bound: Bound | None = None
    level: str | None = None
    ceiling_share: float | None = None


@dataclass(frozen=True)
class ProfileOverhead:
    """What looking at operators costs, and what it did not see.

    Attributes:
        model, runtime: which candidate.
        share: how much slower an inference is while it is profiled, as a share.
        unmapped_share: of the profiled time, what no layer accounts for.
        outside_share: of the plain latency, what lies outside of all operators (call, framework).
    """

    model: str
    runtime: str
    share: Interval
    unmapped_share: float
    outside_share: float


@dataclass(frozen=True)
class CallPath:
    """One way to call a model, taken apart.

    Attributes:
        model: its name.
        way: name of the runtime.
        latency_ms: of one inference.
        parts: name of a part (``python``, ``dispatch``, ``transfer``, ``compute``) and its milliseconds.
        call_ms: what a model without work, with the same inputs, takes on this way; None where it was not measured.
    """

    model: str
    way: str
    latency_ms: Interval
    parts: tuple[tuple[str, float], ...]
    call_ms: Interval | None = None


@dataclass(frozen=True)
class OperatorKinds:
    """What a runtime runs for a model, by kind of operator.

    Attributes:
        model, runtime, technique: which candidate.
        kinds: kind, microseconds in one inference, number of calls; those that take longest first.
        inserted: the same for those that stand for nothing in the file: what the runtime put in by itself.
    """

    model: str
    runtime: str
    technique: str
    kinds: tuple[tuple[str, float, int], ...]
    inserted: tuple[tuple[str, float, int], ...] = ()


@dataclass(frozen=True)
class WeightFacts:
    """What the weights of a model hold.

    Attributes:
        model: its name.
        zero_share: of the values of kernels, those that are exactly zero, 0-1; tables of lookups are left out.
        subnormal_share: of the weights or activations, those that are subnormal, whichever is more, 0-1.
        constant_outputs: whether the outputs are the same for different inputs, or no numbers.
        packed_share: of the parameters, those that are stored in few bits and unpacked for every product, 0-1.
        packed_as: in which form they are stored (``int4``); empty where none are.
    """

    model: str
    zero_share: float
    subnormal_share: float
    constant_outputs: bool = False
    packed_share: float = 0.0
    packed_as: str = ""


@dataclass(frozen=True)
class BatchFit:
    """Latency over batch size, as a fixed cost and a cost per sample.

    Attributes:
        model, runtime: which candidate.
        points: batch size and its latency in ms.
        fixed_ms: what a call costs however many samples it has.
        per_sample_ms: what each sample adds.
        fits: whether the line passes through the points' intervals.
    """

    model: str
    runtime: str
    points: tuple[tuple[int, Interval], ...]
    fixed_ms: Interval
    per_sample_ms: Interval
    fits: bool


@dataclass(frozen=True)
class Counterfactual:
    """The same model under another circumstance, run.

    Attributes:
        model, runtime: which candidate.
        what: the circumstance, as a slug: ``one_thread``, ``all_threads``, ``int8``, ``without_slowest_layer``,
            ``weights_fit_cache``, ``no_subnormals`` ...
        detail: what was changed, in words.
        before_ms, after_ms: latency as it is, and in the circumstance; in turns within one run.
        ratio: after / before.
        expected_ms: where layers were taken out, what the profile of the layers lets expect in place of ``after_ms``;
            None for everything else.
    """

    model: str
    runtime: str
    what: str
    detail: str
    before_ms: Interval
    after_ms: Interval
    ratio: Interval
    expected_ms: float | None = None


@dataclass(frozen=True)
class Evidence:
    """A number that a finding rests on.

    Attributes:
        what: in words.
        value: the number.
        unit: ``ms``, ``us``, ``%``, ``GFLOP`` ...; ``""`` for a count.
        interval: 95%, where it was measured.
        rows: names of the candidates or layers that it was taken from.
    """

    what: str
    value: float
    unit: str = ""
    interval: Interval | None = None
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class FindingRecord:
    """One reason why a model takes the time that it takes.

    Attributes:
        cause: a slug: ``call_overhead``, ``memory_bound`` ...
        model: that it is about; for a comparison the one that is slower than expected.
        sentence: what was found, in one sentence.
        evidence: numbers that it rests on.
        confidence: 0-1.
        explained_ms: of the latency, what this accounts for; findings are ordered by it.
        advice: what to do.
        expected_gain: factor by which the latency would fall (before / after); None where nothing is promised.
        check: name of the experiment that verifies it, and its settings.
        measured_gain: what the experiment found, once it was run.
    """

    cause: str
    model: str
    sentence: str
    evidence: tuple[Evidence, ...]
    confidence: float
    explained_ms: float
    advice: str
    expected_gain: Interval | None = None
    check: tuple[str, ...] = ()
    measured_gain: Interval | None = None


@dataclass(frozen=True)
class ExplanationRecord:
    """Everything that one ``explain`` found; a panel is drawn from this alone.

    Attributes:
        profile: of the models on the call paths that were compared; without results where it was only counted.
        counts: one for each model that could be counted.
        ceilings: of the machine.
        layers: times of layers.
        operators: by kind, of the model as it is and of what techniques made of it.
        weights: what they hold.
        overheads: of profiling.
        call_paths: taken apart.
        fits: latency over batch size.
        counterfactuals: that were run.
        findings: ordered by the time that they explain.
        notes: one sentence each for what could not be looked at.
        other_load: cores that other processes used while it was measured; None where that is not known.
        elapsed_s: what all of it took.
        kind: tells this record from others in a file.
        schema_version: of this record.
    """

    profile: ProfileRecord
    counts: tuple[ModelCount, ...]
    ceilings: Ceilings | None = None
    layers: tuple[LayerTime, ...] = ()
    operators: tuple[OperatorKinds, ...] = ()
    weights: tuple[WeightFacts, ...] = ()
    overheads: tuple[ProfileOverhead, ...] = ()
    call_paths: tuple[CallPath, ...] = ()
    fits: tuple[BatchFit, ...] = ()
    counterfactuals: tuple[Counterfactual, ...] = ()
    findings: tuple[FindingRecord, ...] = ()
    notes: tuple[str, ...] = ()
    other_load: float | None = None
    elapsed_s: float = 0.0
    kind: Literal["explanation"] = "explanation"
    schema_version: int = SCHEMA_VERSION
