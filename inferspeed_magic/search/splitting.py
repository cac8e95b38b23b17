"""One set of samples for three ends: ranges, choice, and a last look. No sample serves two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import InputError
from inferspeed_magic.records.optimization import DataSplit
from inferspeed_magic.sources.structure import taken

if TYPE_CHECKING:
    from inferspeed_magic.search.data import Samples

    Array = np.ndarray[Any, Any]
    #: Of each output, by position or by name; None without labels.
    Labels = list[Array] | dict[str, Array] | None

CALIBRATION = 100
SELECTION = 2000
HELD_OUT = 5000
#: At most one sample in so many is used for calibration.
_ONE_IN = 5


@dataclass(frozen=True)
class Part:
    """Samples for one end.

    Attributes:
        inputs: one array for each input, samples first.
        labels: for each output, by position or by name; None without labels.
        weights: of samples; None for equal ones.
    """

    inputs: list[Array]
    labels: Labels = None
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.inputs[0])

    def at(self, places: Any) -> Part:
        """Take the samples at these places (an index or a slice)."""
        return Part(*(taken(each, places) for each in (self.inputs, self.labels, self.weights)))


@dataclass(frozen=True)
class Split:
    """What the samples are used for.

    Attributes:
        calibration: inputs that ranges are found with.
        selection: samples that candidates are chosen with.
        held_out: samples that only the winners are verified with.
        numbers: how many these are, for the report.
    """

    calibration: list[Array]
    selection: Part
    held_out: Part
    numbers: DataSplit


def split(
    samples: Samples,
    seed: int,
    *,
    own_calibration: list[Array] | None = None,
    calibration_samples: int = CALIBRATION,
    most_selection: int = SELECTION,
    most_held_out: int = HELD_OUT,
) -> Split:
    """Split the samples by a seeded permutation: data is often sorted by class.

    A fifth of the samples is for calibration, up to ``calibration_samples``; the rest is halved between selection and
    the held-out part, up to the most of each.

    Args:
        samples: what there is.
        seed: the same seed gives the same split.
        own_calibration: inputs that the user gave for calibration; the samples are then split in two only.
        calibration_samples: at most so many for calibration.
        most_selection: at most so many for selection.
        most_held_out: at most so many for the last check.

    Raises:
        InputError: for fewer samples than parts.
    """
    count, parts = len(samples), 3 if own_calibration is None else 2
    if count < parts:
        raise InputError(
            f"the data has {count} sample{'' if count == 1 else 's'}: it takes at least {parts}, one for each of "
            f"{'calibration, ' if parts == 3 else ''}selection and the last check; a few hundred tell more"  # noqa: PLR2004
        )
    order = np.random.default_rng(seed).permutation(count)
    first = 0 if own_calibration is not None else min(calibration_samples, max(1, count // _ONE_IN))
    rest = count - first
    selected = max(1, min(most_selection, rest // 2))
    held_out = min(most_held_out, rest - selected)
    everything = Part(samples.inputs, samples.labels, samples.weights)
    calibration = everything.at(order[:first]).inputs if own_calibration is None else own_calibration
    numbers = DataSplit(
        calibration=len(calibration[0]) if calibration else 0,
        selection=selected,
        held_out=held_out,
        given=samples.given,
    )
    return Split(
        calibration,
        everything.at(order[first : first + selected]),
        everything.at(order[first + selected : first + selected + held_out]),
        numbers,
    )
