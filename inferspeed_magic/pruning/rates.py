"""How much of each group goes, so that a model takes as little time as asked at the least loss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def cheapest_rates(
    elasticities: Mapping[str, float], rises: Mapping[str, Mapping[float, float]], latency: float
) -> dict[str, float]:
    """Choose shares that bring a model down to a latency, least loss per time gained first.

    Of each group only those shares are considered of which no two others, in a mixture, would gain as much for less
    (the lower convex hull): along these, each step's loss per time gained is higher than the one's before, and taking
    steps in the order of that price is the cheapest way to whatever latency is reached (H. Everett, "Generalized
    Lagrange multiplier method for solving problems of optimum allocation of resources", Operations Research 11, 1963).
    Of the last step, no more is taken than is needed. That layers are charged for latency, and not for the number of
    their weights, is NetAdapt's idea (T.-J. Yang et al., ECCV 2018, https://arxiv.org/abs/1804.03230).

    Args:
        elasticities: by group, the power of its width that the latency goes with.
        rises: by group, by the share of its units that goes, how much the loss rises.
        latency: share of the latency that may be left.

    Returns:
        Shares by group, those of nothing left out. All there are, where even these do not gain enough.
    """
    wanted, found = -math.log(latency), 0.0
    steps = sorted(
        (rise / gain, place, name, share, gain)
        for name in rises
        for place, (share, gain, rise) in enumerate(_steps(elasticities.get(name, 0.0), rises[name]))
    )
    chosen: dict[str, float] = {}
    for _, _, name, share, gain in steps:
        missing = wanted - found
        if missing <= 0:
            break
        if gain > missing:
            needed = gained(elasticities[name], chosen.get(name, 0.0)) + missing
            share = min(each for each in rises[name] if gained(elasticities[name], each) >= needed)  # noqa: PLW2901
        chosen[name] = share
        found += gain
    return chosen


def at_least_squares(rises: Mapping[float, float]) -> dict[float, float]:
    """Let costs grow at least with the square of what is gained, from the least share that was looked at on.

    Near its minimum a loss rises with the square of what is changed. Where answers are lost already, losing more of
    them does not show in the loss any more, but training has the more to bring back.

    Args:
        rises: of one group, by the share of its units that goes; what is no number is left out.
    """
    known = {share: rise for share, rise in rises.items() if math.isfinite(rise)}
    if not known:
        return {}
    least = min(known)
    price = max(0.0, known[least]) / gained(1.0, least) ** 2
    return {share: max(rise, price * gained(1.0, share) ** 2) for share, rise in known.items()}


def gained(elasticity: float, share: float) -> float:
    """Give the logarithm of how many times as fast a model is without a share of a group.

    Logarithms add up where groups share layers: half of what goes into a layer and half of what comes out of it leave
    a quarter.

    Args:
        elasticity: the power of the group's width that the latency goes with.
        share: of the group that goes, below 1.
    """
    return -max(0.0, elasticity) * math.log1p(-share)


def _steps(elasticity: float, rises: Mapping[float, float]) -> Iterator[tuple[float, float, float]]:
    """List shares along the hull, with what each gains and costs beyond the one before."""
    at = (0.0, 0.0, 0.0)
    points = []
    highest = 0.0
    for share in sorted(rises):
        highest = max(highest, rises[share])  # what more is removed cannot cost less: chance
        points.append((share, gained(elasticity, share), highest))
    while True:
        ahead = [point for point in points if point[1] > at[1]]
        if not ahead:
            return
        best = min(ahead, key=lambda point: ((point[2] - at[2]) / (point[1] - at[1]), -point[1]))
        yield best[0], best[1] - at[1], best[2] - at[2]
        at = best
