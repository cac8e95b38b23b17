"""Settings with which the same artifact may run faster: threads, static or dynamic batch, what a runtime declares."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from inferspeed_magic.profiling.opening import ways

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.runtimes.base import Lowering
    from inferspeed_magic.search.trial import Trial


#: How many times the leader's latency still counts as close, and how many of these are tried.
_CLOSE, _FEW = 1.5, 4


@dataclass(frozen=True)
class Change:
    """One setting, other than it was.

    Attributes:
        threads: None to leave them.
        option: name and value of an option of the runtime; None to leave them.
        batch_in_file: None to leave it.
    """

    threads: int | None = None
    option: tuple[str, str] | None = None
    batch_in_file: str | None = None

    def apply(self, candidate: Candidate, base: Candidate) -> Candidate:
        """Make a new candidate of one that is open, in which this setting is changed.

        Args:
            candidate: the best so far.
            base: the candidate that all settings began with; its variant stays in the name.
        """
        lowering = candidate.lowering
        if self.threads is not None:
            lowering = replace(lowering, threads=self.threads)
        if self.option is not None:
            others = tuple(each for each in lowering.options if each[0] != self.option[0])
            lowering = replace(lowering, options=(*others, self.option))
        batch_in_file = self.batch_in_file or candidate.batch_in_file
        return candidate.anew(
            lowering=lowering,
            batch_in_file=batch_in_file,
            variant=", ".join(part for part in (base.variant, *_words(lowering, batch_in_file, base)) if part),
        )


def serving_settings(candidate: Candidate, cores: int, *, fixed: int | None) -> list[Change]:
    """List the changes worth a try, those that usually matter most first.

    Args:
        candidate: the best so far.
        cores: given to this process.
        fixed: number of threads that the user asked for, which is then left alone.
    """
    changes = []
    # TensorFlow's threads are those of its process, which all of Keras's call paths share.
    if fixed is None and candidate.runtime.group is None:
        counts = dict.fromkeys([1, cores // 2, cores])
        changes = [Change(threads=count) for count in counts if 0 < count != candidate.lowering.threads]
    for name, values in candidate.runtime.capabilities().tunable:
        chosen = dict(candidate.lowering.options).get(name)
        changes += [Change(option=(name, value)) for value in values if value != chosen]
    any_batch = Change(batch_in_file="dynamic")
    quantized_for_one = candidate.technique != "none" and candidate.batch_in_file == "static"
    if (
        quantized_for_one
        and candidate.source.signature.fixed_batch is None
        and ways(any_batch.apply(candidate, candidate))
    ):
        changes.append(any_batch)
    return changes


def close_behind(trials: Sequence[Trial], leader: Trial) -> list[Trial]:
    """List what runs from a file and was nearly as fast as the best, the fastest first; a few.

    Args:
        trials: that were tried, with their usual settings.
        leader: the best of them.
    """
    bound_ns = _CLOSE * leader.seen_ns
    found = [
        trial
        for trial in trials
        if trial.candidate.status is None
        and trial.candidate.blocks
        and trial.candidate.runtime.group is None
        and not trial.idea.variant
        and (trial.idea.runtime, trial.idea.technique) != (leader.idea.runtime, leader.idea.technique)
        # What was seen to be too inaccurate stays so.
        and (trial.selection is None or trial.rejected is None)
        and trial.seen_ns <= bound_ns
    ]
    return sorted(found, key=lambda trial: trial.seen_ns)[:_FEW]


def _words(lowering: Lowering, batch_in_file: str | None, base: Candidate) -> list[str]:
    """Name what is other than it was."""
    words = []
    if lowering.threads != base.lowering.threads:
        words.append(f"{lowering.threads} thread{'s' * (lowering.threads > 1)}")
    words += [f"{name.replace('_', ' ')} {value}" for name, value in lowering.options]
    if batch_in_file != base.batch_in_file:
        words.append("any batch")
    return words
