"""How scores and drops read: in percent where scores are shares, with the digits that the data supports."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from inferspeed_magic.panel.numbers import MISSING, number
from inferspeed_magic.panel.parts import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inferspeed_magic.records import Accuracy, Interval, Metric, OptimizationRecord

_MOST_DECIMALS = 6
_SMALL = 1e-4


@dataclass(frozen=True)
class Scores:
    """One way to write all scores and all drops of a record.

    Attributes:
        metric: what they are scores of.
        percent: whether scores are shares, shown in percent; drops are then percentage points.
        decimals: of scores in percent.
        drop_decimals: of drops; None where there are no intervals to take it from.
    """

    metric: Metric
    percent: bool
    decimals: int
    drop_decimals: int | None

    @property
    def name(self) -> str:
        """What the metric is called."""
        return one_line(self.metric.name)

    @property
    def title(self) -> str:
        """Name the metric as an axis does."""
        direction = "" if self.metric.higher_is_better else ", lower is better"
        return f"{self.name}{' (%)' if self.percent else ''}{direction}"

    @property
    def worse(self) -> str:
        """What a score does when it gets worse: ``drop`` or ``rise``."""
        return "drop" if self.metric.higher_is_better else "rise"

    @property
    def drop_header(self) -> str:
        """Name a drop and its unit."""
        unit = ", points" if self.percent else ", %" if self.metric.relative else ""
        return f"{self.worse}{unit}"

    @property
    def scale(self) -> float:
        """What scores are multiplied by to be shown."""
        return 100.0 if self.percent else 1.0

    @property
    def drop_scale(self) -> float:
        """What drops are multiplied by to be shown."""
        return 100.0 if self.percent or self.metric.relative else 1.0

    def score(self, value: float) -> str:
        """Write a score: ``97.3%`` or ``0.1234``."""
        if not math.isfinite(value):
            return number(value)
        if not self.percent:
            return _significant(value)
        # What is nearly perfect must not look perfect.
        for decimals in range(self.decimals, _MOST_DECIMALS):
            shown = f"{100 * value:.{decimals}f}"
            if value == 1 or float(shown) != 100:  # noqa: PLR2004 - percent
                return f"{shown}%"
        return f"{100 * value:.{_MOST_DECIMALS}f}%"

    def drop(self, drop: Interval) -> tuple[str, str]:
        """Write a drop and its interval without their unit: ``0.31`` and ``(-0.10 to 0.72)``."""
        known = math.isfinite(drop.low) and math.isfinite(drop.high)
        bounds = f"({self._drop(drop.low)} to {self._drop(drop.high)})" if known else ""
        return self._drop(drop.value), bounds

    def drop_words(self, drop: Interval) -> str:
        """Write a drop as a sentence does: ``0.31 percentage points (-0.10 to 0.72)``."""
        value, bounds = self.drop(drop)
        return f"{value}{self._unit} {bounds}".rstrip()

    def allowed(self, drop: float) -> str:
        """Write a drop that a person typed: ``1 percentage point``."""
        shown = f"{self.drop_scale * drop:,g}"
        return f"{shown} percentage point{'s' * (shown != '1')}" if self.percent else f"{shown}{self._unit}"

    def resolution(self, drop: float) -> str:
        """Write the smallest drop that can be told from none."""
        return f"{drop * self.drop_scale:.2g}{self._unit}"

    @property
    def _unit(self) -> str:
        return " percentage points" if self.percent else "%" if self.metric.relative else ""

    def _drop(self, value: float) -> str:
        if not math.isfinite(value):
            return MISSING
        shown = value * self.drop_scale
        if self.drop_decimals is None:
            return number(shown)
        # Adding zero makes -0.0 positive.
        return f"{round(shown, self.drop_decimals) + 0.0:,.{self.drop_decimals}f}"


def scores(record: OptimizationRecord) -> Scores:
    """Choose how to write the scores of a record."""
    found = [accuracy for accuracy in _accuracies(record) if math.isfinite(accuracy.value)]
    values = [value for accuracy in found for value in (accuracy.value, accuracy.original) if math.isfinite(value)]
    percent = not record.metric.relative and all(0 <= value <= 1 for value in values)
    samples = max((accuracy.samples for accuracy in found), default=0)
    scale = 100.0 if percent or record.metric.relative else 1.0
    widths = [scale * (each.drop.high - each.drop.low) / 2 for each in found if each.drop.high > each.drop.low]
    widths = [width for width in widths if math.isfinite(width)]
    return Scores(
        metric=record.metric,
        percent=percent,
        # Of 1,000 samples each is 0.1%.
        decimals=min(3, max(1, math.ceil(math.log10(max(1, samples))) - 2)),
        drop_decimals=_drop_decimals(widths, scale),
    )


def _drop_decimals(widths: list[float], scale: float) -> int | None:
    """Leave two digits of what intervals leave open; without intervals, of what people call a percent."""
    if widths:
        return min(_MOST_DECIMALS, max(0, 1 - math.floor(math.log10(median(widths)))))
    return None if scale == 1 else 2


def _accuracies(record: OptimizationRecord) -> Iterator[Accuracy]:
    for result in record.profile.results:
        yield from (one for one in (result.selection, result.held_out) if one)
    yield from (step.accuracy for step in record.path if step.accuracy)


def _significant(value: float) -> str:
    """Write four digits: scores of candidates that are worth comparing differ in the later ones."""
    if value and abs(value) < _SMALL:
        return f"{value:.3e}"
    place = 3 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:,.{max(0, place)}f}"
