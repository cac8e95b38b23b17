"""What the magics that work on models share: which model is meant, and where the report is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from IPython.core.magic import Magics

from inferspeed_magic.errors import ModelError
from inferspeed_magic.magics import cell as user_cell
from inferspeed_magic.magics import models

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ModelMagics(Magics):  # type: ignore[misc]  # IPython ships no types that mypy may follow
    """A magic that does something to models.

    Attributes:
        magic: its name.
        verb: what it does, in messages.
    """

    magic: ClassVar[str]
    verb: ClassVar[str]

    def run_and_find(self, names: Sequence[str], cell: str | None, local_ns: Mapping[str, Any]) -> dict[str, Any]:
        """Run the cell, if there is one, and find the models that are meant.

        Args:
            names: that the line gives, still text.
            cell: its text; None for the line form.
            local_ns: variables of the function that the magic is called in.

        Returns:
            Models and paths, by name.

        Raises:
            ModelError: for a name that is no model, and where there is none.
            CellFailedError: if the cell failed.
        """
        before = models.models_in(self.shell.user_ns)
        if cell is not None:
            user_cell.run(self.shell, cell, self.verb)
        if names:
            return models.named(names, self.namespace(local_ns))
        here = models.models_in(self.shell.user_ns)
        if cell is None:
            example = next(iter(here), "model")
            raise ModelError(f"name what to {self.verb}, as in %{self.magic} {example}{_list(here)}")
        found = models.assigned(before, here, user_cell.assigned_names(self.shell, cell))
        if not found:
            raise ModelError(
                f"the cell assigned no Keras model to a name; assign one (model = ...), or name what to {self.verb}, "
                f"as in %%{self.magic} {next(iter(here), 'models[0]')}{_list(here)}"
            )
        return found

    def namespace(self, local_ns: Mapping[str, Any] | None) -> dict[str, Any]:
        """See what code at the place of the magic would see."""
        return {**self.shell.user_ns, **(local_ns or {})}

    def keep(self, report: Any) -> None:
        """Show a partial report and keep it where the whole one would have been."""
        from IPython.display import display

        # Assigning to _ ourselves would make IPython believe that the user did, and it would never set _ again.
        self.shell.displayhook.update_user_ns(report)
        display(report)


def _list(names: Mapping[str, Any]) -> str:
    return f" (models here: {', '.join(list(names)[:10])})" if names else ""
