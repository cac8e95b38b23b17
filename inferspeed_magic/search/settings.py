"""Settings with which the same artifact may run faster: threads, static or dynamic batch, what a runtime declares."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from inferspeed_magic.profiling.opening import ways

if TYPE_CHECKING:
    from inferspeed_magic.profiling.candidate import Candidate


@dataclass(frozen=True)
class Change:
    """One setting, other than it was.

    Attributes:
        words: for the candidate's name.
        threads: None to leave them.
        option: name and value of an option of the runtime; None to leave them.
        batch_in_file: None to leave it.
    """

    words: str
    threads: int | None = None
    option: tuple[str, str] | None = None
    batch_in_file: str | None = None

    def apply(self, candidate: Candidate) -> Candidate:
        """Make a new candidate of one that is open, in which this setting is changed."""
        lowering = candidate.lowering
        if self.threads is not None:
            lowering = replace(lowering, threads=self.threads)
        if self.option is not None:
            others = tuple(each for each in lowering.options if each[0] != self.option[0])
            lowering = replace(lowering, options=(*others, self.option))
        return candidate.anew(
            lowering=lowering,
            batch_in_file=self.batch_in_file or candidate.batch_in_file,
            variant=", ".join(part for part in (candidate.variant, self.words) if part),
        )


def serving_settings(candidate: Candidate, cores: int, *, fixed: int | None) -> list[Change]:
    """List the changes worth a try, those that usually matter most first.

    Args:
        candidate: the best so far.
        cores: given to this process.
        fixed: number of threads that the user asked for, which is then left alone.
    """
    changes = []
    if fixed is None:
        counts = dict.fromkeys([1, cores // 2, cores])
        changes = [
            Change(f"{count} thread{'s' * (count > 1)}", threads=count)
            for count in counts
            if 0 < count != candidate.lowering.threads
        ]
    for name, values in candidate.runtime.capabilities().tunable:
        chosen = dict(candidate.lowering.options).get(name)
        changes += [
            Change(f"{name.replace('_', ' ')} {value}", option=(name, value)) for value in values if value != chosen
        ]
    any_batch = Change("any batch", batch_in_file="dynamic")
    quantized_for_one = candidate.technique != "none" and candidate.batch_in_file == "static"
    if quantized_for_one and candidate.source.signature.fixed_batch is None and ways(any_batch.apply(candidate)):
        changes.append(any_batch)
    return changes
