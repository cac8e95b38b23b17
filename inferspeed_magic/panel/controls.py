"""Widgets below a panel that measure more, where a kernel is alive to do it; core ipywidgets, 7.7 as well as 8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from inferspeed_magic.panel.buttons import Actions, show_below
from inferspeed_magic.panel.progress import CellProgress

if TYPE_CHECKING:
    from collections.abc import Callable

    from inferspeed_magic.panel.progress import Progress
    from inferspeed_magic.records import Result


class Measurable(Protocol):
    """What the controls ask of a report."""

    @property
    def extensible(self) -> bool:
        """Whether more can be measured."""

    @property
    def results(self) -> tuple[Result, ...]:
        """What is there."""

    def left(self) -> tuple[str, ...]:
        """Name the runtimes that could be added."""

    def measure(
        self,
        *,
        runtime: str | None = None,
        batch_size: int | None = None,
        model: str | None = None,
        row: tuple[str, int] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Measure one thing more."""

    def save(self, path: str) -> None:
        """Save everything."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]: ...


def show(report: Measurable) -> None:
    """Show the panel in an output that can be drawn again, and the controls below it."""
    from IPython.display import display

    panel = display(report._repr_mimebundle_(), raw=True, display_id=True)
    if report.extensible:
        show_below(lambda: Controls(report, lambda: panel.update(report._repr_mimebundle_(), raw=True)).box)


class Controls:
    """One line for each thing that can be added, a line to save, and what is being done.

    Args:
        report: grows.
        redraw: shows it again.

    Attributes:
        box: the widget to show.
    """

    def __init__(self, report: Measurable, redraw: Callable[[], None]) -> None:
        import ipywidgets as widgets

        self._report = report
        self._redraw = redraw
        self._actions = Actions("interrupted: nothing was added")
        self._runtime = widgets.Dropdown(layout={"width": "15em"})
        self._batch_size = widgets.BoundedIntText(value=8, min=1, max=1_000_000, layout={"width": "12em"})
        self._model = widgets.Text(placeholder="name or path", layout={"width": "12em"})
        self._row = widgets.Dropdown(layout={"width": "20em"})
        self._path = widgets.Text(value="report.json", layout={"width": "12em"})
        line = self._actions.line
        lines = [
            line("Runtime", self._runtime, "Add", self._add_runtime),
            line("Batch size", self._batch_size, "Add", self._add_batch_size),
            line("Model", self._model, "Add", self._add_model),
            line("Measured row", self._row, "Measure again", self._measure_again),
            line("Save as", self._path, "Save", self._save),
        ]
        wrapped = widgets.HBox(lines, layout={"flex_flow": "row wrap"})
        folded = widgets.Accordion(children=[wrapped], selected_index=None)
        folded.set_title(0, "Measure more, or save")
        self.box = widgets.VBox([folded, self._actions.status])
        self._refresh()

    def _add_runtime(self) -> str:
        return self._measure(runtime=self._runtime.value)

    def _add_batch_size(self) -> str:
        if any(result.batch_size == self._batch_size.value for result in self._report.results):
            return f"batch size {self._batch_size.value} is there already"
        return self._measure(batch_size=self._batch_size.value)

    def _add_model(self) -> str:
        return self._measure(model=self._model.value)

    def _measure_again(self) -> str:
        return self._measure(row=self._row.value)

    def _save(self) -> str:
        self._report.save(self._path.value)
        return f"saved to {self._path.value}; inferspeed_magic.load_report reads it"

    def _measure(self, **what: Any) -> str:
        if next(iter(what.values())) is None:
            return "nothing is left to add"
        self._report.measure(**what, progress=CellProgress(put=self._put))
        self._refresh()
        self._redraw()
        return "measured; the panel above shows it"

    def _put(self, html: str) -> None:
        self._actions.status.value = html

    def _refresh(self) -> None:
        """Offer what can be chosen now."""
        left = list(self._report.left())
        self._runtime.options = left
        self._runtime.value = left[0] if left else None
        chosen = self._row.value
        rows = [(result.name, result.batch_size) for result in self._report.results if result.status != "unavailable"]
        self._row.options = [(f"{name}, batch {size}", (name, size)) for name, size in rows]
        if rows:
            self._row.value = chosen if chosen in rows else rows[0]
