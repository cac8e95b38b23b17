"""One run of ``profile``: convert in the background, open every candidate alone, let all take turns, conclude."""

from __future__ import annotations

import datetime as dt
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from inferspeed_magic.discovery import runtimes, techniques
from inferspeed_magic.errors import ModelError, WorkerError
from inferspeed_magic.measurement.load import LoadMeter
from inferspeed_magic.measurement.machine import describe
from inferspeed_magic.profiling import arguments
from inferspeed_magic.profiling.batch_choice import choose
from inferspeed_magic.profiling.candidate import Candidate
from inferspeed_magic.profiling.changes import calibrate, changed_candidate, rule_out
from inferspeed_magic.profiling.conclusions import conclude
from inferspeed_magic.profiling.conversion import Converter, release
from inferspeed_magic.profiling.environment import environment
from inferspeed_magic.profiling.opening import Opener, ways
from inferspeed_magic.profiling.rounds import measure
from inferspeed_magic.profiling.serving import serve
from inferspeed_magic.records import ProfileRecord
from inferspeed_magic.runtimes.base import Lowering
from inferspeed_magic.sources.preprocessing import after_preprocessing
from inferspeed_magic.version import __version__
from inferspeed_magic.workers.crew import Crew

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from inferspeed_magic.panel.progress import Progress
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.records import Request
    from inferspeed_magic.runtimes.base import Runtime
    from inferspeed_magic.sources.source import Source


class Run:
    """One run of ``profile``, step by step.

    Args:
        asked: the request.
        limits: on workers.
        progress: shows what is being done.
    """

    def __init__(self, asked: Request, limits: Limits, progress: Progress) -> None:
        self.started = time.perf_counter()
        self.created = dt.datetime.now().astimezone().isoformat(timespec="seconds")
        self.request = asked
        self.limits = limits
        self.machine = describe()
        self.threads = asked.threads or self.machine.cores_given
        self.candidates: list[Candidate] = []
        self.first_numbers_s: float | None = None
        self.other_load: float | None = None
        self._progress = progress
        self._numbers: list[tuple[str, float]] = []
        self._done = self._total = 0
        self._rivals: dict[str, Candidate] = {}
        self._parts: dict[str, Source] = {}

    def run(self, handed_in: Mapping[str, Any], inputs: Any, input_shapes: Sequence[Any] | None) -> ProfileRecord:
        """Do everything; whatever happens, no process and no file is left behind."""
        sources: list[Source] = []
        try:
            with Crew() as crew:
                sources = arguments.sources(handed_in, inputs, input_shapes, describer(crew, self.limits))
                for source in sources:
                    source.try_out(self.request.seed)
                self.candidates = self._list_candidates(sources)
                self._progress.start(len(self.candidates))
                self._work(crew, sources)
            self._progress.finish()
        except KeyboardInterrupt:
            self._progress.interrupt("partial results kept")
            raise
        except BaseException:
            self._progress.finish()
            raise
        finally:
            release(sources)
        return self.record()

    def _work(self, crew: Crew, sources: list[Source]) -> None:
        # Keras files are read by any backend; the converters are TensorFlow's.
        converter = Converter(crew, self.limits, environment(None, "cpu"))
        opener = Opener(
            crew, converter, self.limits, seed=self.request.seed, device=self.request.device, tell=self._tell_doing
        )
        background = ThreadPoolExecutor(1, thread_name_prefix="inferspeed-imports")
        try:
            self._start_early(converter, opener, sources, background)
            self._open_all(crew, converter, opener)
        finally:
            # Without waiting: after an interrupt the crew ends whatever these two are waiting for.
            background.shutdown(wait=False, cancel_futures=True)
            converter.close()
        well = [candidate for candidate in self.candidates if candidate.well]
        # The kernel is ours only where it is a candidate's process: whatever else it does disturbs like any neighbour.
        local = {worker.pid for candidate in well for worker in candidate.processes}
        meter = LoadMeter(crew.pids() | local)
        meter.start()
        try:
            self._measure(crew, opener, well)
        finally:
            self.other_load = meter.stop()

    def _list_candidates(self, sources: list[Source]) -> list[Candidate]:
        known = runtimes()
        listed = []
        for source in sources:
            for batch_size in self.request.batch_sizes:
                for name in self.request.runtimes:
                    if "none" in self.request.techniques:
                        listed.append(self._candidate(source, known[name], batch_size))
                    listed += self._changed(source, known[name], batch_size)
        return listed

    def _changed(self, source: Source, runtime: Runtime, batch_size: int) -> list[Candidate]:
        """Make a candidate for each technique that has to do with the runtime."""
        chosen = [techniques()[name] for name in self.request.techniques if name != "none"]
        part = self._part_for_files(source) if runtime.capabilities().batch_in_artifact else source
        lowering = Lowering(self.request.device, self.threads, batch_size, part.precision)
        found = [changed_candidate(part, runtime, lowering, technique, machine=self.machine) for technique in chosen]
        listed = [candidate for candidate in found if candidate is not None]
        for candidate in listed:
            if candidate.changed_by is not None and candidate.changed_by.calibrated:
                calibrate(part, self.request.seed)
        return listed

    def _candidate(self, source: Source, runtime: Runtime, batch_size: int) -> Candidate:
        """Make a candidate, and its rival where the batch in the file is still to be chosen."""
        from_file = runtime.capabilities().batch_in_artifact
        part = self._part_for_files(source) if from_file else source
        lowering = Lowering(self.request.device, self.threads, batch_size, part.precision)
        candidate = Candidate(part, runtime, lowering)
        rule_out(candidate)
        if not from_file or candidate.status is not None:
            return candidate
        rival = replace(candidate, batch_in_file="dynamic", processes=[], notes=[])
        takes_any = source.signature.fixed_batch is None and bool(ways(rival))
        if takes_any and self.request.batch_in_file == "dynamic":
            return rival
        candidate.batch_in_file = "static"
        if takes_any and self.request.batch_in_file == "best":
            self._rivals[candidate.key] = rival
        return candidate

    def _part_for_files(self, source: Source) -> Source:
        """Leave out of a model what no file can hold, once."""
        if source.key not in self._parts:
            self._parts[source.key] = after_preprocessing(source) or source
        return self._parts[source.key]

    def _start_early(
        self, converter: Any, opener: Opener, sources: list[Source], background: ThreadPoolExecutor
    ) -> None:
        """Begin in the background what takes long: importing TensorFlow, and the conversions that will be needed."""
        open_ones = [candidate for candidate in self.candidates if candidate.status is None]
        for source in sources:
            grouped = [each for each in open_ones if each.source is source and each.runtime.group]
            if grouped:
                converter.portable(source)
                worker = opener.start_host(grouped[0])
                background.submit(opener.prepare, worker, grouped[0])
        for candidate in open_ones:
            rival = self._rivals.get(candidate.key)
            for each in [candidate, rival] if rival else [candidate]:
                for route in ways(each)[:1]:
                    converter.submit(each.source, route, each.lowering.batch_size)

    def _open_all(self, crew: Crew, converter: Any, opener: Opener) -> None:
        todo = [candidate for candidate in self.candidates if candidate.status is None]
        self._total = len(todo)
        began = time.perf_counter()
        for number, candidate in enumerate(todo):
            spent = time.perf_counter() - began
            left = (spent / number if number else 2.0) * (len(todo) - number) + self._measuring_s(len(todo))
            self._done = number
            doing = f"opening {candidate.name}, batch {candidate.lowering.batch_size}"
            self._tell(number, 2 * len(todo), f"{doing}; {converter.now}" if converter.now else doing, left)
            opener.open(candidate)
            chosen = self._contest(crew, opener, candidate)
            opener.complete(chosen)
            if chosen.well:
                self._first_look(chosen)

    def _contest(self, crew: Crew, opener: Opener, candidate: Candidate) -> Candidate:
        """Let a candidate's rival take its place if it is faster."""
        rival = self._rivals.get(candidate.key)
        if rival is None or candidate.status == "unsupported":
            return candidate
        opener.open(rival)
        chosen = choose(candidate, rival, crew=crew, opener=opener, limits=self.limits)
        place = next(number for number, each in enumerate(self.candidates) if each is candidate)
        self.candidates[place] = chosen
        return chosen

    def _tell_doing(self, doing: str) -> None:
        self._tell(self._done, 2 * self._total, doing, None)

    def _first_look(self, candidate: Candidate) -> None:
        """Show the latency that the warm-up ended with; the interval comes later."""
        if self.first_numbers_s is None:
            self.first_numbers_s = time.perf_counter() - self.started
        at = f" at batch {candidate.lowering.batch_size}" if len(self.request.batch_sizes) > 1 else ""
        self._numbers.append((candidate.name + at, candidate.expected_ns / 1e6))

    def _measuring_s(self, count: int) -> float:
        return 1.3 * self.request.duration_s * count

    def _measure(self, crew: Crew, opener: Opener, well: list[Candidate]) -> None:
        def tell(done: int, total: int, message: str, left: float) -> None:
            self._done, self._total = done, total
            self._tell(total + done, 2 * total, message, left)

        shared: dict[str, Any] = {
            "crew": crew,
            "opener": opener,
            "limits": self.limits,
            "duration_s": self.request.duration_s,
            "seed": self.request.seed,
            "tell": tell,
        }
        if self.request.scenario == "server":
            serve(well, target_qps=self.request.target_qps, latency_slo_ms=self.request.latency_slo_ms, **shared)
        else:
            measure(well, **shared)

    def _tell(self, done: int, total: int, message: str, left: float | None) -> None:
        self._progress.update(done, total, message, seconds_left=left, first_numbers=tuple(self._numbers))

    def record(self, *, interrupted: bool = False) -> ProfileRecord:
        """Derive what may be said of everything measured so far."""
        results, baseline = conclude(self.candidates, self.request.baseline, self.other_load)
        notes = []
        if not sys.platform.startswith("linux"):
            notes.append("other workers were not stopped while one was timed: this system cannot do that")
        if set(self.request.techniques) - {"none"}:
            notes.append("techniques change the model: the column error says by how much, accuracy was not measured")
        if self.request.baseline and not any(result.summary and result.summary.speedup for result in results):
            notes.append(f"the baseline {self.request.baseline} was not measured, so there are no speed-ups")
        return ProfileRecord(
            request=self.request,
            machine=self.machine,
            results=results,
            baseline=baseline,
            created=self.created,
            elapsed_s=time.perf_counter() - self.started,
            first_numbers_s=self.first_numbers_s,
            interrupted=interrupted,
            notes=tuple(notes),
            version=__version__,
        )


def describer(crew: Crew, limits: Limits) -> Callable[[str, Path], dict[str, Any]]:
    """Read signatures of files in a worker: their libraries crash on bad files."""

    def describe(kind: str, path: Path) -> dict[str, Any]:
        worker = crew.start(
            f"describe_{kind}_{path.stem}", environment=environment(None, "cpu"), memory_limit_mb=limits.memory_mb()
        )
        try:
            said: dict[str, Any] = worker.request(
                f"inferspeed_magic.sources.describe:{kind}", {"path": str(path)}, limits.open_s
            )
        except WorkerError as error:
            raise ModelError(f"{path.name} cannot be read: {error.reason}") from None
        finally:
            crew.dismiss(worker)
        return said

    return describe
