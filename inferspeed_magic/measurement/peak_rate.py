"""The highest rate of matrix products that anything here reaches. Runs in worker processes.

Everything is timed by CPU time in one thread, where a busy machine cannot be mistaken for a slow one: a number that is
kept for weeks must not depend on who else computed while it was measured. How rates grow with threads (cores share
their clock's budget, and hyperthreads their units) is measured with products that need no other thread.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.measurement.clock import Clock, time_block
from inferspeed_magic.measurement.fastest import Contestant, take_turns
from inferspeed_magic.measurement.team import Team
from inferspeed_magic.runtimes.base import Lowering, from_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inferspeed_magic.runtimes.base import Session

    Array = np.ndarray[Any, Any]

#: Sides of square matrices whose product is taken; larger ones leave the caches, smaller ones pay for their edges.
_SIDES = (256, 512)
_TURN_S = 0.012
#: How many go on after each had two turns.
_LAST = 2
_CPU = Clock(time.process_time_ns)
#: In a turn, for a runtime that computes somewhere else and takes no CPU time of this process.
_MOST_RUNS = 200


def blas_rate(_state: dict[str, Any], *, threads: int, budget_s: float) -> dict[str, Any]:
    """Measure matrix products of numpy's BLAS in float32: each thread its own, so that none waits for another.

    Args:
        _state: of the process, which has to run BLAS in one thread.
        threads: that multiply at the same time.
        budget_s: seconds for everything.

    Returns:
        ``rate`` of all threads together in 10^9 operations per second, ``kernel``, in words, and ``growth``: by how
        much more that is than one thread alone reaches.
    """
    with Team(threads) as team, Team(1) as alone:
        together = [_multiplying(team, side) for side in _SIDES]
        single = [_multiplying(alone, side) for side in _SIDES]
        take_turns([*together, *single], budget_s, turn_s=_TURN_S)
    rate, side = max((each.rate(), side) for each, side in zip(together, _SIDES, strict=True))
    growth = rate / max(each.rate() for each in single)
    return {"rate": rate, "kernel": f"matrix product of {side} x {side}", "growth": min(growth, float(threads))}


def runtime_rates(
    _state: dict[str, Any], *, runtime: str, models: Sequence[dict[str, Any]], budget_s: float
) -> dict[str, Any]:
    """Measure what a runtime reaches in one thread on models that are nothing but products.

    Args:
        _state: of the process.
        runtime: reference to it, ``module:name``.
        models: as ``write_products`` describes them; ``precision`` is what the runtime is asked to compute in.
        budget_s: seconds for the timing.

    Returns:
        The best ``rate`` in 10^9 operations per second of CPU time, and its ``kernel``, in words.
    """
    maker = from_reference(runtime)
    contestants = {}
    for model in models:
        lowering = Lowering(threads=1, batch_size=model["shape"][0], precision=model["precision"])
        session = maker.compile(maker.load(model["path"], lowering), lowering)
        contestants[model["kernel"]] = Contestant(model["operations"], _inferring(session, model["shape"]))
    take_turns(list(contestants.values()), budget_s, turn_s=_TURN_S, until=_LAST)
    kernel = max(contestants, key=lambda name: contestants[name].rate())
    return {"rate": contestants[kernel].rate(), "kernel": kernel}


def _multiplying(team: Team, side: int) -> Contestant:
    """Multiply square matrices, each thread its own, several times in a job: threads do not start all at once."""
    times = 2 * (_SIDES[-1] // side) ** 3

    def make() -> Callable[[], None]:
        random = np.random.default_rng(0)
        left, right = (random.standard_normal((side, side), np.float32) for _ in range(2))
        out = np.empty_like(left)

        def job() -> None:
            for _ in range(times):
                np.matmul(left, right, out=out)

        return job

    jobs = team.each(make)
    work = 2.0 * side**3 * times * team.threads
    return team.contestant(work, jobs)


def _inferring(session: Session, shape: Sequence[int]) -> Callable[[int], list[int]]:
    batch = [np.random.default_rng(0).standard_normal(tuple(shape), np.float32)]
    return lambda duration_ns: time_block(session.run, [batch], duration_ns, most=_MOST_RUNS, clock=_CPU)[0]
