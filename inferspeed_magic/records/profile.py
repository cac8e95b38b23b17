"""The outcome of one ``profile``: plain data, enough to draw the report again without measuring."""

from __future__ import annotations

from dataclasses import dataclass

from inferspeed_magic.records.machine import Machine
from inferspeed_magic.records.request import Request
from inferspeed_magic.records.result import Result

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class ProfileRecord:
    """Everything a report shows.

    Attributes:
        request: what was asked for, with defaults filled in.
        machine: where it ran.
        results: one for each candidate, in the order model, batch size, runtime.
        baseline: what speed-ups refer to, in words (``deep/keras.predict``), or None.
        created: local time of the start, ISO 8601.
        elapsed_s: from request to report.
        first_numbers_s: from request to the first number shown.
        interrupted: whether the user stopped the run; the results are then partial.
        notes: sentences that concern the whole run.
        version: of inferspeed_magic.
        schema_version: of this record.
    """

    request: Request
    machine: Machine
    results: tuple[Result, ...]
    baseline: str | None
    created: str
    elapsed_s: float
    first_numbers_s: float | None = None
    interrupted: bool = False
    notes: tuple[str, ...] = ()
    version: str = ""
    schema_version: int = SCHEMA_VERSION
