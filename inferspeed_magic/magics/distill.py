"""``%%distill``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.magic import cell_magic, magics_class, needs_local_scope, no_var_expand

from inferspeed_magic.errors import OptionError
from inferspeed_magic.magics.distill_options import parse
from inferspeed_magic.magics.manuals import DISTILL
from inferspeed_magic.magics.search_magics import SearchMagics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NO_STUDENT = (
    "the cell defines no student; write def student(): ..., which returns a smaller model that is not trained yet"
)


@magics_class
class DistillMagics(SearchMagics):
    """The magic that trains smaller models on the answers of a Keras model, and runs them where they are fastest."""

    magic = "distill"
    verb = "distill"

    @no_var_expand  # type: ignore[untyped-decorator]
    @needs_local_scope  # type: ignore[untyped-decorator]
    @cell_magic  # type: ignore[untyped-decorator]
    def distill(self, line: str, cell: str, local_ns: Mapping[str, Any] | None = None) -> Any:
        """See the manual, which takes the place of this line below."""
        return self.search(parse, line, cell, local_ns)

    def check_text(self, cell: str) -> None:
        """Refuse a cell in which there is no word of a student, before it runs."""
        if "student" not in cell:
            raise OptionError(_NO_STUDENT)

    def check_functions(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        """Refuse a cell that defined no student."""
        if not {"student", "students"} & set(functions):
            raise OptionError(_NO_STUDENT)


DistillMagics.distill.__doc__ = DISTILL
