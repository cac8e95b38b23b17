"""How fast working sets are read, by their size. Runs in a worker process; standard library and numpy only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.measurement.fastest import take_turns
from inferspeed_magic.measurement.team import Team

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inferspeed_magic.measurement.fastest import Contestant

    Array = np.ndarray[Any, Any]

#: Floats in a row of the matrix whose product with a vector is taken: one page.
_ROW = 1024
_JOB_S = 0.002
_TURN_S = 0.006
#: Passes over the data without coming back to Python, and no more of them than their results stay small beside it.
_MOST_PASSES = 256
_GUESSED_BYTES_PER_S = 3e10


def read_bandwidth(_state: dict[str, Any], *, threads: int, sizes: Sequence[int], budget_s: float) -> list[float]:
    """Measure the read bandwidth of working sets.

    A working set is cut into as many parts as there are threads, and each thread reads its own part again and again:
    so parts stay in the private caches of their cores where they fit, and the sizes of these caches add up. That is
    how a runtime reads weights that it has split over its threads, in the best case: one that hands parts to other
    threads in the next inference reads slower.

    The same memory is read by two kernels, and the faster one counts: a matrix-vector product (what a Dense layer
    does at batch 1, from BLAS, which has to run in one thread here) and the largest element (numpy's, vectorized).

    Args:
        _state: of the process.
        threads: that read at the same time.
        sizes: of working sets in bytes, of all threads together, smallest first.
        budget_s: seconds for everything.

    Returns:
        10^9 bytes per second for each size. A smaller set is at least as fast as a larger one: where a measurement
        says otherwise (it was disturbed, or the time between passes shows) it has the larger one's rate.
    """
    with Team(threads) as team:
        room = team.each(lambda: np.full(max(_ROW, sizes[-1] // threads // 4), 0.5, np.float32))
        pairs = [[_reader(team, room, size, kernel) for kernel in (_largest, _products)] for size in sizes]
        take_turns([each for pair in pairs for each in pair], budget_s, turn_s=_TURN_S)
    rates = [max(each.rate() for each in pair) for pair in pairs]
    return [float(rate) for rate in np.maximum.accumulate(rates[::-1])[::-1]]


def _reader(
    team: Team, room: Sequence[Array], size: int, kernel: Callable[[Array], Callable[[int], None]]
) -> Contestant:
    """Have each thread read its part of a working set, often enough for its start not to matter."""
    count = max(_ROW, size // team.threads // 4 // _ROW * _ROW)
    work = count * 4.0 * team.threads
    readers = [kernel(part[:count]) for part in room]
    passes = max(1, int(_JOB_S * _GUESSED_BYTES_PER_S * team.threads / work))
    jobs = [lambda reader=reader: reader(passes) for reader in readers]
    return team.contestant(work * passes, jobs)


def _largest(part: Array) -> Callable[[int], None]:
    """Find the largest element: one load for each element, nothing is written."""
    most = _MOST_PASSES
    again = np.broadcast_to(part, (most, part.size))  # the same memory in each row: passes without Python in between
    found = np.empty(most, np.float32)

    def run(passes: int) -> None:
        for start in range(0, passes, most):
            count = min(most, passes - start)
            np.maximum.reduce(again[:count], axis=1, out=found[:count])

    return run


def _products(part: Array) -> Callable[[int], None]:
    """Multiply a matrix with a vector."""
    matrix = part.reshape(-1, _ROW)
    most = max(1, min(_MOST_PASSES, _MOST_PASSES * 16 // len(matrix)))
    again = np.broadcast_to(matrix, (most, *matrix.shape))
    vector = np.full((_ROW, 1), 0.5, np.float32)
    found = np.empty((most, len(matrix), 1), np.float32)

    def run(passes: int) -> None:
        for start in range(0, passes, most):
            count = min(most, passes - start)
            np.matmul(again[:count], vector, out=found[:count])

    return run
