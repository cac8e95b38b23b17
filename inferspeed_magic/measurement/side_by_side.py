"""Latencies of several files on one runtime, in turns in one process. Runs in worker processes."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from inferspeed_magic.measurement.clock import time_block
from inferspeed_magic.measurement.fastest import fastest_ns
from inferspeed_magic.runtimes.base import Lowering, from_reference
from inferspeed_magic.sources.array_files import read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ROUNDS = 4
_WARM_UP_RUNS, _LEAST_RUNS = 3, 2
_REWARM_SHARE = 0.2


def latencies(
    _state: dict[str, Any],
    *,
    runtime: str,
    lowering: dict[str, Any],
    artifacts: Mapping[str, str],
    inputs: Sequence[Sequence[str]],
    timed_s: float,
) -> dict[str, float]:
    """Measure how long each takes at its fastest, which says what files differ by, and not how busy the machine was.

    Only one is open at a time: threads of a session that is not in use spin, and take the cores from the one that is.
    In each round they are opened anew, since where memory happens to lie makes a difference.

    Args:
        _state: of the process.
        runtime: reference to it, ``module:name``.
        lowering: fields of ``Lowering``.
        artifacts: files or folders by name; they take the same inputs.
        inputs: for each batch, the ``.npy`` files in the order of the signature.
        timed_s: seconds that each of them is timed for.

    Returns:
        Nanoseconds by name.
    """
    maker, chosen = from_reference(runtime), Lowering(**lowering)
    batches = [[read(path) for path in batch] for batch in inputs]
    turn_ns = int(timed_s / _ROUNDS * 1e9)
    durations: dict[str, list[int]] = {name: [] for name in artifacts}
    for _ in range(_ROUNDS):
        for name, path in artifacts.items():
            session = maker.compile(maker.load(path, chosen), chosen)
            time_block(session.run, batches, int(_REWARM_SHARE * turn_ns), least=_WARM_UP_RUNS)
            seen, _ = time_block(session.run, batches, turn_ns, least=_LEAST_RUNS)
            durations[name] += seen
            del session
            gc.collect()
    return {name: fastest_ns(each) for name, each in durations.items()}
