"""Follow the advice of a finding, and measure whether it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inferspeed_magic.diagnosis import compare
from inferspeed_magic.errors import OptionError, UserError
from inferspeed_magic.explanation.circumstances import Circumstance
from inferspeed_magic.explanation.experiment import Experiment
from inferspeed_magic.panel.progress import NoProgress
from inferspeed_magic.profiling import arguments
from inferspeed_magic.profiling.conversion import release
from inferspeed_magic.profiling.limits import LIMITS
from inferspeed_magic.profiling.more import alone
from inferspeed_magic.profiling.run import describer
from inferspeed_magic.records import Interval
from inferspeed_magic.workers.crew import Crew

if TYPE_CHECKING:
    from inferspeed_magic.panel.progress import Progress
    from inferspeed_magic.records import ExplanationRecord, FindingRecord

#: Timed seconds for each of the two: the interval is what this is for.
_DURATION_S = 1.0


@dataclass
class Verifier:
    """What an explanation was made from, so that its advice can be tried; it keeps the models alive.

    Attributes:
        models: what was handed in, by name.
        inputs: given by the user, or None.
        input_shapes: given by the user, or None.
    """

    models: dict[str, Any]
    inputs: Any = None
    input_shapes: Any = None

    def gain(self, record: ExplanationRecord, finding: FindingRecord, progress: Progress | None = None) -> Interval:
        """Measure the model as it was and as advised, in turns.

        Returns:
            The latency before over the latency after.

        Raises:
            OptionError: for a finding whose advice is nothing that could be tried without the user.
            UserError: where one of the two cannot be measured.
        """
        before, after = _pair(record, finding)
        progress = progress or NoProgress()
        with alone(), Crew() as crew:
            given = self._inputs(finding.model)
            sources = arguments.sources(
                {finding.model: self.models[finding.model]}, given, self.input_shapes, describer(crew, LIMITS)
            )
            machine = record.profile.machine
            lab = Experiment(
                crew,
                record.profile.request,
                machine,
                limits=LIMITS,
                threads=record.profile.request.threads or machine.cores_given,
                tell=lambda doing: progress.update(0, 100, doing),
            )
            try:
                return _measured(lab, [lab.candidate(sources[0], each) for each in (before, after)], progress)
            finally:
                lab.converter.close()
                release(sources)

    def _inputs(self, model: str) -> Any:
        by_model = isinstance(self.inputs, dict) and set(self.inputs) == set(self.models)
        return {model: self.inputs[model]} if by_model else self.inputs


def _measured(lab: Experiment, pair: list[Any], progress: Progress) -> Interval:
    lab.begin(pair)
    opened = lab.open(pair, lambda candidate: progress.update(10, 100, f"opening {candidate.name}"))
    for candidate in opened:
        lab.opener.complete(candidate)
    lab.measure(
        [candidate for candidate in opened if candidate.well],
        _DURATION_S,
        lambda turn, turns, doing, _: progress.update(round(20 + 80 * turn / turns), 100, doing),
    )
    timed = [candidate.measurement() for candidate in pair]
    if timed[0] is None or timed[1] is None:
        failed = next(candidate for candidate in pair if candidate.measurement() is None)
        raise UserError(f"{failed.name} could not be measured: {failed.reason or 'it was not reached'}")
    seen = compare(timed[0], timed[1], candidate_name=pair[0].name, reference_name=pair[1].name)
    return Interval(seen.ratio, seen.low, seen.high)


def _pair(record: ExplanationRecord, finding: FindingRecord) -> tuple[Circumstance, Circumstance]:
    """Read a finding's check: what is changed, the runtime, and what it is changed to."""
    if not finding.check:
        raise OptionError(f"{finding.cause} advises to change the model: do so, and explain both of them")
    request = record.profile.request
    threads = request.threads or record.profile.machine.cores_given
    batch_size = request.batch_sizes[0]
    what, runtime, changed = finding.check
    before = Circumstance(runtime, batch_size, threads)
    if what == "runtime":
        return before, Circumstance(changed, batch_size, threads)
    if what == "threads":
        return before, Circumstance(runtime, batch_size, int(changed))
    return before, Circumstance(runtime, batch_size, threads, changed)
