"""Which candidates are worth having, and the way from the original to the winner. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.discovery import techniques
from inferspeed_magic.profiling.racing import is_slower
from inferspeed_magic.search.trial import cost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.records import Goal, Result
    from inferspeed_magic.search.trial import Trial

#: Sizes and memory that differ by less are the same.
_SAME = 0.01
#: Latencies may differ by this much more for a candidate that changes less.
_NEAR = 0.05


def ranked(trials: Sequence[Trial], goal: Goal) -> list[Trial]:
    """Order what may win, the best first.

    Of candidates that cannot be told apart, and whose medians are near, the one that changes least comes first: the
    model as it is before a technique, the usual settings before others.
    """
    left = sorted((trial for trial in trials if trial.accepted), key=lambda trial: cost(trial, goal))
    order: list[Trial] = []
    while left:
        best = left[0]
        if goal.target not in ("size", "memory"):
            # Turns beside each other say more than medians of all turns.
            for rival in left[1:]:
                best = rival if is_slower(best.candidate, rival.candidate) else best
        equals = [trial for trial in left if trial is best or _same(trial, best, goal)]
        order.append(min(equals, key=lambda trial: (_change(trial), cost(trial, goal))))
        left.remove(order[-1])
    return order


def pareto(results: Sequence[Result]) -> list[Result]:
    """List what no other candidate beats in both latency and accuracy, the fastest first.

    Of results, not of trials: the front is drawn and read beside the latencies that the table shows.
    """
    known = [
        (each.summary.p50_ms.value, each.selection.drop.value, each)
        for each in results
        if each.summary is not None and each.selection is not None
    ]
    front: list[Result] = []
    least = float("inf")
    for _, drop, result in sorted(known, key=lambda each: each[:2]):
        if drop < least:
            front.append(result)
            least = drop
    return front


def way_to(winner: Trial, trials: Sequence[Trial], original: Trial | None) -> list[tuple[Trial, str]]:
    """List the steps from the original to the winner, each a candidate that was measured, with words for it."""
    idea = winner.idea
    well = [trial for trial in trials if trial.candidate.measurement() is not None]
    steps: list[tuple[Trial, str]] = []
    if original is not None and original.candidate.measurement() is not None:
        steps.append((original, f"the model as it is, through {original.idea.runtime}"))
    for technique, variant, words in _stages(winner, original):
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


def _stages(winner: Trial, original: Trial | None) -> list[tuple[str, str, str]]:
    """List techniques with variants, from nothing to all that was done, with words for what each adds."""
    idea = winner.idea
    runtime = f"{idea.runtime} in place of {original.idea.runtime if original else 'Keras'}"
    if winner.candidate.taught_by is None:
        return [
            ("none", "", runtime),
            (idea.technique, "", _words(idea.technique)),
            (idea.technique, idea.variant, idea.variant),
        ]
    trained, _, rest = idea.technique.partition("+")
    share, _, setting = idea.variant.partition(", ")
    if "%" not in share and share != dict(winner.candidate.taught_by.settings).get("student"):
        share, setting = "", idea.variant
    said = ", ".join(part for part in (_words(trained), share) if part)
    return [
        ("none", "", runtime),
        *([(rest, "", _words(rest))] if rest else []),
        (idea.technique, share, said),
        (idea.technique, idea.variant, setting),
    ]


def _words(technique: str) -> str:
    return "the model as it is" if technique == "none" else techniques()[technique].summary


def _same(trial: Trial, best: Trial, goal: Goal) -> bool:
    if goal.target in ("size", "memory"):
        return cost(trial, goal) <= cost(best, goal) * (1 + _SAME)
    # Wide intervals cannot tell much apart: then the medians say what a change is worth.
    near = cost(trial, goal) <= cost(best, goal) * (1 + _NEAR)
    return near and not is_slower(trial.candidate, best.candidate) and len(trial.candidate.processes) > 0


def _change(trial: Trial) -> int:
    # What was trained is another model: that is more than a setting.
    trained = trial.candidate.taught_by is not None
    return 2 * trained + (trial.idea.technique != "none") + bool(trial.idea.variant)
