"""A metric bound to the outputs of one model: from labels and outputs to a score."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import InputError
from inferspeed_magic.search.compiled import position_of
from inferspeed_magic.search.measure import of_samples, per_sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inferspeed_magic.records.accuracy import Metric
    from inferspeed_magic.search.measure import Measure
    from inferspeed_magic.search.splitting import Labels

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Scorer:
    """A metric, ready to be computed on this model's outputs.

    Attributes:
        metric: for the report.
        measure: how it is computed.
        pick: chooses from labels and outputs what the measure looks at.
        notes: what was chosen or inferred, for the report.
        warnings: what the metric does not see.
    """

    metric: Metric
    measure: Measure
    pick: Callable[[Any, Sequence[Array]], tuple[Any, Any]]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def score(self, labels: Labels, outputs: Sequence[Array], weights: Array | None = None) -> float:
        """Compute the score.

        Args:
            labels: for each output; the original's outputs where there are none.
            outputs: in flat order, samples first.
            weights: of samples, or of their steps.
        """
        values = self.per_sample(labels, outputs, weights)
        if values is not None:
            return float(np.average(values, weights=of_samples(weights)))
        if self.measure.whole is None:
            raise TypeError(f"{self.metric.name} has no function")
        with quiet():
            return float(self.measure.whole(*self.pick(labels, outputs), weights))

    def per_sample(self, labels: Labels, outputs: Sequence[Array], weights: Array | None = None) -> Array | None:
        """Give the score of each sample, shape ``(samples,)``; None for metrics that are no mean over samples.

        Args:
            labels: as of ``score``.
            outputs: as of ``score``.
            weights: only those of steps (two and more dimensions) matter here.
        """
        if self.measure.values is None:
            return None
        with quiet():
            return per_sample(self.measure.values(*self.pick(labels, outputs)), weights)


class quiet(warnings.catch_warnings):  # noqa: N801  (reads as a word in a with statement)
    """Silence numpy and the libraries: classes that a resample lacks are expected."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.simplefilter("ignore")


def picker(position: int, outputs: int, names: list[str]) -> Callable[[Any, Sequence[Array]], tuple[Array, Array]]:
    """Choose one output and its labels.

    Args:
        position: of the output, in flat order.
        outputs: how many there are.
        names: of the outputs; empty where they have none.
    """

    def pick(labels: Any, found: Sequence[Array]) -> tuple[Array, Array]:
        return label_of(labels, position, outputs, names), found[position]

    return pick


def label_of(labels: Any, position: int, outputs: int, names: list[str]) -> Array:
    """Find the labels of one output, by its name or its position.

    Raises:
        InputError: for labels that do not fit the number of outputs.
    """
    if isinstance(labels, dict):
        keys = list(labels)
        for key in keys:
            if position_of(key, keys, names) == position:
                return np.asarray(labels[key])
        known = f"named {', '.join(names)}" if names else f"{outputs} in number"
        raise InputError(
            f"no labels for output {position + 1}: the labels are named {', '.join(keys)}, outputs {known}"
        )
    if len(labels) not in (1, outputs):
        raise InputError(f"the data has labels for {len(labels)} outputs, the model has {outputs}")
    return np.asarray(labels[position if len(labels) == outputs else 0])
