"""One run of ``optimize``: try what promises most, pay for accuracy where latency is worth it, verify the winner."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.discovery import runtimes, techniques
from inferspeed_magic.errors import InputError, OptionError, UserError
from inferspeed_magic.measurement.machine import describe
from inferspeed_magic.profiling import arguments
from inferspeed_magic.profiling.candidate import Candidate
from inferspeed_magic.profiling.changes import changed_candidate, rule_out
from inferspeed_magic.profiling.conversion import release
from inferspeed_magic.profiling.racing import latency_ns
from inferspeed_magic.profiling.run import describer
from inferspeed_magic.records import LayerSensitivity, LeftOut, OptimizationRecord, ProfileRecord
from inferspeed_magic.runtimes.base import Lowering
from inferspeed_magic.search.answers import Answers
from inferspeed_magic.search.calibration import calibration_inputs
from inferspeed_magic.search.choice import ranked
from inferspeed_magic.search.contest import Contest
from inferspeed_magic.search.data import checked_data, split, unpacked
from inferspeed_magic.search.foresight import Foresight, as_it_is, looked_back
from inferspeed_magic.search.ideas import Idea, ideas, out_of_reach, sift
from inferspeed_magic.search.judge import Judge
from inferspeed_magic.search.keeping import Shelf
from inferspeed_magic.search.ledger import holds, ledger
from inferspeed_magic.search.mixed_precision import mixed, sensitivity, worth_mixing
from inferspeed_magic.search.narrowing import Narrowing, narrowing_of
from inferspeed_magic.search.outcome import models, outcome, provisional_winner
from inferspeed_magic.search.schooling import Course, Schooling, ended_early
from inferspeed_magic.search.settings import Change, close_behind, serving_settings
from inferspeed_magic.search.student import check_student
from inferspeed_magic.search.teaching import distilling_words, lesson, overlap, written
from inferspeed_magic.search.traits import traits
from inferspeed_magic.search.trial import Trial
from inferspeed_magic.sources.preprocessing import after_preprocessing
from inferspeed_magic.sources.structure import flatten, pack
from inferspeed_magic.techniques.base import Subject
from inferspeed_magic.version import __version__
from inferspeed_magic.workers.crew import Crew

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from inferspeed_magic.optimized import OptimizedModel
    from inferspeed_magic.panel.progress import Progress
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.records import Epoch, Result
    from inferspeed_magic.search.asked import Asked
    from inferspeed_magic.search.data import Part, Unpacked
    from inferspeed_magic.sources.source import Source

#: Shares of the budget: nothing new is tried after the first. Where something is trained, that is expected to be done
#: by the second, and one training with what follows it to take the third, as far as is known before there was one;
#: before that, nothing new is tried after the fourth, and after it no settings after the fifth. The original answers to
#: the data within the sixth; channels are looked at within the seventh, and layers within the eighth.
_TRYING = 0.7
_TRAINED = 0.85
_ONE_TRAINING = 0.35
_UNTRAINED = 0.35
_SETTINGS = 0.85
_ANSWERING = 0.06
_LOOKING = 0.1
_SENSITIVITY = 0.1
#: The next training may take so much longer than the longest, and at least this share of the budget.
_NOISE, _LEAST_TRAINING = 1.1, 0.1
#: Conversions that are begun before their turn.
_AHEAD = 2
_FEW = 4
#: Samples that outlive the run.
_KEPT = 64
#: Contenders that take part in the final.
_FINALISTS = 6


class Optimization:
    """One run of ``optimize``, step by step.

    Args:
        asked: what is looked for, and within which bounds.
        limits: on workers.
        progress: shows what is being done.
    """

    def __init__(self, asked: Asked, limits: Limits, progress: Progress) -> None:
        self._asked = asked
        self._started = time.perf_counter()
        self._created = dt.datetime.now().astimezone().isoformat(timespec="seconds")
        self._machine = describe()
        self._threads = asked.request.threads or self._machine.cores_given
        # One conversion that hangs may not eat the whole budget.
        self._limits = replace(limits, convert_s=min(limits.convert_s, max(60.0, asked.goal.budget_s / 2)))
        self._progress = progress
        self._numbers: list[tuple[str, float]] = []
        self._queue: deque[Trial] = deque()
        self._left_out: list[LeftOut] = []
        self._sensitivity: list[LayerSensitivity] = []
        self._warnings: list[str] = []
        self._shelf = Shelf()
        self._winner: Trial | None = None
        self._contest: Contest | None = None
        self._to_train: list[str] = []

    @property
    def has_results(self) -> bool:
        """Whether anything was measured."""
        return self._contest is not None and any(trial.candidate.blocks for trial in self._contest.trials)

    def run(self, model: Mapping[str, Any]) -> None:
        """Do everything; whatever happens, no process is left behind, and what was found can be reported."""
        sources: list[Source] = []
        try:
            with Crew() as crew:
                data = unpacked(self._asked.data) if self._asked.data is not None else None
                sources = self._sources(crew, model, data)
                self._source = sources[0]
                self._progress.start(100)
                contest = self._prepare(crew, data)
                self._work(contest)
            self._progress.finish()
        except KeyboardInterrupt:
            self._progress.interrupt("what was found is kept")
            raise
        except BaseException:
            self._progress.finish()
            raise
        finally:
            release(sources)

    def _sources(self, crew: Crew, model: Mapping[str, Any], data: Unpacked | None) -> list[Source]:
        """Look at the model; the data says what dimensions are that it leaves open."""
        describe_file, shapes = describer(crew, self._limits), self._asked.input_shapes
        if data is not None:
            # What does not fit the model is told below, in words for data.
            try:
                return arguments.sources(model, dict.fromkeys(model, _first(data.x)), shapes, describe_file)
            except InputError as error:
                with contextlib.suppress(UserError):
                    return arguments.sources(model, None, shapes, describe_file)
                raise error from None
        return arguments.sources(model, None, shapes, describe_file)

    def _prepare(self, crew: Crew, data: Unpacked | None) -> Contest:
        """Understand model and data; every mistake gets its line here, before any long work."""
        asked, source = self._asked, self._source
        samples = checked_data(source, data, asked.request.seed)
        self._notes = samples.notes
        fixed, (batch_size,) = source.signature.fixed_batch, asked.request.batch_sizes
        if fixed not in (None, batch_size):
            raise OptionError(f"`{source.name}` is built for batches of {fixed}: say batch_size={fixed}")
        source.signature = samples.signature
        source.given = samples.inputs if samples.given else None
        source.try_out(asked.request.seed)
        self._part = after_preprocessing(source) or source
        self._fingerprint = _fingerprint(source)
        if self._part is not source:
            self._warnings.append(
                "text and lookups stay in Keras: file runtimes are timed from their outputs on, keras.* with them"
            )
        own = calibration_inputs(source, asked.calibration)
        self._split = split(samples, asked.request.seed, own_calibration=own)
        if own is not None and asked.evaluate is not None:  # nothing that was made up is used then
            self._split = replace(self._split, numbers=replace(self._split.numbers, given=True))
        source.calibration = self._split.calibration
        source.own_calibration = self._part.own_calibration = own is not None
        if self._part.whole is not None:
            self._part.calibration = self._part.feed(self._split.calibration)
        self._output_template = source.output_template()
        self._judge = Judge(
            source,
            self._split,
            Answers(crew, self._limits),
            output_template=self._output_template,
            metric=asked.metric,
            evaluate=asked.evaluate,
            max_drop=asked.goal.max_accuracy_drop,
            limit_s=_ANSWERING * asked.goal.budget_s,
            seed=asked.request.seed,
        )
        self._teach(crew, samples_for_stopping=self._split.selection)
        if self._source.lesson is not None:
            known = techniques()
            on_model = [name for name in asked.request.techniques if name != "none" and known[name].on_model]
            wanting = [name for name in on_model if known[name].wants_training]
            # What the user built for it comes first.
            self._to_train = sorted(wanting, key=lambda name: not known[name].wants_student)
        found = ideas(asked.request.runtimes, [name for name in asked.request.techniques if name not in self._to_train])
        if not asked.exhaustive:
            found, self._left_out, traps = sift(
                found,
                asked.goal.target,
                traits(source, self._machine),
                asked.named,
                taught=source.lesson is not None,
            )
            self._warnings += traps
        metric = self._judge.metric.name if self._judge.settled else repr(asked.metric)
        self._ledger = ledger(
            source,
            self._fingerprint,
            samples,
            asked,
            metric=metric,
            machine=self._machine,
            threads=self._threads,
        )
        self._foresight = Foresight(
            crew,
            self._limits,
            self._machine,
            threads=self._threads,
            left_s=lambda: (1.0 - self._spent()) * asked.goal.budget_s,
            tell=self._tell,
        )
        self._contest = Contest(crew, asked, self._judge, self._shelf, limits=self._limits, tell=self._tell)
        self._queue.extend(Trial(idea, self._candidate(idea)) for idea in found)
        self._contest.original = self._original()
        return self._contest

    def _work(self, contest: Contest) -> None:
        background = ThreadPoolExecutor(1, thread_name_prefix="inferspeed-imports")
        try:
            self._start_keras(contest, background)
            self._try_all(contest)
            self._try_mixed_precision(contest)
            self._try_trained(contest)
            self._try_settings(contest)
            open_ones = [trial for trial in contest.trials if trial.open and trial.candidate.well]
            finalists = ranked(open_ones, self._asked.goal)[:_FINALISTS]
            contest.final(finalists, lambda share: self._tell("measuring the best to the end", 0.8 + 0.2 * share))
            self._winner = self._verified(contest, finalists)
        finally:
            # Without waiting: after an interrupt the crew ends whatever these two are waiting for.
            background.shutdown(wait=False, cancel_futures=True)
            contest.converter.close()

    def _teach(self, crew: Crew, *, samples_for_stopping: Part) -> None:
        """Write down what to train with, where there is something."""
        asked, source = self._asked, self._source
        if not asked.trains:
            return
        found, notes = lesson(asked, source, samples_for_stopping)
        self._notes += notes
        doubt = overlap(found, samples_for_stopping.inputs)
        self._warnings += [doubt] if doubt is not None else []
        self._notes += distilling_words(asked)
        students = {name: make() for name, make in asked.students}
        for name, student in students.items():
            check_student(student, source, self._part, name, features=dict(asked.features))
        parts = [source] if self._part is source else [source, self._part]
        for place, part in enumerate(parts):
            part.lesson = written(found, part, crew.folder / f"lesson_{place}", students)
            self._shelf.keep(str(part.lesson.folder), crew.folder)  # recipes train with it

    def _try_trained(self, contest: Contest) -> None:
        """Change the model, train it, and run it as the best candidates until now are run."""
        if not self._to_train or not self._judge.settled:
            return
        asked = self._asked
        school = Schooling(
            contest,
            self._part,
            asked.goal,
            self._machine,
            self._tell,
            named=asked.named,
            narrowing=partial(self._narrowing, contest),
            own_threads=asked.request.threads is None and asked.goal.target not in ("size", "memory"),
        )
        missed: list[str] = []
        ended: list[str] = []
        try:
            for name in self._to_train:
                self._take(school.courses(name), contest, missed, ended)
        finally:  # interrupted or not
            if missed:
                self._left_out.append(LeftOut(", ".join(missed), "the time for training was used up"))
            if ended:
                said = ", ".join(ended)
                self._notes += (f"training ended when its time was used up (a longer budget gives more): {said}",)

    def _take(self, courses: Iterator[Course], contest: Contest, missed: list[str], ended: list[str]) -> None:
        """Train by one technique as long as there is time; takes down what there was none for, or too little."""
        longest: float | None = None
        for course in courses:
            expected = _ONE_TRAINING if longest is None else max(_LEAST_TRAINING, _NOISE * longest)
            began = self._spent()
            if began + expected > _TRAINED:
                missed.append(course.title)  # and whatever would come next
                continue
            for trial in course.train():
                if not self._remember(contest, trial):
                    self._attempt(contest, trial)
            if course.trained:
                longest = max(longest or 0.0, self._spent() - began)
            ended += ended_early(course.title, course.trials, self._asked.epochs)

    def _narrowing(self, contest: Contest, technique: str, way: Trial) -> Narrowing:
        """Say how channels are to be removed: as in an earlier run, which leaves less to train again."""
        lesson = self._part.lesson
        assert lesson is not None  # noqa: S101  (who has none trains nothing)
        if self._spent() + _ONE_TRAINING > _TRAINED:  # nothing will come of it
            return Narrowing()
        earlier = narrowing_of(self._ledger.trained(technique), lesson.key)
        if earlier is not None:
            return earlier
        multiple_of = contest.liked_multiple(self._machine, way)
        if self._asked.goal.target in ("size", "memory") or not lesson.samples:
            return Narrowing(multiple_of)
        # What is looked for may not take the time from the training that it is for.
        share = min(_LOOKING, _TRAINED - _ONE_TRAINING - self._spent())
        limit_s = max(0.0, share) * self._asked.goal.budget_s
        return Narrowing(multiple_of, contest.elasticities(self._machine, way, multiple_of, limit_s))

    def _candidate(self, idea: Idea) -> Candidate:
        runtime = runtimes()[idea.runtime]
        from_file = runtime.capabilities().batch_in_artifact
        part = self._part if from_file else self._source
        (batch_size,) = self._asked.request.batch_sizes
        lowering = Lowering(self._asked.request.device, self._threads, batch_size, part.precision)
        made = None
        if idea.technique != "none":
            technique = techniques()[idea.technique]
            made = changed_candidate(part, runtime, lowering, technique, machine=self._machine, variant=idea.variant)
        if made is None:
            made = Candidate(part, runtime, lowering, "static" if from_file else None)
            rule_out(made)
        return made

    def _original(self) -> Trial:
        """See to it that what the user does today is measured: everything is compared with it."""
        found = self._reference(self._asked.original_runtime(self._source.kind))
        # After the files: Keras takes longest to start, and starts in the background meanwhile.
        files = sum(trial.idea.technique == "none" and trial.candidate.runtime.group is None for trial in self._queue)
        self._queue.insert(files if self._judge.settled else 0, found)
        return found

    def _another_original(self, failed: Trial) -> Trial:
        """Compare with the next way to call the model where ``predict`` fails (it takes no strings, for instance)."""
        way = "keras.compiled"
        if not failed.candidate.runtime.group or failed.idea == Idea(way):
            return failed
        found = self._reference(way)
        self._queue.appendleft(found)
        return found

    def _reference(self, way: str) -> Trial:
        """Take the model as it is on a runtime out of the queue, or make it if it was not asked for."""
        found = next((trial for trial in self._queue if trial.idea == Idea(way)), None)
        if found is not None:
            self._queue.remove(found)
            return found
        found = Trial(Idea(way), self._candidate(Idea(way)))
        found.rejected = f"measured to compare with: {way} was not among the runtimes asked for"
        return found

    def _start_keras(self, contest: Contest, background: ThreadPoolExecutor) -> None:
        """Begin with what takes long: importing TensorFlow in the process of the Keras call paths."""
        waiting = [trial.candidate for trial in self._queue]
        grouped = [each for each in waiting if each.runtime.group and each.status is None]
        if grouped:
            contest.converter.portable(self._source)
            background.submit(contest.opener.prepare, contest.opener.start_host(grouped[0]), grouped[0])

    def _try_all(self, contest: Contest) -> None:
        while self._queue:
            # What can be trained needs most of the time.
            if self._spent() > (_UNTRAINED if self._to_train else _TRYING):
                self._leave_out(self._queue, f"the budget of {self._asked.goal.budget_s:.0f} s was nearly used up")
                self._queue.clear()
                return
            trial = self._queue.popleft()
            reason = self._hopeless(contest, trial)
            if reason is not None:
                self._leave_out([trial], reason)
                continue
            trial.expected = self._foresight.of(trial, contest.trials)
            if self._remember(contest, trial):
                continue
            for ahead in list(self._queue)[:_AHEAD]:
                step = ahead.candidate.changed_by
                if step is not None and step.trained:  # which would take the machine from those that are measured
                    break
                if self._hopeless(contest, ahead) is None and not self._holds(contest, ahead):
                    contest.convert_ahead(ahead)
            self._attempt(contest, trial)
            # Behind the first conversions, which the first numbers wait for.
            self._foresight.begin(contest, self._part, self._asked.request.batch_sizes[0])
            if trial is contest.original and trial.candidate.status is not None:
                contest.original = self._another_original(trial)
            self._queue.extendleft(reversed(self._variants(trial)))

    def _attempt(self, contest: Contest, trial: Trial) -> None:
        trial.known = self._ledger.find(trial.candidate.name)
        contest.attempt(trial)
        self._ledger.note(trial.attach(trial.candidate.result()), self._created)
        if trial.candidate.blocks:
            self._numbers.append((trial.candidate.name, latency_ns(trial.candidate) / 1e6))

    def _remember(self, contest: Contest, trial: Trial) -> bool:
        """Take over what an earlier run found out, where trying again would find the same."""
        known = self._holds(contest, trial)
        if known is None:
            return False
        refused = self._judge.refusal(known.selection) if known.selection is not None else None
        trial.remembered, trial.open = replace(known, rejected=refused), False
        contest.trials.append(trial)
        self._queue.extendleft(reversed(self._variants(trial)))
        return True

    def _holds(self, contest: Contest, trial: Trial) -> Result | None:
        """Give what an earlier run found out about a technique, where it is still true."""
        known = self._ledger.find(trial.candidate.name)
        same = known is not None and known.settings == trial.candidate.settings
        # The model as it is is what everything else is measured against, and made from.
        if known is None or not same or trial.idea.technique == "none" or not self._judge.settled:
            return None
        return known if holds(known, contest.leader(), self._judge, self._asked.goal) else None

    def _hopeless(self, contest: Contest, trial: Trial) -> str | None:
        """Say why the model as it is on the same runtime rules a technique out, or None."""
        leader, plain = contest.leader(), as_it_is(trial, contest.trials)
        if leader is None or plain is None:
            return None
        if self._asked.goal.target in ("size", "memory") or self._asked.exhaustive:
            return None
        fastest_ns = latency_ns(leader.candidate)
        return out_of_reach(trial.idea, latency_ns(plain.candidate), fastest_ns, leader.idea.runtime)

    def _variants(self, trial: Trial) -> list[Trial]:
        """List other settings of what is fast enough and not accurate enough."""
        idea = trial.idea
        seen = trial.remembered or trial
        needed = (seen.selection is not None and seen.rejected is not None) or self._asked.exhaustive
        if trial.candidate.taught_by is not None or idea.variant or idea.technique == "none" or not needed:
            return []
        technique = techniques()[idea.technique]
        made = technique.step_made(trial.candidate.runtime.capabilities().formats)
        if made is None:
            return []
        source = trial.candidate.source
        subject = Subject(idea.runtime, source.precision, self._machine.instruction_sets, source.kind)
        variants = [replace(idea, variant=name) for name in technique.variants(subject, made)]
        return [Trial(variant, self._candidate(variant)) for variant in variants]

    def _try_mixed_precision(self, contest: Contest) -> None:
        """Leave sensitive layers of int8 candidates in float that are fast enough and too inaccurate."""
        for trial in worth_mixing(contest):
            if self._spent() > _TRYING:
                return
            self._tell(f"sensitivity of the layers of {trial.candidate.name}")
            layers = self._sensitivity or sensitivity(contest, trial, _SENSITIVITY * self._asked.goal.budget_s)
            self._sensitivity = layers
            for attempt, count in mixed(trial, layers):
                if not self._remember(contest, attempt):
                    self._attempt(contest, attempt)
                if attempt.accepted:
                    self._sensitivity = [
                        replace(layer, kept_in_float=place < count) for place, layer in enumerate(layers)
                    ]
                    break

    def _try_settings(self, contest: Contest) -> None:
        """Vary threads and what else its runtime declares, one at a time, keeping what helps."""
        leader = contest.leader()
        if leader is None or self._asked.goal.target in ("size", "memory"):
            return
        until = _SETTINGS if self._to_train else _TRYING
        bases = [trial for trial in contest.trials if trial.accepted] if self._asked.exhaustive else [leader]
        for base in bases:
            threads = base.candidate.lowering.threads
            # One that was tried on one thread because it is small has others to be held against already.
            fixed = threads if threads != self._threads else self._asked.request.threads
            for change in serving_settings(base.candidate, self._machine.cores_given, fixed=fixed):
                best = base if self._asked.exhaustive else contest.leader()
                if self._spent() > until or best is None:
                    return
                self._try_change(contest, best, change.apply(best.candidate, base.candidate))
        if not self._asked.exhaustive and self._asked.request.threads is None:
            self._try_one_thread(contest, leader, until)

    def _try_one_thread(self, contest: Contest, leader: Trial, until: float) -> None:
        """Give those that came close one thread: on small models it decides more than the technique does."""
        for trial in close_behind(contest.trials, leader):
            change = Change(threads=1)
            if self._spent() > until or trial.candidate.lowering.threads == 1:
                return
            self._try_change(contest, trial, change.apply(trial.candidate, trial.candidate))

    def _try_change(self, contest: Contest, base: Trial, changed: Candidate) -> None:
        trial = Trial(replace(base.idea, variant=changed.variant), changed)
        if any(trial.idea == tried.idea for tried in contest.trials):  # what was trained is tried on one thread, too
            return
        if not self._remember(contest, trial):
            self._attempt(contest, trial)

    def _verified(self, contest: Contest, finalists: Sequence[Trial]) -> Trial | None:
        """Take the best that holds on samples that nothing was chosen with."""
        for trial in [*ranked(finalists, self._asked.goal), *self._fallback(contest)]:
            if trial.candidate.well and self._judge.samples("held_out"):
                contest.judge(trial, "held_out")
            if trial.accepted:
                return trial
        return None

    def _fallback(self, contest: Contest) -> list[Trial]:
        """Take the model as it is, at its fastest, where nothing else holds."""
        found = contest.fallback()
        return [found] if found is not None else []

    def report(self, *, interrupted: bool = False) -> tuple[OptimizationRecord, dict[str, OptimizedModel]]:
        """Derive what may be said of everything measured so far, and give the models.

        Args:
            interrupted: whether the run ended before its end.
        """
        assert self._contest is not None  # noqa: S101  (who asks has seen results)
        contest = self._contest
        if interrupted and self._winner is None:
            self._winner = provisional_winner(contest, self._asked)

        def profile(**found: Any) -> ProfileRecord:
            began = contest.first_numbers_at
            return ProfileRecord(
                request=self._asked.request,
                machine=self._machine,
                created=self._created,
                elapsed_s=time.perf_counter() - self._started,
                first_numbers_s=None if began is None else began - self._started,
                interrupted=interrupted,
                version=__version__,
                **found,
            )

        record = outcome(
            self._asked,
            contest,
            self._judge,
            self._split,
            self._winner,
            left_out=self._left_out,
            sensitivity=self._sensitivity,
            predictions=looked_back(contest.trials),
            notes=self._notes,
            warnings=self._warnings,
            profile=profile,
        )
        if self._source.given is not None:  # recipes need a few; the report must not keep all of the data alive
            self._source.given = [array[:_KEPT].copy() for array in self._source.given]
        outputs = self._judge.outputs
        if self._source.model is None and outputs is not None and outputs > 1:
            self._output_template = {"list": list(range(outputs))}
        return record, models(contest, record, self._shelf, self._output_template, self._fingerprint)

    def _leave_out(self, trials: Sequence[Trial] | deque[Trial], reason: str) -> None:
        names = ", ".join(trial.idea.way for trial in trials)
        if names:
            self._left_out.append(LeftOut(names, reason))

    def _spent(self) -> float:
        return (time.perf_counter() - self._started) / self._asked.goal.budget_s

    def _tell(self, doing: str, share: float | None = None, *, epochs: Sequence[Epoch] = ()) -> None:
        done = len(self._contest.trials) if self._contest else 0
        shown = share if share is not None else 0.8 * done / (done + len(self._queue) + 1)
        left = max(0.0, self._asked.goal.budget_s - (time.perf_counter() - self._started))
        self._progress.update(
            round(100 * shown), 100, doing, seconds_left=left, first_numbers=tuple(self._numbers), epochs=tuple(epochs)
        )


def _first(x: Any) -> Any:
    """Take a few samples, which say as much about shapes as all of them."""
    leaves, template = flatten(x)
    if all(isinstance(leaf, np.ndarray) for leaf in leaves):
        return pack(template, [leaf[:_FEW] for leaf in leaves])
    return x


def _fingerprint(source: Source) -> str | None:
    """Hash the model; None for one that cannot be told from another."""
    try:
        return source.fingerprint()
    except Exception:  # noqa: BLE001  (whatever the user's classes raise)
        return None
