"""Names that inputs and outputs carry through every converter, so that order never depends on one.

Converters sort, suffix and prefix names (``serving_default_x:0``); what survives is a token with the position in it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")

_TOKEN = re.compile(r"(?:^|[^A-Za-z0-9])(?:im_in|im_out)_(\d+)_")


def input_name(position: int, name: str) -> str:
    """Name the input at this position: ``im_in_000_tokens``. Padded, since some converters sort by name."""
    return f"im_in_{position:03d}_{_clean(name)}"


def output_name(position: int) -> str:
    """Name the output at this position: ``im_out_000_``."""
    return f"im_out_{position:03d}_"


def position(name: str) -> int | None:
    """Read the position back from a name that a converter may have decorated; None for a foreign name."""
    found = _TOKEN.search(name)
    return int(found.group(1)) if found else None


def in_order(things: Sequence[T], names_of: Callable[[T], Iterable[str]]) -> list[T]:
    """Put inputs or outputs in the order of the signature.

    Args:
        things: as the runtime lists them.
        names_of: the names that the runtime has for one of them.

    Returns:
        Sorted by the position in their names; in the order given if one of them has none (a file that is not ours).
    """
    keyed: list[tuple[int, int]] = []
    for number, thing in enumerate(things):
        found = [where for where in map(position, sorted(names_of(thing))) if where is not None]
        if not found:
            return list(things)
        keyed.append((found[0], number))
    return [things[number] for _, number in sorted(keyed)]


def _clean(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "x"
