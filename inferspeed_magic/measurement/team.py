"""Threads that begin a piece of work at the same moment. Runs in worker processes."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from inferspeed_magic.measurement.clock import CLOCK, no_garbage_collection
from inferspeed_magic.measurement.fastest import Contestant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

_WAIT_S = 20.0
#: Share of the wall time for which threads have to run, on average, to have run side by side.
_SIDE_BY_SIDE = 0.8


class Team:
    """A number of threads; what they run has to leave Python's lock, as numpy does in long operations.

    A context: on the way out the threads end.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads)
        self._start = threading.Barrier(threads)

    def each(self, make: Callable[[], T]) -> list[T]:
        """Have each thread make something of its own: memory that it touches first lies close to its core."""
        return list(self._pool.map(lambda _: self._made(make), range(self.threads)))

    def contestant(self, work: float, jobs: Sequence[Callable[[], object]]) -> Contestant:
        """Let the jobs, one for each thread and together of so much work, take part in a contest."""
        apart_ns: list[float] = []
        return Contestant(work, partial(self.durations_ns, jobs, apart_ns), apart_ns=apart_ns)

    def durations_ns(
        self, jobs: Sequence[Callable[[], object]], apart_ns: list[float], duration_ns: int
    ) -> list[float]:
        """Run the jobs, one in each thread, again and again for about so long.

        A duration is the harmonic mean of what the jobs took in each thread: all the work over this is the sum of the
        threads' rates. It is CPU time: what a thread waits for while a neighbour has its core says nothing of how fast
        the core is, and a thread that waits for memory does not give its core away.

        Args:
            jobs: of equal work.
            apart_ns: durations are added to it that do not count: of threads that did not run side by side, and so did
                not have to share what cores share. To be used where there are no others.
            duration_ns: of wall time.

        Returns:
            Durations of the repetitions in which the threads ran side by side.
        """
        end = CLOCK.now_ns() + duration_ns
        side_by_side: list[float] = []
        while True:
            taken, wall_ns = self._once(jobs)
            found = side_by_side if sum(taken) > _SIDE_BY_SIDE * wall_ns * len(taken) else apart_ns
            found.append(len(taken) / sum(1.0 / each for each in taken))
            if CLOCK.now_ns() >= end:
                return side_by_side

    def _once(self, jobs: Sequence[Callable[[], object]]) -> tuple[list[int], int]:
        """Return the CPU time of each thread, and the time from the first beginning to the last end."""
        with no_garbage_collection():
            times = list(self._pool.map(self._timed, jobs))
        wall_ns = max(end for _, end, _ in times) - min(start for start, _, _ in times)
        return [taken for _, _, taken in times], wall_ns

    def _made(self, make: Callable[[], T]) -> T:
        self._start.wait(_WAIT_S)  # so that no thread makes two
        return make()

    def _timed(self, job: Callable[[], object]) -> tuple[int, int, int]:
        self._start.wait(_WAIT_S)
        start, start_of_work = CLOCK.now_ns(), time.thread_time_ns()
        job()
        return start, CLOCK.now_ns(), max(1, time.thread_time_ns() - start_of_work)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown()
