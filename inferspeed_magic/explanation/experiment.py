"""Open candidates and measure them in turns; the processes that this happens in."""

from __future__ import annotations

import time
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any

from inferspeed_magic.discovery import runtimes, techniques
from inferspeed_magic.profiling.candidate import Candidate
from inferspeed_magic.profiling.changes import calibrate, changed_candidate, rule_out
from inferspeed_magic.profiling.conversion import Converter
from inferspeed_magic.profiling.environment import environment
from inferspeed_magic.profiling.opening import Opener, ways
from inferspeed_magic.profiling.rounds import measure
from inferspeed_magic.runtimes.base import Lowering
from inferspeed_magic.sources.preprocessing import after_preprocessing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from inferspeed_magic.explanation.circumstances import Circumstance
    from inferspeed_magic.profiling.conversion import Artifact
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.records import Machine, Request
    from inferspeed_magic.sources.source import Source
    from inferspeed_magic.workers.crew import Crew


class Experiment:
    """Candidates of one run, each circumstance of a model once.

    Args:
        crew: starts processes and silences them.
        request: how everything is measured.
        machine: that this is.
        limits: on workers.
        threads: of candidates that do not say otherwise.
        tell: is called with what is being done.
    """

    def __init__(
        self,
        crew: Crew,
        request: Request,
        machine: Machine,
        *,
        limits: Limits,
        threads: int,
        tell: Callable[[str], None],
    ) -> None:
        self._crew = crew
        self._request = request
        self._machine = machine
        self._limits = limits
        self._threads = threads
        self._tell = tell
        self._parts: dict[str, Source] = {}
        self._made: dict[tuple[str, Circumstance], Candidate] = {}
        self._round = 0
        # Keras files are read by any backend; the converters are TensorFlow's.
        self.converter = Converter(crew, limits, environment(None, "cpu"))
        self.opener = Opener(
            crew, self.converter, limits, seed=request.seed, device=request.device, thorough=False, tell=tell
        )

    def candidate(self, source: Source, circumstance: Circumstance) -> Candidate:
        """Give the candidate of a model under a circumstance; nothing is opened yet."""
        key = source.key, circumstance
        if key not in self._made:
            self._made[key] = self._make(source, circumstance)
        return self._made[key]

    def _make(self, source: Source, circumstance: Circumstance) -> Candidate:
        runtime = runtimes()[circumstance.runtime]
        from_file = runtime.capabilities().batch_in_artifact
        part = self.part(source) if from_file else source
        lowering = Lowering(self._request.device, circumstance.threads, circumstance.batch_size, part.precision)
        variant = "" if circumstance.threads == self._threads else f"threads {circumstance.threads}"
        if circumstance.technique == "none" or circumstance.step is not None:
            made = Candidate(
                part,
                runtime,
                lowering,
                "static" if from_file else None,
                circumstance.technique,
                variant,
                changed_by=circumstance.step,
            )
            rule_out(made)
            return made
        technique = techniques()[circumstance.technique]
        changed = changed_candidate(part, runtime, lowering, technique, machine=self._machine)
        assert changed is not None  # noqa: S101  (circumstances name techniques of the runtime)
        if changed.changed_by is not None and changed.changed_by.calibrated:
            calibrate(part, self._request.seed)
        return changed

    def part(self, source: Source) -> Source:
        """Leave out of a model what no file can hold, once."""
        if source.key not in self._parts:
            self._parts[source.key] = after_preprocessing(source) or source
        return self._parts[source.key]

    def begin(self, candidates: Sequence[Candidate]) -> None:
        """Begin in the background with the conversions that these will need."""
        for candidate in candidates:
            if candidate.status is None:
                self.conversions(candidate)

    def conversions(self, candidate: Candidate) -> list[Future[Artifact]]:
        """Begin with the conversion that a candidate needs first, unless it has begun, and give what comes of it."""
        batch_size = candidate.lowering.batch_size
        return [self.converter.submit(candidate.source, route, batch_size) for route in ways(candidate)[:1]]

    def is_made(self, candidate: Candidate, until: float) -> bool:
        """Wait for the file of a candidate, whose conversion has begun; one that is not there in time is given up.

        Args:
            candidate: whose file it is.
            until: when to stop waiting, as ``time.perf_counter()``.

        Returns:
            Whether it is there (or could not be made).
        """
        pending = self.conversions(candidate) if candidate.status is None else []
        wait(pending, timeout=max(0.0, until - time.perf_counter()))
        for each in pending:
            if each.cancel() or each.done():
                continue
            if candidate.source.stays_live is None:
                self.converter.give_up()  # nobody is to wait behind it
            else:
                wait([each])  # in the kernel, where nothing can end it: it would disturb what is measured there
        return all(each.done() and not each.cancelled() for each in pending)

    def open(self, candidates: Sequence[Candidate], tell: Callable[[Candidate], None]) -> list[Candidate]:
        """Open those that are not open yet; what fails carries its reason.

        Returns:
            Those that are open.
        """
        for candidate in candidates:
            if candidate.status is None and not candidate.processes:
                tell(candidate)
                self.opener.open(candidate)
        return [candidate for candidate in candidates if candidate.well]

    def measure(
        self,
        candidates: Sequence[Candidate],
        duration_s: float,
        tell: Callable[[int, int, str, float], None],
        **options: Any,
    ) -> None:
        """Let these take turns, beside each other; options are those of ``profiling.rounds.measure``."""
        options |= {"seed": self._request.seed, "tell": tell, "first_round": self._round}
        self._round = measure(
            candidates, crew=self._crew, opener=self.opener, limits=self._limits, duration_s=duration_s, **options
        )
