"""All rules, over all models of an explanation."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

from inferspeed_magic.diagnosis.findings import (
    bound_layers,
    call_overhead,
    free_growth,
    inserted_operators,
    low_intensity,
    many_operators,
    parallelism,
    parameters,
    quantization,
    same_call,
    weights,
)
from inferspeed_magic.diagnosis.findings.seen import Seen

if TYPE_CHECKING:
    from inferspeed_magic.records.explanation import ExplanationRecord, FindingRecord

_OF_ONE = (
    call_overhead.find,
    bound_layers.find,
    many_operators.find,
    low_intensity.find,
    parallelism.find,
    inserted_operators.find,
    quantization.find,
    weights.find,
    free_growth.find,
)
#: Cores that others may use; beyond, what rests on small differences is doubted: a neighbour took the second core.
_DISTURBED_CORES = 0.25
_DOUBT = 0.5
#: Factors of many, and counts.
_ROBUST = {call_overhead.CAUSE, parameters.CAUSE, weights.ZEROS, weights.NOTHING, weights.PACKED}
#: Causes that rest on times of operators; by how much a profiler may slow these, and what may be of no layer.
_INSIDE = {
    *(bound_layers.MEMORY, bound_layers.ARITHMETIC, bound_layers.NEITHER, many_operators.DEPTH, low_intensity.CAUSE),
    inserted_operators.CAUSE,
}
_BLURRED, _UNMAPPED = 2.0, 0.3
#: What keeps kernels from being faster, and what gives them more to do than there is.
_BOUNDS = {bound_layers.MEMORY, bound_layers.ARITHMETIC, bound_layers.NEITHER}
_REASONS = {weights.ZEROS, weights.SUBNORMALS, inserted_operators.CAUSE}
_MOST_OF_IT = 0.5
_OF_TWO = (same_call.compare, parameters.compare)


def find_all(record: ExplanationRecord) -> tuple[FindingRecord, ...]:
    """Look for every reason in every model.

    Args:
        record: everything that was counted and measured, without findings.

    Returns:
        The findings, those that explain most time first; of those that explain none, the surest first.
    """
    models = [Seen(record, name) for name in dict.fromkeys(_models(record))]
    # What explains the difference comes before what explains either of them as well.
    found = [finding for pair in permutations(models, 2) for rule in _OF_TWO for finding in rule(*pair)]
    told = {row.rpartition("/")[0] for each in found if each.cause == call_overhead.CAUSE for row in _rows(each)}
    alone = [finding for seen in models for rule in _OF_ONE for finding in rule(seen)]
    found += [each for each in alone if each.cause != call_overhead.CAUSE or each.model not in told]
    found = [_as_far_as_seen(each, record) for each in found]
    if (record.other_load or 0.0) > _DISTURBED_CORES:
        found = [each if each.cause in _ROBUST else _doubted(each) for each in found]
    # Equals stay in order, and so do explanations of differences.
    ordered = sorted(found, key=lambda each: (-each.explained_ms, 0.0 if each.explained_ms else -each.confidence))
    return tuple(_reasons_first(ordered))


def _reasons_first(ordered: list[FindingRecord]) -> list[FindingRecord]:
    """Put what explains most of a bound before the bound: it is the reason why there is so much to do."""
    found = list(ordered)
    for each in ordered:
        if each.cause not in _REASONS:
            continue
        place = found.index(each)
        over = next(
            (
                above
                for above, other in enumerate(found[:place])
                if other.model == each.model
                and other.cause in _BOUNDS
                and each.explained_ms >= _MOST_OF_IT * other.explained_ms
            ),
            place,
        )
        found.insert(over, found.pop(place))
    return found


def _rows(finding: FindingRecord) -> list[str]:
    return [row for each in finding.evidence for row in each.rows]


def _as_far_as_seen(finding: FindingRecord, record: ExplanationRecord) -> FindingRecord:
    """Doubt what rests on times of operators that profiling changed most, or that no layer accounts for."""
    seen = next((each for each in record.overheads if each.model == finding.model), None)
    blurred = seen is not None and (seen.share.value > _BLURRED or seen.unmapped_share > _UNMAPPED)
    return _doubted(finding) if blurred and finding.cause in _INSIDE else finding


def _doubted(finding: FindingRecord) -> FindingRecord:
    return replace(finding, confidence=min(finding.confidence, _DOUBT))


def _models(record: ExplanationRecord) -> list[str]:
    return [each.model for each in record.profile.results] + [each.model for each in record.counts]
