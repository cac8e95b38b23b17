"""Widgets below an explanation, where a kernel is alive that holds the models: try an advice, look at a file.

Core ipywidgets, 7.7 as well as 8.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from inferspeed_magic.panel.buttons import Actions, show_below
from inferspeed_magic.panel.numbers import ratio
from inferspeed_magic.panel.parts import one_line
from inferspeed_magic.panel.progress import CellProgress

if TYPE_CHECKING:
    from collections.abc import Callable

    from inferspeed_magic.panel.progress import Progress
    from inferspeed_magic.records import ExplanationRecord


class Verifiable(Protocol):
    """What the controls ask of a report."""

    explanation: ExplanationRecord

    @property
    def artifacts(self) -> tuple[str, ...]:
        """Names of the files that can be looked at."""

    def verify(self, place: int, *, progress: bool | Progress = True) -> Any:
        """Try what a finding advises."""

    def netron(self, name: str | None = None, *, browse: bool = True, progress: bool | Progress = True) -> str:
        """Show a file in Netron, and give the address."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]: ...


def show_explained(report: Verifiable, *, able: bool) -> None:
    """Show the panel in an output that can be drawn again, and below it what can be tried.

    Args:
        report: holds the findings.
        able: whether the models are at hand; not so for a report that was loaded.
    """
    from IPython.display import display

    panel = display(report._repr_mimebundle_(), raw=True, display_id=True)
    if able and (_checked(report) or report.artifacts):
        show_below(lambda: ExplainControls(report, lambda: panel.update(report._repr_mimebundle_(), raw=True)).box)


def _checked(report: Verifiable) -> list[int]:
    """List the findings whose advice can be tried without the user."""
    return [place for place, finding in enumerate(report.explanation.findings) if finding.check]


class ExplainControls:
    """The findings whose advice can be tried, the files that can be looked at, and buttons that do it.

    Args:
        report: holds the findings; the gain that is measured stays in it.
        redraw: shows it again.

    Attributes:
        box: the widget to show.
    """

    def __init__(self, report: Verifiable, redraw: Callable[[], None]) -> None:
        import ipywidgets as widgets

        self._report = report
        self._redraw = redraw
        self._actions = Actions("interrupted: nothing was measured")
        findings = report.explanation.findings
        self._finding = widgets.Dropdown(
            options=[
                (one_line(f"{place + 1}. {findings[place].model}: {findings[place].advice}"), place)
                for place in _checked(report)
            ],
            layout={"width": "40em", "max_width": "100%"},
        )
        self._file = widgets.Dropdown(
            options=[(one_line(name), name) for name in report.artifacts],
            layout={"width": "40em", "max_width": "100%"},
        )
        self._link = widgets.HTML()
        lines = []
        if self._finding.options:
            lines.append(self._actions.line("Try the advice of", self._finding, "Verify", self._verify))
        if self._file.options:
            lines.append(self._actions.line("Graph of the file of", self._file, "Open in Netron", self._open))
        self.box = widgets.VBox([*lines, self._link, self._actions.status])

    def _verify(self) -> str:
        place = self._finding.value
        self._report.verify(place, progress=CellProgress(put=self._put))
        self._redraw()
        finding = self._report.explanation.findings[place]
        expected, measured = (
            "nothing" if gain is None else " ".join(ratio(gain))
            for gain in (finding.expected_gain, finding.measured_gain)
        )
        return f"finding {place + 1}: expected {expected}, measured {measured}; the panel above shows both"

    def _open(self) -> str:
        name = self._file.value
        self._link.value = ""
        url = self._report.netron(name, progress=CellProgress(put=self._put))
        # Where the kernel runs elsewhere no browser opened, or not here.
        self._link.value = f'<a href="{escape(url)}" target="_blank" rel="noopener">{escape(url)}</a>'
        return f"Netron shows {name} at the address above, on the machine of this kernel"

    def _put(self, html: str) -> None:
        self._actions.status.value = html
