"""The one clock that times everything: from inputs on the host to outputs on the host.

Runs in worker processes: the standard library and numpy only.
"""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np

    Batch = Sequence[np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Clock:
    """Where time comes from, and how it is waited for. Tests put a fake one in its place.

    Attributes:
        now_ns: a monotonic time in nanoseconds.
        sleep_s: waits for seconds.
    """

    now_ns: Callable[[], int] = time.perf_counter_ns
    sleep_s: Callable[[float], None] = time.sleep


CLOCK = Clock()


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Keep Python's cycle collector out of the timed region, as ``timeit`` does."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def time_block(
    run: Callable[[Batch], Any],
    batches: Sequence[Batch],
    duration_ns: int,
    *,
    least: int = 1,
    most: int = 100_000,
    offset: int = 0,
    clock: Clock = CLOCK,
) -> tuple[list[int], int]:
    """Run back to back for a duration and time each inference.

    Args:
        run: one inference.
        batches: inputs, taken in turn.
        duration_ns: stop at the first inference that ends after this much time.
        least: run at least this often, however long it takes.
        most: and at most this often.
        offset: which of the inputs is first.
        clock: where time comes from.

    Returns:
        Latencies in nanoseconds, and the wall time from the start of the first inference to the end of the last.
    """
    now = clock.now_ns
    latencies: list[int] = []
    append = latencies.append
    count = len(batches)
    with no_garbage_collection():
        start = now()
        end = start
        while len(latencies) < most and (end - start < duration_ns or len(latencies) < least):
            batch = batches[(offset + len(latencies)) % count]
            before = now()
            run(batch)
            end = now()
            append(end - before)
    return latencies, end - start


def time_poisson(
    run: Callable[[Batch], Any],
    batches: Sequence[Batch],
    gaps_ns: Sequence[int],
    *,
    clock: Clock = CLOCK,
) -> tuple[list[int], int]:
    """Serve arrivals at scheduled times; a request that finds the model busy waits, and its waiting counts.

    Latency is measured from the scheduled arrival, not from when the model got round to it: otherwise a slow phase
    hides the very requests that suffered from it (coordinated omission; Tene, "How NOT to measure latency", 2013).

    Args:
        run: one inference.
        batches: inputs, taken in turn.
        gaps_ns: time between an arrival and the next; exponentially distributed for Poisson arrivals.
        clock: where time comes from.

    Returns:
        Latencies in nanoseconds, and the wall time from the start of the first gap to the end of the last inference.
    """
    now = clock.now_ns
    latencies: list[int] = []
    count = len(batches)
    with no_garbage_collection():
        start = now()
        end = arrival = start
        for index, gap in enumerate(gaps_ns):
            arrival += gap
            _wait_until(arrival, clock)
            run(batches[index % count])
            end = now()
            latencies.append(end - arrival)
    return latencies, end - start


def _wait_until(time_ns: int, clock: Clock) -> None:
    """Sleep for most of the wait and spin for the rest: sleeping alone wakes up too late by its own granularity."""
    spin_ns = 200_000
    left = time_ns - clock.now_ns()
    if left > spin_ns:
        clock.sleep_s((left - spin_ns) / 1e9)
    while clock.now_ns() < time_ns:
        pass
