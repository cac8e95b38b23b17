"""Who takes part: every model, and models without work beside them, under every circumstance."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from inferspeed_magic.diagnosis import median_interval
from inferspeed_magic.explanation import circumstances
from inferspeed_magic.profiling.opening import ways
from inferspeed_magic.sources.idle import KINDS, idle, takes_numbers

if TYPE_CHECKING:
    from inferspeed_magic.explanation.circumstances import Circumstance
    from inferspeed_magic.explanation.experiment import Experiment
    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.records import Interval, Request
    from inferspeed_magic.sources.source import Source


#: Estimates for larger batches up to which these are measured, for files and for Keras's call paths.
LONGEST_S = (0.2, 1.0)


@dataclass
class Lineup:
    """Candidates of one explanation.

    Attributes:
        lab: makes and measures them.
        sources: the models that were handed in.
        request: how they are measured.
        threads: of those that do not say otherwise.
        profiled: the runtime that is looked into; None where none says what its operators take.
        idle: the model without work that has the same inputs, by the name of the model.
    """

    lab: Experiment
    sources: list[Source]
    request: Request
    threads: int
    profiled: str | None
    idle: dict[str, Source] = field(default_factory=dict)
    _left_out: set[str] = field(default_factory=set)

    def make_idle(self) -> None:
        """Make a model without work for every set of inputs: what it takes is the call itself."""
        made: dict[str, Source] = {}
        for source in self.sources:
            if source.kind not in KINDS or not takes_numbers(source.signature):
                continue
            like = repr([source.kind, *((spec.shape, spec.dtype) for spec in source.signature.inputs)])
            if like not in made:
                made[like] = idle(f"idle_{len(made)}", source.kind, source.signature)
            self.idle[source.name] = made[like]

    def idlers(self) -> list[Source]:
        """List the models without work, each once."""
        return list({source.key: source for source in self.idle.values()}.values())

    def candidates(self, source: Source) -> list[Candidate]:
        """List a model under everything that it is measured under, larger batches at the end."""
        found = list(circumstances.usual(self.request, self.threads))
        if any(source is each for each in self.sources):
            found += [*(each for _, _, each in self.counterfactuals()), *self._batches()]
        listed = [self.lab.candidate(source, each) for each in found]
        return [each for each in listed if each.key not in self._left_out]

    def everything(self) -> list[Candidate]:
        """List all of them."""
        return [candidate for source in (*self.sources, *self.idlers()) for candidate in self.candidates(source)]

    def telling(self) -> list[Candidate]:
        """List those at the usual batch size that every answer needs: what users call, and what is looked into."""
        return [
            each
            for each in self._at_usual_batch()
            if each.technique == "none" and (each.runtime.group or each.runtime.name == self.profiled)
        ]

    def comparing(self) -> list[Candidate]:
        """List the others at the usual batch size, those first whose files are made of what is made already."""
        begun = {ways(each)[0][:1] for each in self.telling() if each.status is None and ways(each)}

        def effort(candidate: Candidate) -> int:
            if candidate.status is not None or not ways(candidate) or candidate.variant:
                return 0
            return 2 if candidate.technique != "none" else int(ways(candidate)[0][:1] not in begun)

        telling = {id(each) for each in self.telling()}
        return sorted((each for each in self._at_usual_batch() if id(each) not in telling), key=effort)

    def _at_usual_batch(self) -> list[Candidate]:
        return [each for each in self.everything() if each.lowering.batch_size == self.request.batch_sizes[0]]

    def leave_out(self, candidate: Candidate) -> None:
        """Leave out a candidate that would take too long."""
        self._left_out.add(candidate.key)

    def leave_out_slow(self) -> list[str]:
        """Leave out larger batches that would take too long, by what each sample takes at the usual one.

        Returns:
            The names of the models that this happened to.
        """
        usual_size, names = self.request.batch_sizes[0], []
        for source in self.sources:
            for each in self._batches():
                usual = self.lab.candidate(source, replace(each, batch_size=usual_size))
                call_ns = self._call_ns(source, each.runtime)
                samples_ns = max(0.0, usual.expected_ns - call_ns) * each.batch_size / usual_size
                too_slow = call_ns + samples_ns > 1e9 * LONGEST_S[each.runtime.startswith("keras")]
                if usual.well and too_slow:
                    names.append(source.name)
                if not usual.well or too_slow:
                    self.leave_out(self.lab.candidate(source, each))
        return list(dict.fromkeys(names))

    def leave_out_larger(self) -> list[str]:
        """Leave out larger batches; gives the names of the models that would have had some."""
        left_out = [
            candidate
            for source in self.sources
            for candidate in (self.lab.candidate(source, each) for each in self._batches())
            if candidate.status is None and candidate.key not in self._left_out
        ]
        for candidate in left_out:
            self.leave_out(candidate)
        return list(dict.fromkeys(candidate.source.name for candidate in left_out))

    def _call_ns(self, source: Source, runtime: str) -> float:
        """Give what a call takes without any work in it; 0 where that is not known."""
        if source.name not in self.idle:
            return 0.0
        idle_one = self.lab.candidate(
            self.idle[source.name], circumstances.Circumstance(runtime, self.request.batch_sizes[0], self.threads)
        )
        return idle_one.expected_ns if idle_one.well else 0.0

    def _batches(self) -> list[Circumstance]:
        return list(circumstances.batches(self.request, self.threads, self.profiled))

    def counterfactuals(self) -> list[tuple[str, str, Circumstance]]:
        """List what is changed on the runtime that is looked into: a slug, words, and the circumstance."""
        return list(circumstances.counterfactuals(self.request, self.threads, self.profiled))

    def as_is(self) -> Circumstance | None:
        """Give the circumstance that counterfactuals are compared with; None where nothing is looked into."""
        if self.profiled is None:
            return None
        return circumstances.Circumstance(self.profiled, self.request.batch_sizes[0], self.threads)

    def looked_into(self) -> list[Candidate]:
        """List the models on the runtime that is looked into, as they are and in int8."""
        return [
            candidate
            for source in self.sources
            for candidate in self.candidates(source)
            if candidate.runtime.name == self.profiled
            and candidate.lowering.batch_size == self.request.batch_sizes[0]
            and not candidate.variant
        ]

    def latencies(self, source: Source | None) -> dict[str, Interval]:
        """Give the p50 of every way to call a model, in ms; nothing for none."""
        found: dict[str, Interval] = {}
        if source is None:
            return found
        for each in circumstances.usual(self.request, self.threads):
            measured = self.lab.candidate(source, each).measurement()
            if measured is not None:
                found[each.runtime] = median_interval(measured)
        return found
