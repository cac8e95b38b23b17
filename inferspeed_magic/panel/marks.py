"""The badges of a row: baseline, fastest, smallest, and what to beware of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.panel.numbers import number
from inferspeed_magic.panel.parts import Mark, one_line, shortened
from inferspeed_magic.panel.ranking import (
    Measured,
    has_interval,
    is_baseline,
    is_rate_search,
    keeps_up,
    leaders,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.records import ProfileRecord


def marks(candidate: Measured, candidates: tuple[Measured, ...], record: ProfileRecord) -> tuple[Mark, ...]:
    """Give the badges of one candidate."""
    return tuple(_marks(candidate, candidates, record))


def champions(candidates: tuple[Measured, ...], record: ProfileRecord) -> tuple[Measured, ...]:
    """Give those with the lowest p50 of their batch size, nobody else's interval overlapping theirs."""
    return tuple(
        one
        for one in candidates
        if _leads(one, _rivals(one, candidates), record) and len(leaders(_rivals(one, candidates))) == 1
    )


def _marks(candidate: Measured, candidates: tuple[Measured, ...], record: ProfileRecord) -> Iterator[Mark]:
    if is_baseline(candidate.result, record):
        yield Mark("baseline", "baseline")
    everyone = _rivals(candidate, candidates)
    same_model = [one for one in everyone if one.result.model == candidate.result.model]
    if _leads(candidate, everyone, record):
        yield Mark("fastest", _lead_word(everyone))
    elif len(same_model) < len(everyone) and _leads(candidate, same_model, record):
        yield Mark("fastest", f"{_lead_word(same_model)} on {shortened(candidate.result.model)}")
    if _smallest(candidate, everyone):
        yield Mark("smallest", "smallest", "the smallest file of these")
    if not keeps_up(candidate.result, record):
        yield Mark("warning", "does not keep up", "inferences arrive faster than they are answered")
    if not candidate.summary.stable:
        yield Mark("warning", "not trustworthy", " ".join(one_line(why) for why in candidate.summary.warnings))


def _rivals(candidate: Measured, candidates: tuple[Measured, ...]) -> list[Measured]:
    return [one for one in candidates if one.result.batch_size == candidate.result.batch_size]


def _leads(candidate: Measured, rivals: list[Measured], record: ProfileRecord) -> bool:
    """Tell whether it is among the fastest; being the only one is no merit, and different loads do not compare."""
    first = leaders(rivals)
    return len(rivals) > 1 and not is_rate_search(record) and has_interval(first[0]) and candidate in first


def _smallest(candidate: Measured, rivals: list[Measured]) -> bool:
    """Tell whether its file is smaller than everybody's, by more than the table's digits hide."""
    size = candidate.result.artifact_mb
    others = [one.result.artifact_mb for one in rivals if one is not candidate and one.result.artifact_mb is not None]
    return size is not None and bool(others) and size < min(others) and number(size) != number(min(others))


def _lead_word(rivals: list[Measured]) -> str:
    return "fastest" if len(leaders(rivals)) == 1 else "joint fastest"
