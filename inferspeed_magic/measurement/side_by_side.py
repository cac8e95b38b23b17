"""Latencies of several files on one runtime, in rounds in one process. Runs in worker processes."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

from inferspeed_magic.measurement.clock import time_block
from inferspeed_magic.measurement.fastest import fastest_ns
from inferspeed_magic.runtimes.base import Lowering, from_reference
from inferspeed_magic.sources.array_files import read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: A process that opens a file anew places its memory elsewhere, which makes a difference.
ROUNDS = 8
_WARM_UP_RUNS, _LEAST_RUNS = 2, 2
_REWARM_SHARE = 0.2


def latencies(
    _state: dict[str, Any],
    *,
    runtime: str,
    lowering: dict[str, Any],
    artifacts: Mapping[str, str],
    inputs: Sequence[Sequence[str]],
    timed_s: float,
    limit_s: float,
) -> dict[str, list[float]]:
    """Measure how long each takes at its fastest, which says what files differ by, and not how busy the machine was.

    Only one is open at a time: threads of a session that is not in use spin, and take the cores from the one that is.
    In each round they are opened anew.

    Args:
        _state: of the process.
        runtime: reference to it, ``module:name``.
        lowering: fields of ``Lowering``.
        artifacts: files or folders by name; they take the same inputs.
        inputs: for each batch, the ``.npy`` files in the order of the signature.
        timed_s: seconds that each of them is timed for, in all rounds together.
        limit_s: seconds after which no other round is begun.

    Returns:
        Nanoseconds by name, of each round; what its runtime cannot open is left out.
    """
    maker, chosen = from_reference(runtime), Lowering(**lowering)
    batches = [[read(path) for path in batch] for batch in inputs]
    turn_ns = int(timed_s / ROUNDS * 1e9)
    found: dict[str, list[float]] = {name: [] for name in artifacts}
    until = time.monotonic() + limit_s
    for number in range(ROUNDS):
        if number and time.monotonic() >= until:
            break
        for name in list(found):
            try:
                session = maker.compile(maker.load(artifacts[name], chosen), chosen)
                time_block(session.run, batches, int(_REWARM_SHARE * turn_ns), least=_WARM_UP_RUNS)
                seen, _ = time_block(session.run, batches, turn_ns, least=_LEAST_RUNS)
            except Exception:  # noqa: BLE001  (whatever the runtime raises for this one file)
                del found[name]
                continue
            found[name].append(fastest_ns(seen))
            del session
            gc.collect()
    return found
