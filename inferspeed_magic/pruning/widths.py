"""Which widths layers may have once they are narrower."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from inferspeed_magic.pruning.groups import Group

#: Of the units that can be removed, about so many go.
_SHARES = (0.25, 0.5, 0.75, 0.875)


def nearest_multiple(left: int, width: int, multiple_of: int) -> int:
    """Give the multiple that is nearest to what is left of a layer: at least one, and at most all; of two the larger.

    Args:
        left: how many units are.
        width: how many there were.
        multiple_of: what it is a multiple of.
    """
    below = left // multiple_of * multiple_of
    above = left if below == left else min(width, below + multiple_of)
    return below if below and left - below < above - left else above


def multiples_of(groups: Iterable[Group], multiple_of: int) -> dict[str, int]:
    """Say what the width of each group is to be a multiple of; what cannot be narrower is left out.

    Args:
        groups: of a model.
        multiple_of: what widths are to be multiples of; where a group is too narrow for that, of half of it, and so on.
    """
    found: dict[str, int] = {}
    for group in groups:
        multiple = 1 if group.heads else multiple_of
        while multiple and not _shares(group, multiple):
            multiple //= 2
        if multiple:
            found[group.name] = multiple
    return found


def shares_of(groups: Iterable[Group], multiples: Mapping[str, int]) -> dict[str, tuple[float, ...]]:
    """List shares of the units that can be removed, by group, that leave multiples; up to four, the smallest first.

    Args:
        groups: of a model.
        multiples: by group, what its width is to be a multiple of; others are left out.
    """
    found = {group.name: _shares(group, multiples[group.name]) for group in groups if group.name in multiples}
    return {name: shares for name, shares in found.items() if shares}


def _shares(group: Group, multiple_of: int) -> tuple[float, ...]:
    width, free = len(group.units), len(group.free)
    left = {nearest_multiple(width - round(share * free), width, multiple_of) for share in _SHARES}
    return tuple(gone / free for gone in sorted(width - each for each in left) if 0 < gone <= min(group.most, free - 1))
