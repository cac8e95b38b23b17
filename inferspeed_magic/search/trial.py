"""One candidate in a search: what was seen of it, and whether it may win."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from inferspeed_magic.profiling.racing import latency_ns

if TYPE_CHECKING:
    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.records import Accuracy, Goal, Prediction, Result
    from inferspeed_magic.search.ideas import Idea


@dataclass(eq=False)
class Trial:
    """What is known so far.

    Attributes:
        idea: what it is.
        candidate: its processes and measurements.
        selection: accuracy on the selection samples; None where it was not worth looking at.
        held_out: accuracy on the held-out samples; winners only.
        rejected: why it may not win although it was measured.
        expected: what it was expected to bring, before it was tried; None where nothing was foretold.
        known: what an earlier run found out; what does not change from run to run is not looked at again.
        remembered: what an earlier run found out, where it was not tried again.
        open: whether its processes still run.
    """

    idea: Idea
    candidate: Candidate
    selection: Accuracy | None = None
    held_out: Accuracy | None = None
    rejected: str | None = None
    expected: Prediction | None = None
    known: Result | None = None
    remembered: Result | None = None
    open: bool = True

    @property
    def accepted(self) -> bool:
        """Whether it may win."""
        if self.remembered is not None:
            return False
        return self.candidate.status is None and self.rejected is None and self.selection is not None

    @property
    def seen(self) -> Accuracy | None:
        """Accuracy on the selection samples, as this run or an earlier one saw it."""
        return self.remembered.selection if self.remembered is not None else self.selection

    @property
    def seen_ns(self) -> float:
        """Median latency, as this run or an earlier one saw it."""
        if self.remembered is not None and self.remembered.summary is not None:
            return self.remembered.summary.p50_ms.value * 1e6
        return latency_ns(self.candidate)

    def attach(self, result: Result) -> Result:
        """Add to the record what the search knows of it."""
        if self.remembered is not None:
            return replace(self.remembered, training=self.remembered.training or self.candidate.training)
        return replace(
            result,
            selection=self.selection,
            held_out=self.held_out,
            rejected=self.rejected,
        )


def cost(trial: Trial, goal: Goal) -> float:
    """Give what is to be small: nanoseconds, MB of the file, or MB of memory."""
    candidate = trial.candidate
    if goal.target == "size":
        return candidate.artifact.size_mb or float("inf") if candidate.artifact else float("inf")
    if goal.target == "memory":
        return candidate.peak_memory_mb or float("inf")
    return latency_ns(candidate)


def too_big(trial: Trial, goal: Goal) -> str | None:
    """Say which bound of the goal it breaks, or None."""
    size = trial.candidate.artifact.size_mb if trial.candidate.artifact else None
    memory = trial.candidate.peak_memory_mb
    if goal.max_size_mb is not None and size is not None and size > goal.max_size_mb:
        return f"its file has {size:.3g} MB, more than the {goal.max_size_mb:.3g} MB allowed"
    if goal.max_memory_mb is not None and memory is not None and memory > goal.max_memory_mb:
        return f"its process took {memory:.0f} MB of memory, more than the {goal.max_memory_mb:.0f} MB allowed"
    return None
