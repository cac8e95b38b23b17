"""How much of each group goes, so that a model takes as little time as asked at the least loss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NEARLY_ALL = 0.99


def cheapest_rates(
    parts: Mapping[str, float], rises: Mapping[str, Mapping[float, float]], latency: float
) -> dict[str, float]:
    """Choose shares that bring a model down to a latency, least loss per time gained first.

    Of each group only those shares are considered of which no two others, in a mixture, would gain as much for less
    (the lower convex hull): along these, each step's loss per time gained is higher than the one's before, and taking
    steps in the order of that price is the cheapest way to whatever latency is reached (H. Everett, "Generalized
    Lagrange multiplier method for solving problems of optimum allocation of resources", Operations Research 11, 1963).
    That latency, and not the number of weights, is what a layer is charged for is NetAdapt's idea (T.-J. Yang et al.,
    ECCV 2018, https://arxiv.org/abs/1804.03230).

    Args:
        parts: by group, the part of the whole latency that goes with all of its units, 0 to 1.
        rises: by group, by the share of its units that goes, how much the loss rises.
        latency: share of the latency that may be left.

    Returns:
        Shares by group, those of nothing left out. All there are, where even these do not gain enough.
    """
    wanted, gained = -math.log(latency), 0.0
    steps = sorted(
        (rise / gain, place, name, share, gain)
        for name in rises
        for place, (share, gain, rise) in enumerate(_steps(parts.get(name, 0.0), rises[name]))
    )
    chosen: dict[str, float] = {}
    for _, _, name, share, gain in steps:
        if gained >= wanted:
            break
        chosen[name] = share
        gained += gain
    return chosen


def at_least_squares(rises: Mapping[float, float]) -> dict[float, float]:
    """Let what is removed cost at least as much as the square of its share says, from the least that was looked at on.

    Where answers are lost already, losing more of them does not show in the loss, but training has the more to bring
    back; near its minimum a loss rises with the square of what is changed.

    Args:
        rises: of one group, by the share of its units that goes.
    """
    least = min(rises)
    return {share: max(rise, rises[least] * (share / least) ** 2) for share, rise in rises.items()}


def parts_left(parts: Mapping[str, float], rates: Mapping[str, float]) -> dict[str, float]:
    """Say which part of the latency that is left each group has, once shares of them are gone.

    Args:
        parts: by group, of the latency before.
        rates: shares that are gone, by group.
    """
    return {
        name: part * (1.0 - rates.get(name, 0.0)) / (1.0 - min(_NEARLY_ALL, part * rates.get(name, 0.0)))
        for name, part in parts.items()
    }


def gained(part: float, share: float) -> float:
    """Give the logarithm of how many times as fast a model is without a share of a group.

    Logarithms add up where groups share layers: half of what goes into a layer and half of what comes out of it leave
    a quarter.

    Args:
        part: of the latency that goes with all of it.
        share: of it that goes.
    """
    return -math.log(1.0 - min(_NEARLY_ALL, max(0.0, part) * share))


def _steps(part: float, rises: Mapping[float, float]) -> Iterator[tuple[float, float, float]]:
    """List shares along the hull, with what each gains and costs beyond the one before."""
    at = (0.0, 0.0, 0.0)
    points = []
    highest = 0.0
    for share in sorted(rises):
        highest = max(highest, rises[share])  # what more is removed cannot cost less: chance
        points.append((share, gained(part, share), highest))
    while True:
        ahead = [point for point in points if point[1] > at[1]]
        if not ahead:
            return
        best = min(ahead, key=lambda point: ((point[2] - at[2]) / (point[1] - at[1]), -point[1]))
        yield best[0], best[1] - at[1], best[2] - at[2]
        at = best
