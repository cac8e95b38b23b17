"""Candidates that are trained: which, in which order, and how far."""

from __future__ import annotations

import contextlib
import json
import time
from concurrent.futures import TimeoutError as StillRunning
from dataclasses import replace
from typing import TYPE_CHECKING

from inferspeed_magic.discovery import techniques
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.search.bracket import Bracket
from inferspeed_magic.search.choice import ranked
from inferspeed_magic.search.ideas import Idea
from inferspeed_magic.search.trial import Trial
from inferspeed_magic.techniques.base import ON_MODEL, Subject
from inferspeed_magic.training import LOG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from inferspeed_magic.formats.routes import Step
    from inferspeed_magic.records import Goal, Machine
    from inferspeed_magic.search.contest import Contest
    from inferspeed_magic.sources.source import Source

#: Ways to run what was trained: the best that were found for the model as it came.
_WAYS = 3
_SHARE = "sparsity_percent"
#: Those that are the faster the more they remove; zeros save no time.
_BY_SHARE = ("structured_pruning",)
_OFTEN_S = 0.3


class Schooling:
    """Trains a model in several ways, and says what to try each with.

    Args:
        contest: in which the model as it came was tried.
        source: the model, with its lesson.
        goal: what is looked for.
        machine: that it is for.
        tell: is called with what is being done.
    """

    def __init__(
        self, contest: Contest, source: Source, goal: Goal, machine: Machine, tell: Callable[[str], None]
    ) -> None:
        self._contest = contest
        self._source = source
        self._machine = machine
        self._tell = tell
        self._ways = ways(contest.trials, goal)

    def courses(self, name: str) -> Iterator[list[Trial]]:
        """Train by a technique, and give what is to be tried with each result.

        Whoever takes a list tries its trials before asking for the next: how much is removed next depends on whether
        they were accurate enough.

        Args:
            name: of the technique.
        """
        if _SHARE not in dict(techniques()[name].steps[ON_MODEL].settings) or name not in _BY_SHARE:
            yield self._trained(name, self._step(name), "")
            return
        bracket = Bracket()
        while (share := bracket.share()) is not None:
            step = self._step(name)
            words = f"{step.words}, {share}%"
            step = replace(step, words=words, settings=tuple(sorted({**dict(step.settings), _SHARE: share}.items())))
            trials = self._trained(name, step, f"{share}%")
            yield trials
            if not any(trial.candidate.blocks or trial.remembered is not None for trial in trials):
                return
            bracket.note(share, holds=any(_holds(trial) for trial in trials))

    def _step(self, name: str) -> Step:
        subject = Subject("", self._source.precision, self._machine.instruction_sets, self._source.kind, taught=True)
        return techniques()[name].step_for(subject, ON_MODEL)

    def _trained(self, name: str, step: Step, variant: str) -> list[Trial]:
        """Train once, for all the ways; none where that fails, but one that says why."""
        trials = [self._trial(way, name, step, variant) for way in self._ways]
        subject = Subject("", self._source.precision, self._machine.instruction_sets, self._source.kind, taught=True)
        against = techniques()[name].applies_to(subject, ON_MODEL)
        try:
            if against:
                raise WorkerError("unsupported", against)  # noqa: TRY301  (both ways out are alike)
            self._wait(step, f"{name}[{variant}]" if variant else name)
        except (WorkerError, OSError) as error:
            for trial in trials[:1]:
                trial.candidate.fail(error if isinstance(error, WorkerError) else WorkerError("failed", str(error)))
            return trials[:1]
        return trials

    def _wait(self, step: Step, what: str) -> None:
        """Have the converter process train, and say how far it is.

        Raises:
            WorkerError: where that fails.
        """
        lesson = self._source.lesson
        assert lesson is not None  # noqa: S101  (who has none is not schooled)
        log = lesson.folder / LOG
        with contextlib.suppress(OSError):
            log.unlink(missing_ok=True)
        began = time.monotonic()
        pending = self._contest.converter.submit(self._source, (step,), 1)
        while True:
            with contextlib.suppress(StillRunning):
                artifact = pending.result(timeout=_OFTEN_S)
                self._contest.converter.keep(self._source, artifact)
                return
            left = max(0.0, lesson.limit_s - (time.monotonic() - began))
            self._tell(f"training {what}{_progress(log)}, at most {left:.0f} s more")

    def _trial(self, way: Trial, name: str, step: Step, variant: str) -> Trial:
        candidate = way.candidate.anew(taught_by=step)
        technique = name if way.idea.technique == "none" else f"{name}+{way.idea.technique}"
        words = ", ".join(word for word in (variant, way.idea.variant) if word)
        candidate.technique, candidate.variant = technique, words
        return Trial(Idea(way.idea.runtime, technique, words), candidate)


def ways(trials: Sequence[Trial], goal: Goal) -> list[Trial]:
    """Choose how trained models are to run: as the best candidates do that change files, or nothing.

    What changes the Keras model itself would change it twice.
    """
    known = techniques()
    able = [
        trial
        for trial in trials
        if trial.candidate.well
        and trial.candidate.taught_by is None
        and (trial.idea.technique == "none" or not known[trial.idea.technique].on_model)
    ]
    found: dict[tuple[str, str], Trial] = {}
    for trial in ranked(able, goal):
        found.setdefault((trial.idea.runtime, trial.idea.technique), trial)
    return list(found.values())[:_WAYS]


def _holds(trial: Trial) -> bool:
    """Whether it was accurate enough, in this run or in an earlier one."""
    seen = trial.remembered or trial
    return seen.selection is not None and seen.rejected is None


def _progress(log: Path) -> str:
    """Read how the last epoch went."""
    try:
        last = json.loads(log.read_text().splitlines()[-1])
    except (OSError, ValueError, IndexError):
        return ""
    return f": epoch {last['epoch']}, loss {last['loss']:.3g}, on other samples {last['check_loss']:.3g}"
