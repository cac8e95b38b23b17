"""Whether a candidate is accurate enough, seen through its own runtime."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import InputError, ModelError, WorkerError
from inferspeed_magic.records import Accuracy, Interval, Metric
from inferspeed_magic.search.metrics import resolve
from inferspeed_magic.search.scoring import compare, degenerate, doubt, refusal, smallest_drop
from inferspeed_magic.sources.structure import pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.search.answers import Answers
    from inferspeed_magic.search.data import Split
    from inferspeed_magic.sources.source import Source
    from inferspeed_magic.sources.structure import Template

    Array = np.ndarray[Any, Any]
    Evaluate = Callable[[Callable[[Any], Any]], Any]

#: Samples that the original answers at once.
_BATCH = 64
#: Its answers to one part of the data are kept up to this size.
_MOST_BYTES = 500_000_000
#: A candidate may take so many times as long as the original, but this many samples it answers in any case.
_PATIENCE = 2.0
_FEWEST = 64
_NAN = float("nan")


class Judge:
    """Compares candidates with the original on the user's data.

    Args:
        source: the model.
        output_template: how its outputs are nested.
        split: what the data is used for.
        answers: runs data through candidates.
        metric: as the user gave it; None for the model's own.
        evaluate: the user's own function from ``predict`` to a score, in place of data and metric; None without one.
        max_drop: how much worse than the original a candidate may be.
        limit_s: seconds for the original to answer each part of the data; what it has not reached is left out.
        seed: of the bootstrap.
    """

    def __init__(
        self,
        source: Source,
        split: Split,
        answers: Answers,
        *,
        output_template: Template,
        metric: Any,
        evaluate: Evaluate | None,
        max_drop: float,
        limit_s: float,
        seed: int,
    ) -> None:
        self._source = source
        self._answers = answers
        self._evaluate = evaluate
        self._max_drop = max_drop
        self._seed = seed
        self._limit_s = limit_s
        self._parts = {"selection": split.selection, "held_out": split.held_out}
        self._originals: dict[str, list[Array]] = {}
        self._reference: Candidate | None = None
        self._output_template = output_template
        self._metric_asked = metric
        self.settled = False
        self.metric = Metric("evaluate(predict)" if evaluate is not None else "none")
        self.warnings: list[str] = []
        self.notes: list[str] = []
        if source.model is not None:
            self._settle()

    def ask(self, reference: Candidate) -> None:
        """Let a candidate answer for the original, where that is a file: its own runtime is right.

        Raises:
            ModelError: where it cannot answer to the data.
        """
        if self._source.model is not None or self.settled:
            return
        self._reference = reference
        try:
            self._settle()
        except WorkerError as error:
            raise ModelError(f"`{self._source.name}` cannot answer to the data: {error.reason}") from None

    def _settle(self) -> None:
        """Find out what accuracy means, and how good the original is."""
        if self._evaluate is not None:
            self._score_of_original = self._evaluated(self._predict_original)
            if not math.isfinite(self._score_of_original):
                raise InputError(f"evaluate(predict) gives {self._score_of_original} for the model as it is")
            self.settled = True
            return
        outputs = self._original("selection")
        part = self._parts["selection"]
        self._scorer = resolve(self._source.model, self._metric_asked, part.labels, outputs)
        self.metric = self._scorer.metric
        self.notes += self._scorer.notes
        self.warnings += self._scorer.warnings
        suspect = degenerate(outputs, part.labels, self._scorer)
        if suspect:
            self.warnings.append(suspect)
        self.settled = True

    @property
    def outputs(self) -> int | None:
        """Number of the model's outputs; None where it is not known."""
        return len(self._originals["selection"]) if "selection" in self._originals else None

    def samples(self, name: str) -> int:
        """Count the samples of a part that are used."""
        return len(self._parts[name].inputs[0]) if self._evaluate is None else 0

    def accuracy(self, candidate: Candidate, name: str = "selection") -> Accuracy:
        """Score a candidate on a part of the data.

        Args:
            candidate: that is open.
            name: ``selection`` or ``held_out``.

        Raises:
            WorkerError: where the candidate fails on the data.
        """
        if self._evaluate is not None:
            # Whoever calls predict may pass what Keras takes beside the inputs (batch_size, verbose).
            value = self._evaluated(lambda inputs, *_, **__: self._predict(candidate, inputs))
            if not math.isfinite(value):
                raise InputError(f"evaluate(predict) gives {value}")
            drop = self._score_of_original - value
            return Accuracy(value, self._score_of_original, Interval(drop, _NAN, _NAN), 0)
        self._original(name)
        self._afford(candidate, name)
        part, original = self._parts[name], self._originals[name]
        mine = self._answers.of(candidate, part.inputs)
        accuracy = compare(self._scorer, part, original, mine, self._seed)
        if not math.isfinite(accuracy.original):
            raise InputError(f"{self.metric.name} has no value for the original on these {len(part):,} samples")
        return accuracy

    def _afford(self, candidate: Candidate, name: str) -> None:
        """Leave out samples that would take too long to answer, one batch after the other; for everybody from then."""
        seconds = max(candidate.expected_ns, 1.0) / 1e9 / candidate.lowering.batch_size
        count = max(_FEWEST, int(_PATIENCE * self._limit_s / seconds))
        if count < len(self._parts[name]):
            self._parts[name] = self._parts[name].at(slice(count))
            self._originals[name] = [array[:count] for array in self._originals[name]]

    def refusal(self, accuracy: Accuracy) -> str | None:
        """Say why a candidate is not accurate enough, or None where it is."""
        return refusal(accuracy, self._max_drop, self.metric)

    def resolution(self) -> float:
        """Give the smallest drop that the selection samples can tell from none; NaN where that is not known."""
        return _NAN if self._evaluate is not None else smallest_drop(self._scorer, self.samples("selection"))

    def doubt(self, accuracy: Accuracy | None) -> str | None:
        """Say what the data cannot tell, or None."""
        return None if accuracy is None else doubt(accuracy, self._max_drop, self.metric)

    def same(self, name: str = "selection") -> Accuracy | None:
        """Give the accuracy of the original itself on a part of the data; None where it is not known."""
        if not self.settled:
            return None
        if self._evaluate is not None:
            return Accuracy(self._score_of_original, self._score_of_original, Interval(0.0, _NAN, _NAN), 0)
        outputs = self._original(name)
        return compare(self._scorer, self._parts[name], outputs, outputs, self._seed)

    def _original(self, name: str) -> list[Array]:
        """Let the original answer to a part of the data, as far as the time reaches."""
        if name not in self._originals:
            part = self._parts[name]
            if self._reference is not None:
                seconds = max(self._reference.expected_ns, 1.0) / 1e9 / self._reference.lowering.batch_size
                part = part.at(slice(max(_FEWEST, int(_PATIENCE * self._limit_s / seconds))))
                self._originals[name] = self._answers.of(self._reference, part.inputs)
            else:
                self._originals[name] = self._in_batches(part.inputs, self._limit_s)
            answered = len(self._originals[name][0])
            self._parts[name] = part.at(slice(answered))
        return self._originals[name]

    def _in_batches(self, inputs: list[Array], limit_s: float) -> list[Array]:
        """Run the live model on samples, as far as time and memory reach."""
        batch = self._source.signature.fixed_batch or _BATCH
        count = len(inputs[0])
        collected: list[list[Array]] = []
        kept_bytes = 0
        began = time.perf_counter()
        for start in range(0, count, batch):
            places = np.arange(start, start + batch) % count if self._source.signature.fixed_batch else None
            chunk = [array[start : start + batch] if places is None else array[places] for array in inputs]
            outputs = [each[: count - start] for each in self._source.outputs(chunk)]
            collected.append(outputs)
            kept_bytes += sum(each.nbytes for each in outputs)
            if time.perf_counter() - began > limit_s or (kept_bytes > _MOST_BYTES and math.isfinite(limit_s)):
                break
        return [np.concatenate(parts) for parts in zip(*collected, strict=True)]

    def _evaluated(self, predict: Callable[[Any], Any]) -> float:
        assert self._evaluate is not None  # noqa: S101  (who calls this has asked)
        value = self._evaluate(predict)
        try:
            return float(value)
        except (TypeError, ValueError):
            raise InputError(
                f"evaluate(predict) has to return one number, higher is better; it returned a {type(value).__name__}"
            ) from None

    def _predict_original(self, inputs: Any, *_: Any, **__: Any) -> Any:
        if self._reference is not None:
            return self._predict(self._reference, inputs)
        return self._packed(self._answered(inputs, lambda arrays: self._in_batches(arrays, float("inf"))))

    def _predict(self, candidate: Candidate, inputs: Any) -> Any:
        return self._packed(self._answered(inputs, lambda arrays: self._answers.of(candidate, arrays)))

    def _answered(self, inputs: Any, run: Callable[[list[Array]], list[Array]]) -> list[Array]:
        from inferspeed_magic.sources.inputs import checked

        _, arrays = checked(self._source.name, self._source.signature, inputs)
        return run(arrays)

    def _packed(self, outputs: list[Array]) -> Any:
        if self._source.model is None and len(outputs) > 1:
            return outputs
        return pack(self._output_template, outputs)
