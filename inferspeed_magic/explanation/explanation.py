"""One run of ``explain``: count every model, measure all of them beside each other, look inside, and say why."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from inferspeed_magic.discovery import runtimes
from inferspeed_magic.errors import InferspeedError, OptionError, WorkerError
from inferspeed_magic.explanation import circumstances
from inferspeed_magic.explanation.derived import Derivation
from inferspeed_magic.explanation.experiment import Experiment
from inferspeed_magic.explanation.inside import operator_profile
from inferspeed_magic.explanation.lineup import LONGEST_S, Lineup
from inferspeed_magic.explanation.outcome import Gathered, outcome
from inferspeed_magic.explanation.values import weight_facts
from inferspeed_magic.measurement.load import LoadMeter
from inferspeed_magic.measurement.machine import describe
from inferspeed_magic.profiling import arguments
from inferspeed_magic.profiling.ceilings import ceilings
from inferspeed_magic.profiling.conversion import release
from inferspeed_magic.profiling.reasons import short
from inferspeed_magic.profiling.rounds import ROUNDS, rounds_for
from inferspeed_magic.profiling.run import describer
from inferspeed_magic.records import ProfileRecord
from inferspeed_magic.records.json_form import count_from_json
from inferspeed_magic.version import __version__
from inferspeed_magic.workers.crew import Crew

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from inferspeed_magic.explanation.asked import Asked
    from inferspeed_magic.panel.progress import Progress
    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.records import Ceilings, ExplanationRecord
    from inferspeed_magic.sources.source import Source

#: Shares of the progress: candidates are open, measured, and looked into; derived models are made.
_OPEN, _MEASURED, _LOOKED, _DERIVED = 0.5, 0.8, 0.85, 0.95
#: Seconds after which no file is waited for, but those that every answer needs.
_UNHURRIED_S = 25.0
#: Seconds after which only the batch size that was asked for is measured.
_LATE_S = 30.0
#: Seconds that the machine's ceilings take where they are not known yet: everything else is hurried by as much.
_CEILINGS_S = 10.0
#: A call of ``predict`` takes tens of milliseconds: a third of a second holds too few of them. Beginning a turn costs
#: more than the turn itself, so there are fewer rounds than where small differences are looked for.
_UNHURRIED = (1.0, 24)
_HURRIED = (0.3, 16)
#: Timed seconds of a derived model, at most: what it shows are large differences.
_SHORT_S = 0.3


class Explanation:
    """One run of ``explain``, step by step.

    Args:
        asked: what is to be explained, and how it is measured.
        limits: on workers.
        progress: shows what is being done.
    """

    def __init__(self, asked: Asked, limits: Limits, progress: Progress) -> None:
        self._asked = asked
        self._limits = limits
        self._progress = progress
        self._share = 0.0
        self._started = time.perf_counter()
        self._created = dt.datetime.now().astimezone().isoformat(timespec="seconds")
        self._machine = describe()
        self._threads = asked.request.threads or self._machine.cores_given
        self._gathered = Gathered()
        self._lineup: Lineup | None = None
        #: When all this began, or would have begun if everything about the machine were known.
        self._as_if_started = self._started
        self._counting: dict[str, Future[Any]] = {}

    @property
    def has_begun(self) -> bool:
        """Whether the models were understood, so that there is something to report."""
        return self._lineup is not None

    def run(self, handed_in: Mapping[str, Any], inputs: Any, input_shapes: Sequence[Any] | None) -> ExplanationRecord:
        """Do everything; whatever happens, no process and no file is left behind."""
        sources: list[Source] = []
        try:
            with Crew() as crew:
                sources = arguments.sources(handed_in, inputs, input_shapes, describer(crew, self._limits))
                lineup = self._line_up(crew, sources)
                try:
                    if any(source.model is not None for source in sources) and not self._asked.count_only:
                        lineup.lab.converter.get_ready()  # beside the models' first answers
                    self._check(sources)
                    self._progress.start(100)
                    self._lineup = lineup
                    self._work(crew, lineup)
                finally:
                    lineup.lab.converter.close()
            self._progress.finish()
        except KeyboardInterrupt:
            self._progress.interrupt("what was found is kept" if self.has_begun else "nothing was found yet")
            raise
        except BaseException:
            self._progress.finish()
            raise
        finally:
            release([*sources, *(self._lineup.idlers() if self._lineup else [])])
        return self.record()

    def record(self, *, interrupted: bool = False) -> ExplanationRecord:
        """Derive what may be said of everything counted and measured so far."""
        assert self._lineup is not None  # noqa: S101  (who asks has seen results)
        for name in [name for name, pending in self._counting.items() if pending.done() and not pending.cancelled()]:
            self._note_count(name)

        def profile(**found: Any) -> ProfileRecord:
            return ProfileRecord(
                request=self._asked.request,
                machine=self._machine,
                created=self._created,
                elapsed_s=time.perf_counter() - self._started,
                interrupted=interrupted,
                version=__version__,
                **found,
            )

        return outcome(self._lineup, self._gathered, profile)

    def _check(self, sources: Sequence[Source]) -> None:
        for source in sources:
            fixed = source.signature.fixed_batch
            if fixed not in (None, self._asked.batch_size):
                raise OptionError(f"`{source.name}` is built for batches of {fixed}: say batch_size={fixed}")
            if not self._asked.count_only:
                source.try_out(self._asked.request.seed)

    def _line_up(self, crew: Crew, sources: list[Source]) -> Lineup:
        request = self._asked.request
        able = [name for name, runtime in runtimes().items() if runtime.capabilities().profiles]
        lab = Experiment(
            crew,
            request,
            self._machine,
            limits=self._limits,
            threads=self._threads,
            tell=lambda doing: self._tell(None, doing),
        )
        return Lineup(lab, sources, request, self._threads, circumstances.looked_into(request.runtimes, able))

    def _work(self, crew: Crew, lineup: Lineup) -> None:
        background = ThreadPoolExecutor(1, thread_name_prefix="inferspeed-imports")
        try:
            if self._asked.count_only:
                self._counting = self._begin_counting(lineup)
                self._note_counts()
                return
            if self._asked.request.device == "cpu" and self._ceilings(crew, measure=False) is None:
                self._as_if_started -= _CEILINGS_S
            lineup.make_idle()
            self._start_keras(lineup, background)
            lineup.lab.begin(lineup.telling())
            self._counting = self._begin_counting(lineup)
            lineup.lab.begin(lineup.comparing())
            self._measure(crew, lineup)
            self._look_inside(crew, lineup)
            self._note_counts()
            self._derive(lineup)
        finally:
            # Without waiting: after an interrupt the crew ends whatever it is waiting for.
            background.shutdown(wait=False, cancel_futures=True)

    def _begin_counting(self, lineup: Lineup) -> dict[str, Future[Any]]:
        call, arguments_ = "inferspeed_magic.counting.count:count", {"batch_size": self._asked.batch_size}
        return {
            source.name: lineup.lab.converter.look(call, lineup.lab.part(source), arguments_)
            for source in lineup.sources
        }

    def _note_counts(self) -> None:
        for name in list(self._counting):
            self._tell(None, f"counting what {name} has to do")
            self._note_count(name)

    def _note_count(self, name: str) -> None:
        pending = self._counting[name]
        with self._noting(f"{name} could not be counted"):
            self._gathered.counts[name] = count_from_json(pending.result() | {"model": name})
        del self._counting[name]

    @contextlib.contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        """Have a part that fails cost that part only: everything else was measured, and is shown."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  (whatever libraries, disks and the user's classes raise)
            known = error.reason if isinstance(error, WorkerError) else str(error)
            reason = known if isinstance(error, InferspeedError) else f"{type(error).__name__}: {error}"
            self._gathered.notes.append(f"{what}: {short(reason)}")

    def _start_keras(self, lineup: Lineup, background: ThreadPoolExecutor) -> None:
        """Begin in the background with what takes long: importing TensorFlow in the processes of the call paths."""
        opener = lineup.lab.opener
        for source in lineup.idlers():  # before anything waits for converters
            lineup.lab.converter.portable(source)
        for source in lineup.sources:
            grouped = [each for each in lineup.candidates(source) if each.runtime.group and each.status is None]
            if grouped:
                background.submit(opener.prepare, opener.start_host(grouped[0]), grouped[0])
                if source.name in lineup.idle:
                    opener.move_in(lineup.idle[source.name], source)

    def _measure(self, crew: Crew, lineup: Lineup) -> None:
        done = 0

        def opening(candidate: Candidate) -> None:
            nonlocal done
            done += 1
            self._tell(_OPEN * done / len(lineup.everything()), f"opening {candidate.name}")

        def measuring(turn: int, turns: int, doing: str, _: float) -> None:
            self._tell(_OPEN + (_MEASURED - _OPEN) * turn / turns, doing)

        lineup.lab.open(lineup.telling(), opening)
        if not self._asked.patient:
            self._leave_out_unmade(lineup)
        self._gathered.notes += [
            f"{name} was not measured at batch sizes at which one inference would take {LONGEST_S[1]:.0f} s and more, "
            f"{LONGEST_S[0]} s in files"
            for name in lineup.leave_out_slow()
        ]
        hurried = not self._asked.patient and time.perf_counter() - self._as_if_started > _LATE_S
        if hurried:
            self._gathered.notes += [
                f"{name} was not measured at larger batches: {self._passed(_LATE_S)}"
                for name in lineup.leave_out_larger()
            ]
        lineup.lab.begin(lineup.everything())
        opened = lineup.lab.open(lineup.everything(), opening)
        # The kernel is ours only where it is a candidate's process: whatever else it does disturbs like any neighbour.
        meter = LoadMeter(crew.pids() | {worker.pid for each in opened for worker in each.processes})
        meter.start()
        try:
            duration_s = self._asked.request.duration_s
            slow_s, fewest = _HURRIED if hurried else _UNHURRIED
            # Who asks for longer measurements gets more rounds, as ever.
            rounds = fewest + rounds_for(duration_s) - ROUNDS
            lineup.lab.measure(opened, duration_s, measuring, slow_s=slow_s, rounds=rounds)
        finally:
            self._gathered.other_load = meter.stop()

    def _leave_out_unmade(self, lineup: Lineup) -> None:
        """Wait for what others are compared with, but not for long."""
        models = {source.name for source in lineup.sources}
        for candidate in lineup.comparing():
            self._tell(None, f"converting for {candidate.name}")
            if lineup.lab.is_made(candidate, self._as_if_started + _UNHURRIED_S):
                continue
            lineup.leave_out(candidate)
            if candidate.source.name in models:
                late = self._passed(_UNHURRIED_S)
                self._gathered.notes.append(f"{candidate.name} was not made: {late}; name its runtime to wait for it")

    def _passed(self, limit_s: float) -> str:
        return f"{max(0.0, limit_s - self._started + self._as_if_started):.0f} s had passed already"

    def _ceilings(self, crew: Crew, *, measure: bool) -> Ceilings | None:
        """Give what the machine can do at most."""
        # More threads than cores have no more than the cores can do.
        threads = min(self._threads, self._machine.cores_given)
        return ceilings(
            crew,
            self._limits,
            self._machine,
            threads,
            lambda doing: self._tell(_LOOKED, doing),
            measure=measure,
        )

    def _look_inside(self, crew: Crew, lineup: Lineup) -> None:
        """Have the runtime say what its operators take; measure what the machine can do; look at the numbers."""
        for candidate in lineup.looked_into():
            if candidate.measurement() is None:
                continue
            self._tell(_MEASURED, f"looking into {candidate.name}")
            with self._noting(f"{candidate.name} could not be looked into"):
                seen = operator_profile(crew, lineup.lab.opener, candidate, self._limits)
                self._gathered.profiles.append((candidate, seen))
        if self._asked.request.device == "cpu":
            with self._noting("the machine's ceilings could not be measured"):
                self._gathered.ceilings = self._ceilings(crew, measure=True)
        for source in lineup.sources:
            with self._noting(f"the weights of {source.name} could not be looked at"):
                facts = weight_facts(source, self._asked.request.seed)
                self._gathered.weights += [facts] if facts else []

    def _derive(self, lineup: Lineup) -> None:
        """Make other models of those that were measured, now that it is known where their time goes; measure them."""
        derivation = Derivation(lineup, self._gathered, self._machine, self._as_if_started, self._noting)

        def measuring(turn: int, turns: int, doing: str, _: float) -> None:
            self._tell(_DERIVED + (1.0 - _DERIVED) * turn / turns, doing)

        with self._noting("no other models could be made of these"):
            derivation.make(lambda doing: self._tell(_LOOKED, doing))
            derivation.measure(min(_SHORT_S, self._asked.request.duration_s), measuring)

    def _tell(self, share: float | None, doing: str) -> None:
        self._share = self._share if share is None else share
        self._progress.update(round(100 * self._share), 100, doing)
