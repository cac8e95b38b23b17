"""Frozen records: what flows from the magic line to the panel. They know nothing of runtimes, clocks or notebooks."""

from inferspeed_magic.records.machine import Gpu, Machine, RuntimeStatus
from inferspeed_magic.records.measurement import Block, Measurement, ServerTrial
from inferspeed_magic.records.profile import ProfileRecord
from inferspeed_magic.records.request import Request
from inferspeed_magic.records.result import Interval, Result, Status, Summary

__all__ = [
    "Block",
    "Gpu",
    "Interval",
    "Machine",
    "Measurement",
    "ProfileRecord",
    "Request",
    "Result",
    "RuntimeStatus",
    "ServerTrial",
    "Status",
    "Summary",
]
