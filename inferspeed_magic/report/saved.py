"""Reports read back from files."""

from __future__ import annotations

import os
from pathlib import Path

from inferspeed_magic.errors import UserError
from inferspeed_magic.records import ExplanationRecord, OptimizationRecord
from inferspeed_magic.records.json_form import from_json
from inferspeed_magic.report.explanation import ExplainReport
from inferspeed_magic.report.optimization import OptimizeReport
from inferspeed_magic.report.profile import Report


def load_report(path: str | os.PathLike[str]) -> Report:
    """Read a report that ``save`` wrote; what ``optimize`` and ``explain`` saved comes back as theirs."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read {os.fspath(path)!r}: {error.strerror or error}") from None
    except ValueError:
        raise UserError(f"{os.fspath(path)!r} is not a saved report: it is no text file") from None
    try:
        record = from_json(text)
    except UserError as error:
        raise UserError(f"cannot read {os.fspath(path)!r}: {error}") from None
    if isinstance(record, ExplanationRecord):
        return ExplainReport(record)
    return OptimizeReport(record) if isinstance(record, OptimizationRecord) else Report(record)
