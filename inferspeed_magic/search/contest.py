"""Try one candidate after the other: open it, measure it beside the leader, look at its accuracy where that matters."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import WorkerError
from inferspeed_magic.measurement.load import LoadMeter
from inferspeed_magic.panel.parts import one_line
from inferspeed_magic.profiling.batch_choice import choose
from inferspeed_magic.profiling.conversion import Converter
from inferspeed_magic.profiling.environment import environment
from inferspeed_magic.profiling.kept_numbers import KeptNumbers
from inferspeed_magic.profiling.liked_widths import liked_widths
from inferspeed_magic.profiling.opening import Opener, ways
from inferspeed_magic.profiling.racing import FINAL_ROUNDS, Race, is_slower, slower_by
from inferspeed_magic.search.elasticity import Elasticities, Narrower
from inferspeed_magic.search.ideas import Idea
from inferspeed_magic.search.trial import Trial, cost, too_big
from inferspeed_magic.search.wording import expectation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.records import Accuracy, Machine
    from inferspeed_magic.search.asked import Asked
    from inferspeed_magic.search.judge import Judge
    from inferspeed_magic.search.keeping import Shelf
    from inferspeed_magic.workers.crew import Crew

#: Where size or memory counts, accuracy is looked at up to this many times the leader's.
_NEARLY = 1.1


class _LostError(WorkerError):
    """A worker failed while it answered to the data.

    Attributes:
        worker: which one.
    """

    def __init__(self, worker: Any, error: WorkerError) -> None:
        super().__init__(error.status, error.reason)
        self.worker = worker


class Contest:
    """What was tried so far, who leads, and the processes that all this happens in.

    Args:
        crew: starts processes and silences them.
        asked: what is looked for.
        judge: looks at accuracy.
        shelf: keeps artifacts.
        limits: on workers.
        tell: is called with what is being done.
    """

    def __init__(
        self, crew: Crew, asked: Asked, judge: Judge, shelf: Shelf, *, limits: Limits, tell: Callable[[str], None]
    ) -> None:
        self.trials: list[Trial] = []
        self.original: Trial | None = None
        self.other_load: float | None = None
        self.first_numbers_at: float | None = None
        self._goal = asked.goal
        self._exhaustive = asked.exhaustive
        self._crew = crew
        self._judge = judge
        self._shelf = shelf
        self._limits = limits
        self._tell = tell
        # Keras files are read by any backend; the converters are TensorFlow's.
        self.converter = Converter(crew, limits, environment(None, "cpu"))
        self.opener = Opener(
            crew, self.converter, limits, seed=asked.request.seed, device=asked.request.device, tell=tell
        )
        self._race = Race(crew, self.opener, limits, asked.request.seed)

    def leader(self) -> Trial | None:
        """Give the best so far among those that may win and are open."""
        return self._best([trial for trial in self.trials if trial.candidate.well])

    def fallback(self) -> Trial | None:
        """Give the best that leaves the model as it is: what is left if nothing else holds on held-out samples."""
        return self._best([trial for trial in self.trials if trial.idea.technique == "none"])

    def _best(self, trials: Sequence[Trial]) -> Trial | None:
        able = [trial for trial in trials if trial.accepted and trial.open]
        return min(able, key=lambda trial: cost(trial, self._goal), default=None)

    def convert_ahead(self, trial: Trial) -> None:
        """Begin in the background what trying it will need."""
        candidate = trial.candidate
        if candidate.status is None:
            for route in ways(candidate)[:1]:
                self.converter.submit(candidate.source, route, candidate.lowering.batch_size)

    def liked_multiple(self, machine: Machine, trial: Trial) -> int:
        """Say of which number the widths of layers had better be multiples where a candidate runs; 1 if of none."""
        candidate = trial.candidate
        if candidate.lowering.device != "cpu":
            return 1
        self._tell(f"which widths {candidate.runtime.name} likes")
        found = liked_widths(self._crew, self._limits, machine, candidate.runtime)
        return found.multiple_of if found is not None else 1

    def elasticities(self, machine: Machine, trial: Trial, multiple_of: int, limit_s: float) -> dict[str, float]:
        """Say with which power of each layer's width the latency goes where a candidate runs; none where that fails.

        Args:
            machine: that this is.
            trial: of the model as it came, or changed; it is looked at as it came, in float.
            multiple_of: widths are to be multiples of this.
            limit_s: time.
        """
        as_it_came = Idea(trial.idea.runtime)
        plain = next(
            (each.candidate for each in self.trials if each.idea == as_it_came and each.candidate.blocks), None
        )
        if plain is None:
            return {}
        kept = self._kept_elasticities(machine, plain, multiple_of)
        known = kept.read(Elasticities) if kept is not None else None
        if known is not None:
            return known.powers
        narrower = Narrower(
            self._crew, self.converter, self._limits, plain, inputs=self.opener.inputs(plain), tell=self._tell
        )
        found = narrower.elasticities(multiple_of, limit_s)
        if found.complete and kept is not None:
            kept.write(found)
        return found.powers

    def _kept_elasticities(self, machine: Machine, plain: Candidate, multiple_of: int) -> KeptNumbers | None:
        """Name what was measured by all that it follows from; None for a model that cannot be told from others."""
        try:
            model = plain.source.fingerprint()
        except Exception:  # noqa: BLE001  (whatever the user's classes raise)
            return None
        lowering = plain.lowering
        where = (plain.runtime.name, lowering.device, lowering.threads, lowering.batch_size, str(plain.batch_in_file))
        return KeptNumbers("elasticities", machine, model, *where, multiple_of) if model else None

    def attempt(self, trial: Trial) -> None:
        """Try a candidate; whatever goes wrong with it is noted on it."""
        self.trials.append(trial)
        self._tell(f"trying {trial.candidate.name}{expectation(trial.expected)}")
        if trial.candidate.status is None:
            self._open(trial)
        candidate = trial.candidate
        leader = self.leader()
        slower = candidate.well and self._measured(candidate, leader)
        if not candidate.well:
            trial.open = False
            return
        if self.first_numbers_at is None:
            self.first_numbers_at = time.perf_counter()
        if trial is self.original:
            self._judge.ask(candidate)
            trial.selection = self._judge.same()
        not_kept = self._not_kept(trial)
        trial.rejected = trial.rejected or not_kept or too_big(trial, self._goal)
        if self._worth_judging(trial, leader, slower=slower):
            self.judge(trial, "selection")
        elif slower and leader is not None and trial.rejected is None and trial is not self.original:
            trial.rejected = f"{slower_by(candidate, leader.candidate)}, so its accuracy was not looked at"
        self._thin_out()

    def _measured(self, candidate: Candidate, leader: Trial | None) -> bool:
        """Measure a candidate as far as it takes; tell whether it is seen to be slower than the leader."""
        if self._exhaustive:
            self._race.rounds([candidate], FINAL_ROUNDS)
            return leader is not None and is_slower(candidate, leader.candidate)
        return self._race.duel(candidate, leader.candidate if leader else None)

    def judge(self, trial: Trial, part: str) -> None:
        """Look at a candidate's accuracy on a part of the data, and reject it if it is too low."""
        where = "on held-out samples " if part == "held_out" else ""
        self._tell(f"accuracy of {trial.candidate.name} {where}".strip())
        accuracy = self._known(trial) if part == "selection" else None
        try:
            if trial is self.original:
                accuracy = self._judge.same(part)
            accuracy = accuracy or self._accuracy(trial.candidate, part)
        except _LostError as error:
            trial.open = False
            reason = f"when it answered to the data: {error.reason}"
            self.opener.lost(error.worker, trial.candidate, WorkerError(error.status, reason))
            return
        except Exception as error:  # noqa: BLE001  (metrics and evaluate() raise what they like)
            trial.rejected = (
                trial.rejected
                or f"{where}its answers could not be scored: {one_line(str(error) or type(error).__name__)}"
            )
            return
        if part == "held_out":
            trial.held_out = accuracy
            trial.rejected = trial.rejected or too_big(trial, self._goal)
        else:
            trial.selection = accuracy
        refused = self._judge.refusal(accuracy)
        if refused and trial.rejected is None:
            trial.rejected = f"{where}{refused}"

    def _accuracy(self, candidate: Candidate, part: str) -> Accuracy:
        if not candidate.processes:
            raise _LostError(None, WorkerError("failed", "its process is gone"))
        worker = candidate.processes[0]
        try:
            return self._judge.accuracy(candidate, part)
        except WorkerError as error:
            raise _LostError(worker, error) from error

    def _known(self, trial: Trial) -> Accuracy | None:
        """Take the accuracy that an earlier run saw on the same samples of the same artifact."""
        known = trial.known
        # What was trained once more is another model, even with the same lesson.
        if (
            trial.candidate.trained
            or known is None
            or known.selection is None
            or known.settings != trial.candidate.settings
        ):
            return None
        return known.selection if known.selection.samples == self._judge.samples("selection") else None

    def _not_kept(self, trial: Trial) -> str | None:
        """Keep the artifact; say why it cannot be handed back where that fails."""
        artifact = trial.candidate.artifact
        if artifact is None or self._shelf.keep(artifact.path, self._crew.folder) is not None:
            return None
        if artifact.path.startswith("live:"):
            return "no other process can have this model, so there is nothing to hand back: call it yourself"
        return "there was no room to keep its file"

    def final(self, finalists: Sequence[Trial], tell: Callable[[float], None]) -> None:
        """Measure the best to the end, the original among them.

        Args:
            finalists: that are open.
            tell: called with the share that is done.
        """
        keep = [self.original.candidate] if self.original is not None and self.original.candidate.well else []
        racing = [*keep, *(trial.candidate for trial in finalists if trial is not self.original)]
        for candidate in racing:
            self._tell(f"opening {candidate.name} once more")
            self.opener.complete(candidate)
        # The kernel is ours only where it is a candidate's process: whatever else it does disturbs like any neighbour.
        meter = LoadMeter(self._crew.pids() | {worker.pid for each in racing for worker in each.processes})
        meter.start()
        try:
            self._race.final(racing, keep, tell)
        finally:
            self.other_load = meter.stop()
        for trial in self.trials:
            trial.candidate.turns = len(trial.candidate.blocks)

    def _open(self, trial: Trial) -> None:
        """Open it; the model as it is in a file for its batch size and in one for any, whichever is faster."""
        candidate = trial.candidate
        rival = replace(candidate, batch_in_file="dynamic", processes=[], notes=[], blocks=[])
        self.opener.open(candidate)
        both = candidate.technique == "none" and candidate.batch_in_file == "static" and not candidate.variant
        both = both and candidate.source.signature.fixed_batch is None and bool(ways(rival))
        if both and candidate.status != "unsupported":
            self.opener.open(rival)
            trial.candidate = choose(candidate, rival, crew=self._crew, opener=self.opener, limits=self._limits)

    def _worth_judging(self, trial: Trial, leader: Trial | None, *, slower: bool) -> bool:
        """Pay for accuracy only where the candidate could win with it."""
        if not self._judge.settled or trial is self.original:
            return False
        if self._exhaustive:
            return True
        if leader is not None and self._goal.target in ("size", "memory"):
            return cost(trial, self._goal) < _NEARLY * cost(leader, self._goal)
        return not slower

    def _thin_out(self) -> None:
        """Close whoever is seen to be slower than the leader, or may not win."""
        leader = self.leader()
        kept = (leader, self.fallback(), self.original)
        for trial in self.trials:
            if not trial.open or trial in kept:
                continue
            if not trial.accepted or (leader is not None and is_slower(trial.candidate, leader.candidate)):
                trial.open = False
                if trial.candidate.runtime.group is None:
                    self.opener.dismiss(trial.candidate)
