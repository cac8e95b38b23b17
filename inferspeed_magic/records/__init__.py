"""Frozen records: what flows from the magic line to the panel. They know nothing of runtimes, clocks or notebooks."""

from inferspeed_magic.records.accuracy import Accuracy, Metric
from inferspeed_magic.records.interval import Interval
from inferspeed_magic.records.machine import Gpu, Machine, RuntimeStatus
from inferspeed_magic.records.measurement import Block, Measurement, ServerTrial
from inferspeed_magic.records.optimization import (
    DataSplit,
    Goal,
    LayerSensitivity,
    LeftOut,
    OptimizationRecord,
    PathStep,
    Target,
)
from inferspeed_magic.records.profile import ProfileRecord
from inferspeed_magic.records.request import Request
from inferspeed_magic.records.result import Result, Status, Summary, way

__all__ = [
    "Accuracy",
    "Block",
    "DataSplit",
    "Goal",
    "Gpu",
    "Interval",
    "LayerSensitivity",
    "LeftOut",
    "Machine",
    "Measurement",
    "Metric",
    "OptimizationRecord",
    "PathStep",
    "ProfileRecord",
    "Request",
    "Result",
    "RuntimeStatus",
    "ServerTrial",
    "Status",
    "Summary",
    "Target",
    "way",
]
