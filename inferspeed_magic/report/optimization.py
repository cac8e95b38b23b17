"""What ``optimize`` hands back: what was measured, and models that can be called."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from inferspeed_magic.errors import OptionError
from inferspeed_magic.panel import optimize_charts, optimize_panel, optimize_picture, optimize_text, optimize_view
from inferspeed_magic.panel.optimize_controls import show_optimized
from inferspeed_magic.panel.progress import in_notebook
from inferspeed_magic.records import Interval
from inferspeed_magic.records.json_form import to_json
from inferspeed_magic.report.profile import Drawn, Report, write

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import pandas as pd

    from inferspeed_magic.optimized import OptimizedModel
    from inferspeed_magic.records import OptimizationRecord

_GAINS = ("expected", "measured")
_PREDICTED = ["name", *(f"{gain}{end}" for gain in _GAINS for end in ("", "_low", "_high")), "reason"]


class OptimizeReport(Report):
    """The outcome of one ``optimize``.

    Args:
        optimization: what was measured and chosen.
        models: the candidates that were measured, by name, ready to be opened; None for a report that was loaded.
    """

    def __init__(self, optimization: OptimizationRecord, models: Mapping[str, OptimizedModel] | None = None) -> None:
        super().__init__(optimization.profile)
        self.optimization = optimization
        self._models = models

    @property
    def best(self) -> OptimizedModel | None:
        """The winner, called like the model that went in; None where nothing met the goal."""
        return None if self.optimization.best is None else self.pick(self.optimization.best)

    @property
    def pareto(self) -> tuple[OptimizedModel, ...]:
        """The candidates that no other one beats in latency and accuracy, the fastest first."""
        known = self._models
        # Points of earlier runs, and models that no file holds, are in the chart and cannot be handed out.
        return tuple(self.pick(name) for name in self.optimization.pareto if known is None or name in known)

    @property
    def predictions(self) -> pd.DataFrame:
        """One row for each technique on each runtime: the gain that was expected before it was tried, and measured.

        Gains are latency before over latency after, over the model as it is on the same runtime; ``expected`` is NaN
        where slower was expected, ``measured`` where it was not measured.
        """
        import pandas as pd

        missing = Interval(math.nan, math.nan, math.nan)
        rows = []
        for each in self.optimization.predictions:
            expected, measured = each.expected or missing, each.measured or missing
            rows.append(
                {
                    "name": each.name,
                    **_spread("expected", expected),
                    **_spread("measured", measured),
                    "reason": each.reason,
                }
            )
        return pd.DataFrame(rows, columns=_PREDICTED)

    def pick(self, name: str) -> OptimizedModel:
        """Give any candidate that was measured, the winner or not.

        Args:
            name: as in the table, ``model/runtime+technique``; the name of the model may be left out.

        Raises:
            OptionError: for a name that is none of them; and for reports that were loaded, which hold no models.
        """
        if self._models is None:
            raise OptionError(
                "a report that was loaded holds no models: save the one you want with report.best.save(folder) where "
                "it was made, and read it with inferspeed_magic.load(folder)"
            )
        for known, model in self._models.items():
            if name in (known, known.partition("/")[2]):
                return model
        if any(name in (result.name, result.way) for result in self.results):
            raise OptionError(
                f"{name!r} cannot be handed out: it was not measured in this run, or no file holds it; "
                f"there are {', '.join(self._models)}"
            )
        raise OptionError(f"{name!r} was not measured; there are {', '.join(self._models)}")

    def measure(self, **_: object) -> None:
        """Refuse: what else there is to try belongs into the search.

        Raises:
            OptionError: always.
        """
        raise OptionError("optimize again with other options: what was measured is remembered and costs no time")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save everything but the models, raw latencies included; ``load_report`` reads it back."""
        write(Path(path), to_json(self.optimization))

    def _ipython_display_(self) -> None:
        """Show the panel and, where the models are at hand, the controls that use, save and explain one of them."""
        if not in_notebook():
            raise NotImplementedError  # IPython goes on to _repr_mimebundle_
        show_optimized(self, tuple(self._models or ()), self.optimization.best)

    def _drawn(self, *, words_only: bool = False) -> Drawn:
        """Draw everything; words alone take a fraction of the time."""
        view = optimize_view(self.optimization, self._speedups)
        if words_only:
            return Drawn(view.title, optimize_text(view))
        charts = optimize_charts(self.optimization, self._speedups)
        picture = optimize_picture(view, charts)
        return Drawn(view.title, optimize_text(view), optimize_panel(view, charts, picture), picture)


def _spread(name: str, gain: Interval) -> dict[str, float]:
    return {name: gain.value, f"{name}_low": gain.low, f"{name}_high": gain.high}
