"""Candidates that are trained: which, in which order, and how far."""

from __future__ import annotations

import contextlib
import math
import shutil
import time
from concurrent.futures import TimeoutError as StillRunning
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from inferspeed_magic.discovery import techniques
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.search.choice import ranked
from inferspeed_magic.search.ideas import Idea
from inferspeed_magic.search.narrowing import Narrowing
from inferspeed_magic.search.settings import Change
from inferspeed_magic.search.trial import Trial
from inferspeed_magic.techniques.base import ON_MODEL, Subject
from inferspeed_magic.training import LOG, read_epochs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from inferspeed_magic.formats.routes import Step
    from inferspeed_magic.profiling.conversion import Artifact
    from inferspeed_magic.records import Epoch, Goal, Machine
    from inferspeed_magic.search.bracket import Bracket
    from inferspeed_magic.search.contest import Contest
    from inferspeed_magic.sources.source import Source

#: Ways to run what was trained: the best that were found for the model as it came.
_WAYS = 3
#: Settings of steps.
_SHARE, _NAME = "sparsity_percent", "student"
#: Those that are the faster the more they remove; zeros save no time.
_BY_SHARE = ("structured_pruning",)
_OFTEN_S = 0.3


class Tell(Protocol):
    """Shows what is being done."""

    def __call__(self, doing: str, *, epochs: Sequence[Epoch] = ()) -> None:
        """Say it in words, with what was seen until now of the training that goes on."""


@dataclass(eq=False)
class Course:
    """One training that may be done.

    Attributes:
        title: of what is made.
        teach: does it; gives what is to be tried with the result, and whether anything was trained in this run.
        trials: what it gave; empty as long as it was not done.
        trained: what it said; what an earlier run trained takes no time.
    """

    title: str
    teach: Callable[[], tuple[list[Trial], bool]]
    trials: list[Trial] = field(default_factory=list)
    trained: bool = False

    def train(self) -> list[Trial]:
        """Do it, and give what is to be tried with the result."""
        self.trials, self.trained = self.teach()
        return self.trials


class Schooling:
    """Trains a model in several ways, and says what to try each with.

    Args:
        contest: in which the model as it came was tried.
        source: the model, with its lesson.
        goal: what is looked for.
        machine: that it is for.
        tell: is called with what is being done.
        named: techniques that the user named: they are tried on what is trained, too.
        narrowing: tells how channels are to be removed, by technique and by the trial that leads.
        own_threads: whether the number of threads may be chosen.
    """

    def __init__(
        self,
        contest: Contest,
        source: Source,
        goal: Goal,
        machine: Machine,
        tell: Tell,
        *,
        named: Sequence[str] = (),
        narrowing: Callable[[str, Trial], Narrowing] = lambda *_: Narrowing(),
        own_threads: bool = False,
    ) -> None:
        self._contest = contest
        self._source = source
        self._machine = machine
        self._tell = tell
        self._ways = ways(contest.trials, goal, named)
        self._narrowing = narrowing
        self._own_threads = own_threads
        self._students = [name for name in source.lesson.students if name] if source.lesson is not None else []

    def courses(self, name: str) -> Iterator[Course]:
        """List ways to train by a technique, one after the other.

        Whoever takes a course trains it, and tries its trials, before asking for the next: how much is removed next
        depends on whether they were accurate enough.

        Args:
            name: of the technique.
        """
        step = self._step(name)
        if techniques()[name].wants_student and self._students:
            for student in self._students:
                settings = tuple(sorted({**dict(step.settings), _NAME: student}.items()))
                words = f"{step.words}, {student}"
                yield self._course(name, replace(step, words=words, settings=settings), student)
            return
        if _SHARE not in dict(techniques()[name].steps[ON_MODEL].settings) or name not in _BY_SHARE:
            yield self._course(name, step, "")
            return
        narrowing = self._narrowing(name, self._ways[0]) if self._ways else Narrowing()
        rivals = [(way, way.bracket()) for way in narrowing.ways()]
        while rivals:
            went: list[tuple[tuple[bool, float], Narrowing, Bracket]] = []
            for way, bracket in rivals:
                share = bracket.share()
                if share is None:
                    continue
                course = self._course(name, *way.step(step, share))
                yield course
                if any(trial.candidate.blocks or trial.remembered is not None for trial in course.trials):
                    bracket.note(share, holds=any(_holds(trial) for trial in course.trials))
                    went.append((_merit(course.trials), way, bracket))
            # Of two models that lost channels the better one goes on to lose more.
            rivals = [min(went, key=lambda each: each[0])[1:]] if went else []

    def _course(self, name: str, step: Step, variant: str) -> Course:
        return Course(f"{name}[{variant}]" if variant else name, partial(self._trained, name, step, variant))

    def _step(self, name: str) -> Step:
        subject = Subject("", self._source.precision, self._machine.instruction_sets, self._source.kind, taught=True)
        return techniques()[name].step_for(subject, ON_MODEL)

    def _trained(self, name: str, step: Step, variant: str) -> tuple[list[Trial], bool]:
        """Train once, for all the ways; none where that fails, but one that says why. Tells whether it was now."""
        trials = [self._trial(way, name, step, variant) for way in self._ways]
        trials += self._on_one_thread(name, trials)
        subject = Subject("", self._source.precision, self._machine.instruction_sets, self._source.kind, taught=True)
        against = techniques()[name].applies_to(subject, ON_MODEL)
        try:
            if against:
                raise WorkerError("unsupported", against)  # noqa: TRY301  (both ways out are alike)
            epochs, now = self._wait(step, f"{name}[{variant}]" if variant else name)
        except (WorkerError, OSError) as error:
            for trial in trials[:1]:
                trial.candidate.fail(error if isinstance(error, WorkerError) else WorkerError("failed", str(error)))
            return trials[:1], False
        for trial in trials:
            trial.candidate.training = epochs
        return trials, now

    def _on_one_thread(self, name: str, trials: Sequence[Trial]) -> list[Trial]:
        """Try what became smaller on one thread as well: the less there is to do, the less others can help."""
        smaller = name in _BY_SHARE or techniques()[name].wants_student
        if not smaller or not trials or not self._own_threads:
            return []
        candidate = trials[0].candidate
        if candidate.lowering.threads == 1 or candidate.runtime.group is not None:
            return []
        changed = Change(threads=1).apply(candidate, candidate)
        return [Trial(replace(trials[0].idea, variant=changed.variant), changed)]

    def _wait(self, step: Step, what: str) -> tuple[tuple[Epoch, ...], bool]:
        """Have the converter process train, say how far it is, and give its epochs, and whether it trained at all.

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
                epochs = _epochs_of(artifact, log)
                self._contest.converter.keep(self._source, artifact)
                return epochs, artifact.cached is None
            left = max(0.0, lesson.limit_s - (time.monotonic() - began))
            epochs = read_epochs(log)
            self._tell(f"training {what}{_progress(epochs)}, at most {left:.0f} s more", epochs=epochs)

    def _trial(self, way: Trial, name: str, step: Step, variant: str) -> Trial:
        candidate = way.candidate.anew(taught_by=step)
        technique = name if way.idea.technique == "none" else f"{name}+{way.idea.technique}"
        words = ", ".join(word for word in (variant, way.idea.variant) if word)
        candidate.technique, candidate.variant = technique, words
        return Trial(Idea(way.idea.runtime, technique, words), candidate)


def ended_early(title: str, trials: Sequence[Trial], planned: int | None) -> list[str]:
    """Say of a training that it had no time for all that was to come; empty where it had.

    Args:
        title: of what was trained.
        trials: that came of it.
        planned: epochs that the user asked for, in each stage.
    """
    epochs = next((trial.candidate.training for trial in trials), ())
    if not any(epoch.cut_short for epoch in epochs):
        return []
    stages = max(epoch.stage for epoch in epochs)
    return [f"{title} after {len(epochs)}{f' of {planned * stages}' if planned else ''} epochs"]


def ways(trials: Sequence[Trial], goal: Goal, named: Sequence[str] = ()) -> list[Trial]:
    """Choose how trained models are to run: as the best candidates do that change files, or nothing.

    What changes the Keras model itself would change it twice.

    Args:
        trials: of the model as it came.
        goal: what is looked for.
        named: techniques that the user named: the best of each is among the ways.
    """
    known = techniques()
    able = [
        trial
        for trial in trials
        if trial.candidate.status is None
        and trial.candidate.taught_by is None
        and (trial.idea.technique == "none" or not known[trial.idea.technique].on_model)
    ]
    found: dict[tuple[str, str], Trial] = {}
    for trial in ranked([trial for trial in able if trial.candidate.well], goal):
        found.setdefault((trial.idea.runtime, trial.idea.technique), trial)
    best = list(found.values())[:_WAYS]
    for name in named:
        if name not in {way.idea.technique for way in best}:
            # Slower or less accurate than others, it was closed: what is trained may be another matter.
            tried = [trial for trial in able if trial.idea.technique == name and math.isfinite(trial.seen_ns)]
            best += sorted(tried, key=lambda trial: trial.seen_ns)[:1]
    return best


def _holds(trial: Trial) -> bool:
    """Whether it was accurate enough, in this run or in an earlier one."""
    seen = trial.remembered or trial
    return seen.selection is not None and seen.rejected is None


def _merit(trials: Sequence[Trial]) -> tuple[bool, float]:
    """Order ways of removing channels, the better one first: by latency where they hold, else by what they lost."""
    latencies = [trial.seen_ns for trial in trials if _holds(trial)]
    if latencies:
        return False, min(latencies)
    return True, min((trial.seen.drop.value for trial in trials if trial.seen is not None), default=math.inf)


def _epochs_of(artifact: Artifact, log: Path) -> tuple[Epoch, ...]:
    """Read how a model was trained, now or in an earlier run: the log goes into the cache beside the model."""
    beside = Path(artifact.path).with_name(LOG)
    with contextlib.suppress(OSError):
        shutil.copyfile(log, beside)
    return read_epochs(beside)


def _progress(epochs: Sequence[Epoch]) -> str:
    """Say how the last epoch went."""
    if not epochs:
        return ""
    last = epochs[-1]
    accuracy = "" if last.check_accuracy is None else f", {last.check_accuracy:.1%} right there"
    return f": epoch {last.epoch}, loss {last.loss:.3g}, on other samples {last.check_loss:.3g}{accuracy}"
