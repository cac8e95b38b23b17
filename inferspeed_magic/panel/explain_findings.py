"""Findings as cards: what was found, on which numbers it rests, what to do, and what that brings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from inferspeed_magic.panel.explain_layers import models_of
from inferspeed_magic.panel.explain_numbers import compared_words, confidence_words, gain_words
from inferspeed_magic.panel.explain_parts import Card
from inferspeed_magic.panel.numbers import interval_range, number
from inferspeed_magic.panel.parts import Cell, Column, Sheet, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inferspeed_magic.panel.identity import Identity
    from inferspeed_magic.panel.numbers import TimeUnit
    from inferspeed_magic.records import Evidence, ExplanationRecord, FindingRecord

_ROWS_NAMED = 3
#: Units as people write them.
_UNITS = {"us": "µs"}


def cards(record: ExplanationRecord, looks: Mapping[str, Identity], unit: TimeUnit) -> tuple[Card, ...]:
    """Make a card for each finding, in the record's order."""
    return tuple(_card(place, finding, record, looks, unit) for place, finding in enumerate(record.findings))


def names_in(record: ExplanationRecord) -> tuple[str, ...]:
    """Give the words that are names, and stay as they are at the beginning of a sentence."""
    runtimes = (each.runtime for each in record.profile.results)
    return (*models_of(record), *runtimes, *record.profile.request.runtimes)


def _sentence(text: str, names: Sequence[str]) -> str:
    line = one_line(text)
    first = line.partition(" ")[0].rstrip(",:")
    is_name = any(line.startswith(one_line(name)) for name in names if name.strip()) or not first.isalpha()
    line = line if is_name else line[:1].upper() + line[1:]
    return line if not line or line.endswith((".", "!", "?")) else f"{line}."


def _card(
    place: int, finding: FindingRecord, record: ExplanationRecord, looks: Mapping[str, Identity], unit: TimeUnit
) -> Card:
    names = names_in(record)
    model = one_line(finding.model)
    explained = finding.explained_ms
    counts = math.isfinite(explained) and explained > 0
    return Card(
        number=place + 1,
        model=finding.model,
        subject=model if len(looks) > 1 else "",
        identity=looks[finding.model],
        cause=one_line(finding.cause).replace("_", " "),
        sentence=_sentence(finding.sentence, names),
        evidence=_evidence(finding.evidence),
        evidence_words=tuple(_words(each) for each in finding.evidence),
        confidence=confidence_words(finding.confidence),
        explains=f"{number(explained * unit.per_ms)} {unit.name}" if counts else "",
        advice=_sentence(finding.advice, names),
        expected=gain_words(finding.expected_gain),
        measured=_measured(finding),
        verify=f"report.findings[{place}].verify()" if finding.check else "",
    )


def _measured(finding: FindingRecord) -> str:
    if finding.measured_gain is None:
        return ""
    said = [gain_words(finding.measured_gain), compared_words(finding.expected_gain, finding.measured_gain)]
    return ", ".join(words for words in said if words) or "no numbers"


def _value(evidence: Evidence) -> str:
    unit = one_line(evidence.unit)
    counted = not unit and math.isfinite(evidence.value) and float(evidence.value).is_integer()
    text = f"{evidence.value:,.0f}" if counted else number(evidence.value)
    return f"{text}%" if unit == "%" else f"{text} {_UNITS.get(unit, unit)}".rstrip()


def _words(evidence: Evidence) -> str:
    detail = interval_range(evidence.interval) if evidence.interval else ""
    return " ".join(part for part in (one_line(evidence.what), _value(evidence), detail) if part)


def _rows(evidence: Evidence) -> str:
    named = ", ".join(one_line(each) for each in evidence.rows[:_ROWS_NAMED])
    more = len(evidence.rows) - _ROWS_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _evidence(evidence: Sequence[Evidence]) -> Sheet:
    if not evidence:
        return Sheet("")
    columns = [Column("what", "evidence", "name", numeric=False), Column("value", "value", "latency")]
    if any(each.rows for each in evidence):
        columns.append(Column("rows", "seen in", "name", numeric=False))
    rows = []
    for each in evidence:
        detail = interval_range(each.interval) if each.interval else ""
        cells = [Cell(one_line(each.what)), Cell(_value(each), each.value, detail=detail)]
        rows.append((*cells, Cell(_rows(each)))[: len(columns)])
    return Sheet("evidence", tuple(columns), tuple(rows))
