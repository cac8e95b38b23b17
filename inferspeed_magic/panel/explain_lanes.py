"""Where the layers of a model stand so that branches can be followed: lanes, as for the branches of a repository."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def lanes(feeds: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Give each row a lane, so that what leaves a row runs down the row's own lane until its last use.

    A row takes over the leftmost lane that ends in it (a shortcut stays straight, what it goes around moves aside),
    else the leftmost that is free: no line runs through a row that it has nothing to do with.

    Args:
        feeds: for each row the places of the rows above that feed it.

    Returns:
        For each row its lane, from 0.
    """
    last = list(range(len(feeds)))
    for place, sources in enumerate(feeds):
        for source in sources:
            last[source] = place
    taken: dict[int, int] = {}
    chosen: list[int] = []
    for place in range(len(feeds)):
        ending = [lane for lane, source in taken.items() if last[source] == place]
        for lane in ending:
            del taken[lane]
        lane = min(ending) if ending else next(each for each in count() if each not in taken)
        if last[place] > place:
            taken[lane] = place
        chosen.append(lane)
    return tuple(chosen)
