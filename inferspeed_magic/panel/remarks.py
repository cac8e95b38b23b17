"""Sentences below the table: what makes numbers doubtful, and what else there is to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.panel.parts import listed, one_line
from inferspeed_magic.panel.ranking import measured

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inferspeed_magic.records import ProfileRecord


def warnings(record: ProfileRecord) -> tuple[str, ...]:
    """Say which numbers are doubtful and why, and what disturbed the machine."""
    several = len({result.batch_size for result in record.results}) > 1
    candidates = measured(record)
    doubts: list[tuple[str, str]] = []
    for candidate in candidates:
        at = f" at batch {candidate.result.batch_size}" if several else ""
        prefix = "" if candidate.summary.stable else "not trustworthy, "
        reasons = candidate.summary.warnings or (("no reason was given",) if prefix else ())
        doubts += [(prefix + why, one_line(candidate.result.name) + at) for why in reasons]
    disturbances = (one_line(sentence) for sentence in record.machine.disturbances)
    return (*_grouped(doubts, len(candidates)), *disturbances)


def notes(record: ProfileRecord) -> tuple[str, ...]:
    """Collect what concerns the run, then what concerns candidates."""
    said = [(note, who) for who, noted in _noted(record) for note in noted]
    everyone = len({result.name for result in record.results})
    return (*(one_line(note) for note in record.notes), *_grouped(said, everyone))


def _noted(record: ProfileRecord) -> list[tuple[str, tuple[str, ...]]]:
    """Name candidates with their batch size where their notes differ from one to the other."""
    notes: dict[str, set[tuple[str, ...]]] = {}
    for result in record.results:
        notes.setdefault(result.name, set()).add(result.notes)
    return [
        (
            one_line(result.name) + (f" at batch {result.batch_size}" if len(notes[result.name]) > 1 else ""),
            result.notes,
        )
        for result in record.results
    ]


def _grouped(said: Iterable[tuple[str, str]], everyone: int) -> tuple[str, ...]:
    """Say the same thing about several candidates once, and name them only where it is not all of them."""
    groups: dict[str, dict[str, list[str]]] = {}
    for sentence, name in said:
        # What differs from candidate to candidate stands behind a colon: numbers.
        what, _, detail = one_line(sentence).partition(": ")
        details = groups.setdefault(what, {}).setdefault(name, [])
        if detail not in details:
            details.append(detail)
    return tuple(_sentence(what, names, everyone) for what, names in groups.items())


def _sentence(what: str, names: dict[str, list[str]], everyone: int) -> str:
    """Name candidates in front if the same is said of them to the letter, else behind, each with its own details."""
    if len({tuple(details) for details in names.values()}) == 1:
        details = "; ".join(next(iter(names.values())))
        who = "all" if 2 < len(names) == everyone else listed(list(names))  # noqa: PLR2004 - two are named
        return f"{who}: {what}" + (f": {details}" if details else "")
    each = ", ".join(f"{name} ({'; '.join(details)})" for name, details in names.items())
    return f"{what}: {each}"
