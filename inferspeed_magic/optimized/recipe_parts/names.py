"""The order of inputs and outputs in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def in_order(names: Iterable[str]) -> list[str]:
    """Sort the names of inputs or outputs by the position in them (``im_in_000_tokens``); leave others as they are."""
    names = list(names)
    if not all("im_in_" in name or "im_out_" in name for name in names):
        return names
    return sorted(names, key=lambda name: name[max(name.rfind("im_in_"), name.rfind("im_out_")) :])
