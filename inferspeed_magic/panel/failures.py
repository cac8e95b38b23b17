"""What was not measured, and why: one entry for each reason, however many candidates share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.panel.parts import Failure, listed, one_line
from inferspeed_magic.panel.ranking import measured

if TYPE_CHECKING:
    from inferspeed_magic.records import ProfileRecord, Result

_WORDS = {"timed_out": "timed out", "disagrees": "outputs disagree", "measured": "no numbers"}


def failures(record: ProfileRecord) -> tuple[Failure, ...]:
    """Group the results without numbers by runtime, status and reason."""
    good = {id(candidate.result) for candidate in measured(record)}
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in record.results:
        if id(result) not in good:
            reason = one_line(result.reason or "no reason was given")
            groups.setdefault((result.runtime, result.status, reason), []).append(result)
    return tuple(
        Failure(_names(results, record), _WORDS.get(status, status), reason)
        for (_, status, reason), results in groups.items()
    )


def _names(results: list[Result], record: ProfileRecord) -> tuple[str, ...]:
    if results[0].status == "unavailable":
        # Nothing to do with any model.
        return (one_line(results[0].runtime),)
    batches: dict[str, list[int]] = {}
    for result in results:
        batches.setdefault(result.name, []).append(result.batch_size)
    return tuple(one_line(name) + _at(name, sizes, record) for name, sizes in batches.items())


def _at(name: str, sizes: list[int], record: ProfileRecord) -> str:
    """Name batch sizes only where the candidate did not fail at all of them."""
    tried = {result.batch_size for result in record.results if result.name == name}
    return "" if tried == set(sizes) else f" at batch {listed([str(size) for size in sizes])}"
