"""Widgets below the panel of ``optimize``: choose a candidate, use it, read its recipe, save it.

Core ipywidgets, 7.7 as well as 8, where a kernel is alive that holds the models.
"""

from __future__ import annotations

import base64
import keyword
import sys
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from inferspeed_magic.errors import OptionError
from inferspeed_magic.panel.buttons import Actions, show_below
from inferspeed_magic.panel.parts import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence


class Usable(Protocol):
    """What the controls ask of a model that was picked."""

    def recipe(self) -> str:
        """Give the script that makes it."""

    def save(self, folder: str) -> None:
        """Write it to a folder."""


class Pickable(Protocol):
    """What the controls ask of a report."""

    def pick(self, name: str) -> Any:
        """Give a candidate that was measured, ready to be called."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]: ...


def show_optimized(report: Pickable, names: Sequence[str], best: str | None) -> None:
    """Show the panel, and below it the controls where there are models to choose from.

    Args:
        report: gives models by their names.
        names: of the candidates that can be picked; none for a report that was loaded.
        best: name of the winner, which is chosen at first.
    """
    from IPython.display import display

    display(report._repr_mimebundle_(), raw=True)
    if names:
        show_below(lambda: OptimizeControls(report, names, best).box)


class OptimizeControls:
    """One candidate, and what can be done with it.

    Args:
        report: gives models by their names.
        names: of the candidates that can be picked.
        best: name of the winner, which is chosen at first.

    Attributes:
        box: the widget to show.
    """

    def __init__(self, report: Pickable, names: Sequence[str], best: str | None) -> None:
        import ipywidgets as widgets

        self._report = report
        self._actions = Actions("interrupted: nothing was done")
        chosen = best if best in names else names[0]
        self._name = widgets.Dropdown(
            description="Candidate",
            options=[(one_line(name) + ", the winner" * (name == best), name) for name in names],
            value=chosen,
            style={"description_width": "initial"},
            layout={"width": "32em", "max_width": "100%"},
        )
        self._variable = widgets.Text(value="fast", layout={"width": "13em"})
        self._folder = widgets.Text(value="optimized_model", layout={"width": "18em"})
        self._recipe = widgets.HTML()
        lines = [
            self._actions.line("Use as", self._variable, "Use this one", self._use),
            self._actions.line("Folder", self._folder, "Save", self._save),
            self._actions.button("Recipe", "the script that makes it", self._show_recipe),
        ]
        wrapped = widgets.HBox(lines, layout={"flex_flow": "row wrap"})
        self.box = widgets.VBox([self._name, wrapped, self._actions.status, self._recipe])
        # What is shown is always that of the candidate that is chosen.
        self._name.observe(self._forget, "value")

    def _forget(self, _: Any) -> None:
        self._recipe.value = self._actions.status.value = ""

    def _picked(self) -> Usable:
        model: Usable = self._report.pick(self._name.value)
        return model

    def _use(self) -> str:
        variable = self._variable.value.strip()
        if not variable.isidentifier() or keyword.iskeyword(variable):
            raise OptionError(f"{variable!r} is no name for a variable: take one like fast")
        setattr(sys.modules["__main__"], variable, self._picked())
        return f"{variable} is {self._name.value}: call {variable}(x), as the Keras model"

    def _save(self) -> str:
        folder = self._folder.value.strip()
        if not folder:
            raise OptionError("say which folder to save to")
        self._picked().save(folder)
        return f"{self._name.value} is saved in {folder}; inferspeed_magic.load({folder!r}) runs it"

    def _show_recipe(self) -> str:
        self._recipe.value = ""
        self._recipe.value = recipe_html(self._picked().recipe())
        return f"the recipe of {self._name.value}; report.pick({self._name.value!r}).recipe() gives it in code"


def recipe_html(recipe: str) -> str:
    """Show a script so that it can be read, copied and downloaded; nothing in it is HTML."""
    packed = base64.b64encode(recipe.encode("utf-8", "backslashreplace")).decode("ascii")
    rows = min(24, max(4, recipe.count("\n") + 2))
    return (
        f'<textarea readonly rows="{rows}" aria-label="recipe" data-lm-suppress-shortcuts="true" spellcheck="false" '
        'style="box-sizing:border-box;width:100%;font-family:monospace;white-space:pre;color:inherit;'
        f'background:transparent">\n{escape(recipe)}</textarea>'
        f'<p><a download="recipe.py" style="text-decoration:underline" href="data:text/x-python;base64,{packed}">'
        "Download recipe.py</a></p>"
    )
