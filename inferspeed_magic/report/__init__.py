"""What the verbs hand back: a record, and every way to look at it."""

from inferspeed_magic.report.explanation import ExplainReport
from inferspeed_magic.report.optimization import OptimizeReport
from inferspeed_magic.report.profile import Report
from inferspeed_magic.report.saved import load_report

__all__ = ["ExplainReport", "OptimizeReport", "Report", "load_report"]
