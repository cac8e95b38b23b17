"""``%optimize`` and ``%%optimize``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.magic import line_cell_magic, magics_class, needs_local_scope, no_var_expand

from inferspeed_magic.magics.manuals import OPTIMIZE
from inferspeed_magic.magics.optimize_options import parse
from inferspeed_magic.magics.search_magics import SearchMagics

if TYPE_CHECKING:
    from collections.abc import Mapping


@magics_class
class OptimizeMagics(SearchMagics):
    """The magic that optimizes a Keras model."""

    magic = "optimize"
    verb = "optimize"

    @no_var_expand  # type: ignore[untyped-decorator]
    @needs_local_scope  # type: ignore[untyped-decorator]
    @line_cell_magic  # type: ignore[untyped-decorator]
    def optimize(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """See the manual, which takes the place of this line below."""
        return self.search(parse, line, cell, local_ns)


OptimizeMagics.optimize.__doc__ = OPTIMIZE
