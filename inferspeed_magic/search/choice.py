"""Which candidates are worth having, and the way from the original to the winner. Pure functions on trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.discovery import techniques
from inferspeed_magic.profiling.racing import is_slower
from inferspeed_magic.search.trial import cost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.records import Goal
    from inferspeed_magic.search.trial import Trial

#: Sizes and memory that differ by less are the same.
_SAME = 0.01


def ranked(trials: Sequence[Trial], goal: Goal) -> list[Trial]:
    """Order what may win, the best first.

    Of candidates that cannot be told apart the one that changes least comes first: the model as it is before a
    technique, the usual settings before others.
    """
    left = sorted((trial for trial in trials if trial.accepted), key=lambda trial: cost(trial, goal))
    order: list[Trial] = []
    while left:
        best = left[0]
        equals = [trial for trial in left if trial is best or _same(trial, best, goal)]
        order.append(min(equals, key=lambda trial: (_change(trial), cost(trial, goal))))
        left.remove(order[-1])
    return order


def pareto(trials: Sequence[Trial]) -> list[Trial]:
    """List what no other candidate beats in both latency and accuracy, the fastest first."""
    known = [trial for trial in trials if trial.candidate.status is None and trial.seen is not None]
    front: list[Trial] = []
    for trial in sorted(known, key=lambda each: (each.seen_ns, _drop(each))):
        if not front or _drop(trial) < _drop(front[-1]):
            front.append(trial)
    return front


def way_to(winner: Trial, trials: Sequence[Trial], original: Trial | None) -> list[tuple[Trial, str]]:
    """List the steps from the original to the winner, each a candidate that was measured, with words for it."""
    idea = winner.idea
    well = [trial for trial in trials if trial.candidate.measurement() is not None]
    steps: list[tuple[Trial, str]] = []
    if original is not None and original.candidate.measurement() is not None:
        steps.append((original, f"the model as it is, through {original.idea.runtime}"))
    for technique, variant, words in (
        ("none", "", f"{idea.runtime} in place of {original.idea.runtime if original else 'Keras'}"),
        (idea.technique, "", _words(idea.technique)),
        (idea.technique, idea.variant, idea.variant),
    ):
        found = next(
            (
                trial
                for trial in well
                if (trial.idea.runtime, trial.idea.technique, trial.idea.variant) == (idea.runtime, technique, variant)
            ),
            None,
        )
        if found is not None and all(found is not trial for trial, _ in steps):
            steps.append((found, words))
    return steps


def _words(technique: str) -> str:
    return "the model as it is" if technique == "none" else techniques()[technique].summary


def _same(trial: Trial, best: Trial, goal: Goal) -> bool:
    if goal.target in ("size", "memory"):
        return cost(trial, goal) <= cost(best, goal) * (1 + _SAME)
    return not is_slower(trial.candidate, best.candidate) and len(trial.candidate.processes) > 0


def _change(trial: Trial) -> int:
    return (trial.idea.technique != "none") + bool(trial.idea.variant)


def _drop(trial: Trial) -> float:
    return trial.seen.drop.value if trial.seen is not None else float("inf")
