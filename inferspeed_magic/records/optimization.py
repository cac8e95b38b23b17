"""The outcome of one ``optimize``: what was measured, and what was chosen for which reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from inferspeed_magic.records.accuracy import Accuracy, Metric
from inferspeed_magic.records.interval import Interval
from inferspeed_magic.records.prediction import Prediction
from inferspeed_magic.records.profile import SCHEMA_VERSION, ProfileRecord

Target = Literal["latency", "throughput", "size", "memory"]


@dataclass(frozen=True)
class Goal:
    """What is looked for.

    Attributes:
        target: what is to be as good as possible.
        max_accuracy_drop: how much worse than the original a candidate may be, in the metric's own sense of a drop.
        max_size_mb, max_memory_mb: bounds on the file and on the peak memory of its process; None for none.
        budget_s: seconds for the whole search.
    """

    target: Target = "latency"
    max_accuracy_drop: float = 0.01
    max_size_mb: float | None = None
    max_memory_mb: float | None = None
    budget_s: float = 300.0


@dataclass(frozen=True)
class DataSplit:
    """What the samples were used for; no sample serves two ends.

    Attributes:
        calibration: samples that ranges were found with.
        selection: samples that candidates were chosen with.
        held_out: samples that only the winners were verified with.
        given: whether the user gave the inputs; otherwise they were made up.
        resolution: the smallest drop that the selection samples can tell from none; NaN where that is not known.
    """

    calibration: int = 0
    selection: int = 0
    held_out: int = 0
    given: bool = True
    resolution: float = float("nan")


@dataclass(frozen=True)
class LeftOut:
    """Candidates that were not tried, and why.

    Attributes:
        what: names of one or several candidates, in words.
        reason: one sentence.
    """

    what: str
    reason: str


@dataclass(frozen=True)
class PathStep:
    """One step on the way from the original to the winner.

    Attributes:
        name: of the candidate that this step ends at, ``model/runtime+technique``.
        words: what was done, in a few words ("ONNX Runtime in place of keras.predict", "static int8").
        p50_ms: of that candidate.
        gain: its speed-up over the step before; None for the first.
        accuracy: on the selection samples; None where it was not looked at.
    """

    name: str
    words: str
    p50_ms: Interval
    gain: Interval | None = None
    accuracy: Accuracy | None = None


@dataclass(frozen=True)
class LayerSensitivity:
    """What it costs to quantize one layer.

    Attributes:
        layer: path of the Keras layer, as far as the operator's name tells.
        error: relative error of the model's outputs when this layer alone is quantized.
        gained_us: microseconds that it takes in float, estimated from its share of the multiply-accumulates: an upper
            bound of what quantizing it gains; None where that is not known.
        kept_in_float: whether the candidate of mixed precision leaves it in float.
    """

    layer: str
    error: float
    gained_us: float | None = None
    kept_in_float: bool = False


@dataclass(frozen=True)
class OptimizationRecord:
    """Everything that the report of ``optimize`` shows.

    Attributes:
        profile: what was measured; its results carry ``selection``, ``held_out`` and ``rejected``.
        goal: what was looked for.
        metric: what accuracy means.
        split: what the data was used for.
        original: name of the candidate that the model is today; speed-ups refer to it.
        best: name of the winner; None where nothing met the goal.
        pareto: names of the candidates that no other one beats in latency and accuracy, the fastest first.
        path: from the original to the winner.
        left_out: what was not tried, and why.
        sensitivity: of layers, the most sensitive first; empty where it was not looked at.
        predictions: what techniques were expected to bring, and what they brought, in the order of trying.
        warnings: what makes the outcome doubtful.
        kind: tells this record from others in a file.
        schema_version: of this record.
    """

    profile: ProfileRecord
    goal: Goal
    metric: Metric
    split: DataSplit
    original: str | None = None
    best: str | None = None
    pareto: tuple[str, ...] = ()
    path: tuple[PathStep, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    sensitivity: tuple[LayerSensitivity, ...] = ()
    predictions: tuple[Prediction, ...] = ()
    warnings: tuple[str, ...] = ()
    kind: Literal["optimization"] = "optimization"
    schema_version: int = SCHEMA_VERSION
