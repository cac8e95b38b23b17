"""What techniques are expected to bring to this model on this machine, said before they are tried."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from inferspeed_magic.diagnosis import speedup
from inferspeed_magic.diagnosis.prediction import expect
from inferspeed_magic.discovery import runtimes, techniques
from inferspeed_magic.profiling.ceilings import ceilings
from inferspeed_magic.profiling.racing import latency_ns
from inferspeed_magic.records import Interval, Prediction
from inferspeed_magic.records.json_form import count_from_json
from inferspeed_magic.search.ideas import Idea

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.records import Ceilings, Machine, ModelCount
    from inferspeed_magic.search.contest import Contest
    from inferspeed_magic.search.trial import Trial
    from inferspeed_magic.sources.source import Source
    from inferspeed_magic.workers.crew import Crew

#: Seconds that have to be left for the machine's ceilings to be measured where they are not known yet: it takes seven.
_ENOUGH_S = 50.0
#: Seconds for counting the model, and for importing a library.
_PATIENCE_S = 10.0
_COUNT = "inferspeed_magic.counting.count:count"


class Foresight:
    """Counts the model in the background, knows the machine's ceilings, and says what follows for a technique.

    Args:
        crew: that workers belong to.
        limits: of workers.
        machine: that this is.
        threads: that candidates run with, no more than there are cores.
        left_s: says how many seconds of the search are left.
        tell: is called with what is being done.
    """

    def __init__(
        self,
        crew: Crew,
        limits: Limits,
        machine: Machine,
        *,
        threads: int,
        left_s: Callable[[], float],
        tell: Callable[[str], None],
    ) -> None:
        self._crew = crew
        # A library that hangs while it is imported may not eat the budget.
        self._limits = replace(limits, import_s=min(limits.import_s, _PATIENCE_S))
        self._machine = machine
        self._threads = min(threads, machine.cores_given)
        self._left_s = left_s
        self._tell = tell
        self._counting: Future[Any] | None = None
        self._counted: ModelCount | None = None
        self._ceilings: Ceilings | None = None
        self._asked_for_ceilings = False

    def begin(self, contest: Contest, source: Source, batch_size: int) -> None:
        """Have the converter's process count the model, when it has done what it was asked for before."""
        if self._counting is None and source.model is not None:
            self._counting = contest.converter.look(_COUNT, source, {"batch_size": batch_size}, in_kernel=False)

    def of(self, trial: Trial, trials: Sequence[Trial]) -> Prediction | None:
        """Say what a technique would bring on its runtime; None where that cannot be known.

        Args:
            trial: that was not tried yet.
            trials: that were, among them the model as it is on the same runtime.
        """
        with contextlib.suppress(Exception):  # no prediction is worth a search that fails
            return self._of(trial, as_it_is(trial, trials))
        return None

    def _of(self, trial: Trial, plain: Trial | None) -> Prediction | None:
        idea = trial.idea
        if idea.technique == "none" or idea.variant or plain is None or trial.candidate.lowering.device != "cpu":
            return None
        technique = techniques()[idea.technique]
        made = technique.step_made(runtimes()[idea.runtime].capabilities().formats)
        effect = technique.effects.get(made or "")
        count = self._count() if effect is not None and trial.candidate.status is None else None
        known = self._known() if count is not None else None
        if effect is None or count is None or known is None:
            return None
        gain, reason = expect(count, known, idea.runtime, latency_ns(plain.candidate) / 1e3, effect)
        return Prediction(trial.candidate.name, reason, gain) if reason else None

    def _count(self) -> ModelCount | None:
        """Give the counts; waits for them once, for a short while."""
        pending, self._counting = self._counting, None
        if pending is not None:
            self._counted = count_from_json(pending.result(timeout=_PATIENCE_S) | {"model": ""})
        return self._counted

    def _known(self) -> Ceilings | None:
        """Give the ceilings, measured at the first question; where little time is left, only those kept earlier."""
        if not self._asked_for_ceilings:
            self._asked_for_ceilings = True
            enough = self._left_s() >= _ENOUGH_S
            self._ceilings = ceilings(
                self._crew, self._limits, self._machine, self._threads, self._tell, measure=enough
            )
        return self._ceilings


def as_it_is(trial: Trial, trials: Sequence[Trial]) -> Trial | None:
    """Find the model as it is on the same runtime, where that was measured."""
    plain = next((each for each in trials if each.idea == Idea(trial.idea.runtime)), None)
    return plain if plain is not None and plain.candidate.blocks else None


def looked_back(trials: Sequence[Trial]) -> tuple[Prediction, ...]:
    """Set what was measured beside what was expected, in the order of trying."""
    found = []
    for trial in trials:
        plain = as_it_is(trial, trials)
        if trial.expected is None or plain is None:
            continue
        found.append(replace(trial.expected, measured=_measured(plain, trial)))
    return tuple(found)


def _measured(plain: Trial, trial: Trial) -> Interval | None:
    """Give the gain, turn by turn; what an earlier run measured is not held against what this one did."""
    before, after = plain.candidate.measurement(), trial.candidate.measurement()
    return speedup(after, before) if before is not None and after is not None else None
