"""What a worker does to learn where a runtime spends its time: two sessions, with the profiler and without, in turns.

Called by name from the parent, like the functions of ``bench``.
"""

from __future__ import annotations

import random
import statistics
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from inferspeed_magic.measurement.clock import CLOCK, time_block
from inferspeed_magic.runtimes.base import Lowering, UnsupportedError, from_reference
from inferspeed_magic.sources.array_files import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from inferspeed_magic.runtimes.base import Session

#: Turns of each session; the fewest, where one inference fills a turn.
_ROUNDS = 8
_FEWEST = 5
#: Inferences at the start of a turn that do not count, as in ``bench``.
_REWARM_NS = 3_000_000
_REWARM_MOST = 20
#: Of the duration, what each session has to warm up.
_WARM_UP_SHARE = 0.15
_WARM_UP_MOST = 200
#: Threads spin for a while when they have nothing to do (ONNX Runtime's for 40 ms); beside them nothing is timed.
_LOOK_S = 0.005
_IDLE_SHARE = 0.2
_LOOKS_MOST = 40


@dataclass
class _Side:
    """One of the two sessions.

    Attributes:
        session: opened.
        batches: its inputs, taken in turn.
        counted: for each inference since it was opened, whether it counts.
        latencies_ns: of those that count.
    """

    session: Session
    batches: Sequence[Sequence[np.ndarray[Any, Any]]]
    counted: list[bool] = field(default_factory=list)
    latencies_ns: list[int] = field(default_factory=list)

    def run(self, duration_ns: int, *, least: int = 1, most: int, counts: bool) -> list[int]:
        latencies, _ = time_block(
            self.session.run, self.batches, duration_ns, least=least, most=most, offset=len(self.counted)
        )
        self.counted += [counts] * len(latencies)
        if counts:
            self.latencies_ns += latencies
        return latencies


def profile_operators(
    state: dict[str, Any],
    *,
    runtime: str,
    artifact: str,
    lowering: dict[str, Any],
    inputs: list[list[str]],
    folder: str,
    duration_ms: float,
    most: int,
) -> dict[str, Any]:
    """Open a model with the runtime's profiler and without, and run both in turns.

    Args:
        state: of the process (not used).
        runtime: reference to the runtime, ``module:name``.
        artifact: file or folder to load.
        lowering: fields of ``Lowering``.
        inputs: for each batch, the ``.npy`` files in the order of the signature.
        folder: for what the profiler writes; empty.
        duration_ms: for both sessions together, without opening them and without the pauses between turns; longer only
            where 5 inferences of each do not fit.
        most: profiled inferences that count; a profiler keeps a line for every operator of each.

    Returns:
        The fields of ``OperatorProfile``, with lists for tuples.

    Raises:
        UnsupportedError: if the runtime cannot say what its operators take, or runs on another device than asked for.
        RuntimeError: if its profiler saw another number of inferences than there were.
    """
    del state
    chosen = Lowering(**lowering)
    maker = from_reference(runtime)
    if not maker.capabilities().profiles:
        raise UnsupportedError(f"{maker.name} {maker.unprofiled}")
    maker.prepare(chosen)
    batches = [[read(path) for path in batch] for batch in inputs]
    profiled = maker.compile_profiled(maker.load(artifact, chosen), chosen, folder)
    asked, used = chosen.device.partition(":")[0], profiled.facts.get("device", chosen.device).partition(":")[0]
    if asked != used:
        raise UnsupportedError(f"it runs on the {used}, not on the {asked}")
    plain = _Side(maker.compile(maker.load(artifact, chosen), chosen), batches)
    looked_at = _Side(profiled, batches)
    _take_turns((plain, looked_at), duration_ms * 1e6, most)
    return {
        "runtime": maker.name,
        "operators": [_only(asdict(each), looked_at.counted) for each in profiled.operators()],
        "latencies_ns": looked_at.latencies_ns,
        "plain_latencies_ns": plain.latencies_ns,
        "facts": [[name, value] for name, value in profiled.facts.items()],
    }


def _take_turns(sides: tuple[_Side, _Side], duration_ns: float, most: int) -> None:
    """Warm both up, then let them take turns in random order: drift hits both alike."""
    typical_ns = 0.0
    for side in sides:
        _let_threads_rest()
        latencies = side.run(int(_WARM_UP_SHARE * duration_ns), least=2, most=_WARM_UP_MOST, counts=False)
        typical_ns = max(typical_ns, statistics.median(latencies[len(latencies) // 2 :]))
    left_ns = (1.0 - 2.0 * _WARM_UP_SHARE) * duration_ns
    rounds = max(_FEWEST, min(_ROUNDS, int(left_ns / 2.0 / max(typical_ns, 1.0))))
    order = random.Random(0)  # noqa: S311  (an order, not a secret)
    last = sides[-1]
    for _ in range(rounds):
        for side in order.sample(sides, 2):
            if side is not last:
                _let_threads_rest()
            last = side
            if typical_ns < _REWARM_NS:
                side.run(_REWARM_NS, most=_REWARM_MOST, counts=False)
            side.run(int(left_ns / 2.0 / rounds), most=max(1, most // rounds), counts=True)


def _let_threads_rest() -> None:
    """Wait until this process is idle: what spins belongs to the other session."""
    for _ in range(_LOOKS_MOST):
        before = time.process_time()
        CLOCK.sleep_s(_LOOK_S)
        if time.process_time() - before < _IDLE_SHARE * _LOOK_S:
            return


def _only(operator: dict[str, Any], counted: list[bool]) -> dict[str, Any]:
    """Leave out the times of inferences that do not count."""
    times = operator["latencies_ns"]
    if len(times) != len(counted):
        raise RuntimeError(f"the profiler saw {len(times)} inferences of {len(counted)}")
    kept = [time for time, counts in zip(times, counted, strict=True) if counts]
    return operator | {"latencies_ns": kept, "origins": list(operator["origins"])}
