"""Frozen records: what flows from the magic line to the panel. They know nothing of runtimes, clocks or notebooks."""

from inferspeed_magic.records.accuracy import Accuracy, Metric
from inferspeed_magic.records.ceilings import Bandwidth, Ceilings, DispatchCost
from inferspeed_magic.records.counts import LayerCount, ModelCount
from inferspeed_magic.records.epoch import Epoch
from inferspeed_magic.records.explanation import (
    BatchFit,
    CallPath,
    Counterfactual,
    Evidence,
    ExplanationRecord,
    FindingRecord,
    LayerTime,
    OperatorKinds,
    ProfileOverhead,
    WeightFacts,
)
from inferspeed_magic.records.interval import Interval
from inferspeed_magic.records.machine import Gpu, Machine, RuntimeStatus
from inferspeed_magic.records.measurement import Block, Measurement, ServerTrial
from inferspeed_magic.records.operators import OperatorProfile, OperatorTime
from inferspeed_magic.records.optimization import (
    DataSplit,
    Goal,
    LayerSensitivity,
    LeftOut,
    OptimizationRecord,
    PathStep,
    Target,
)
from inferspeed_magic.records.prediction import Effect, Prediction
from inferspeed_magic.records.profile import ProfileRecord
from inferspeed_magic.records.request import Request
from inferspeed_magic.records.result import Result, Status, Summary, way

__all__ = [
    "Accuracy",
    "Bandwidth",
    "BatchFit",
    "Block",
    "CallPath",
    "Ceilings",
    "Counterfactual",
    "DataSplit",
    "DispatchCost",
    "Effect",
    "Epoch",
    "Evidence",
    "ExplanationRecord",
    "FindingRecord",
    "Goal",
    "Gpu",
    "Interval",
    "LayerCount",
    "LayerSensitivity",
    "LayerTime",
    "LeftOut",
    "Machine",
    "Measurement",
    "Metric",
    "ModelCount",
    "OperatorKinds",
    "OperatorProfile",
    "OperatorTime",
    "OptimizationRecord",
    "PathStep",
    "Prediction",
    "ProfileOverhead",
    "ProfileRecord",
    "Request",
    "Result",
    "RuntimeStatus",
    "ServerTrial",
    "Status",
    "Summary",
    "Target",
    "WeightFacts",
    "way",
]
