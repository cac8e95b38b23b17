"""What a worker does for a candidate: open it, warm it up, take timed turns. Called by name from the parent.

Every function takes the process's ``state`` first and JSON-able arguments after it; arrays travel as files.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.measurement.clock import CLOCK, no_garbage_collection, time_block, time_poisson
from inferspeed_magic.measurement.memory import peak_resident_mb, reset_peak
from inferspeed_magic.measurement.warm_up import FEWEST_TO_SETTLE, detect, settled
from inferspeed_magic.runtimes.base import Lowering, UnsupportedError, from_reference
from inferspeed_magic.sources.array_files import plain, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.runtimes.base import Runtime, Session

#: Inferences at the start of a turn that are not timed: caches and clocks are those of somebody else's turn.
_REWARM_NS = 3_000_000
_REWARM_MOST = 20


@dataclass
class Candidate:
    """An opened model and the inputs it is timed with."""

    session: Session
    batches: list[list[np.ndarray[Any, Any]]]
    turns: int = 0


def prepare(state: dict[str, Any], *, runtime: str, lowering: dict[str, Any]) -> dict[str, Any]:
    """Import the runtime's library; costs what an application pays once."""
    start = CLOCK.now_ns()
    _runtime(state, runtime).prepare(Lowering(**lowering))
    return {"import_ms": (CLOCK.now_ns() - start) / 1e6}


def open_candidate(
    state: dict[str, Any],
    *,
    candidate: str,
    runtime: str,
    artifact: str,
    lowering: dict[str, Any],
    inputs: list[list[str]],
    outputs: str,
    checked: int,
    untimed: Sequence[int] = (),
    shared: str = "",
) -> dict[str, Any]:
    """Load, compile and run for the first time; write the outputs for the first inputs, so that they can be checked.

    Args:
        state: of the process.
        candidate: name under which later calls find it.
        runtime: reference to the runtime, ``module:name``.
        artifact: file or folder to load.
        lowering: fields of ``Lowering``.
        inputs: for each batch, the ``.npy`` files in the order of the signature.
        outputs: prefix of the ``.npy`` files to write, ``{outputs}_{batch}_{output}.npy``.
        checked: number of batches whose outputs are written.
        untimed: positions of the batches that later turns leave out.
        shared: what is loaded is loaded once for all candidates of the process that say the same here, and its
            ``load_ms`` is that one's; empty for candidates that load for themselves.

    Returns:
        ``load_ms``, ``compile_ms``, ``first_inference_ms``, ``facts`` of the session, ``outputs``: number per batch.
    """
    chosen = Lowering(**lowering)
    maker = _runtime(state, runtime)
    batches = [[read(path) for path in batch] for batch in inputs]
    reset_peak()
    with no_garbage_collection():
        start = CLOCK.now_ns()
        loaded, load_ns = state.get("shared", {}).get(shared) or (maker.load(artifact, chosen), CLOCK.now_ns() - start)
        if shared:
            state.setdefault("shared", {})[shared] = loaded, load_ns
        loaded_at = CLOCK.now_ns()
        session = maker.compile(loaded, chosen)
        compiled_at = CLOCK.now_ns()
        results = [session.run(batches[0])]
        first_at = CLOCK.now_ns()
    asked, used = chosen.device.partition(":")[0], session.facts.get("device", chosen.device).partition(":")[0]
    if asked != used:
        raise UnsupportedError(f"it runs on the {used}, not on the {asked}")
    results += [session.run(batch) for batch in batches[1:checked]]
    for number, arrays in enumerate(results):
        for position, array in enumerate(arrays):
            np.save(f"{outputs}_{number}_{position}.npy", plain(np.asarray(array)), allow_pickle=False)
    state.setdefault("candidates", {})[candidate] = Candidate(
        session, [batch for position, batch in enumerate(batches) if position not in untimed]
    )
    return {
        "load_ms": load_ns / 1e6,
        "compile_ms": (compiled_at - loaded_at) / 1e6,
        "first_inference_ms": (first_at - compiled_at) / 1e6,
        "facts": session.facts,
        "outputs": len(results[0]),
        "peak_memory_mb": peak_resident_mb(),
    }


def warm_up(
    state: dict[str, Any], *, candidate: str, least: int, most: int, limit_s: float, patience_s: float = 0.0
) -> dict[str, Any]:
    """Run until latencies have settled, or a limit is reached.

    Args:
        state: of the process.
        candidate: which one.
        least: inferences, unless a limit comes first.
        most: inferences.
        limit_s: seconds, once there are enough inferences to judge by.
        patience_s: seconds to wait for these, for a slow model, where that is longer.

    Returns:
        ``latencies_ns`` in order; ``detected``: how many of them belong to the warm-up; ``settled``: None where there
        were too few to judge by; ``wall_ns``: what it took.
    """
    entry = _candidate(state, candidate)
    latencies: list[int] = []
    begin = CLOCK.now_ns()
    calm = False
    while not calm and len(latencies) < most:
        enough = len(latencies) >= FEWEST_TO_SETTLE
        if CLOCK.now_ns() - begin >= (limit_s if enough else max(limit_s, patience_s)) * 1e9:
            break
        more, _ = time_block(entry.session.run, entry.batches, 10_000_000, most=most, offset=len(latencies))
        latencies += more
        calm = len(latencies) >= least and settled(latencies)
    return {
        "latencies_ns": latencies,
        "detected": detect(latencies),
        "settled": calm if len(latencies) >= FEWEST_TO_SETTLE else None,
        "wall_ns": CLOCK.now_ns() - begin,
    }


def take_turn(
    state: dict[str, Any], *, candidate: str, duration_ms: float, least: int, most: int, rewarm: bool
) -> dict[str, Any]:
    """Time one block."""
    entry = _candidate(state, candidate)
    if rewarm:
        time_block(entry.session.run, entry.batches, _REWARM_NS, most=_REWARM_MOST, offset=entry.turns)
    latencies, wall_ns = time_block(
        entry.session.run, entry.batches, int(duration_ms * 1e6), least=least, most=most, offset=entry.turns
    )
    entry.turns += len(latencies)
    return {"latencies_ns": latencies, "wall_ns": wall_ns, "peak_memory_mb": peak_resident_mb()}


def serve(state: dict[str, Any], *, candidate: str, qps: float, queries: int, seed: int) -> dict[str, Any]:
    """Serve Poisson arrivals at a mean rate. Latencies include waiting."""
    entry = _candidate(state, candidate)
    draw = random.Random(seed)  # noqa: S311  (a schedule, not a secret)
    gaps_ns = [int(draw.expovariate(qps) * 1e9) for _ in range(queries)]
    time_block(entry.session.run, entry.batches, _REWARM_NS, most=_REWARM_MOST)
    latencies, wall_ns = time_poisson(entry.session.run, entry.batches, gaps_ns)
    return {
        "latencies_ns": latencies,
        "wall_ns": wall_ns,
        "offered_s": sum(gaps_ns) / 1e9,
        "peak_memory_mb": peak_resident_mb(),
    }


def answer(
    state: dict[str, Any], *, candidate: str, inputs: list[str], outputs: str, batch_size: int
) -> dict[str, Any]:
    """Run all samples in files, batch by batch, and write the outputs to ``{outputs}_{output}.npy``.

    Args:
        state: of the process.
        candidate: which one.
        inputs: ``.npy`` files in the order of the signature, samples first.
        outputs: prefix of the files to write.
        batch_size: that the candidate was opened for; the last batch is filled up with samples of the first one, whose
            outputs are left out.

    Returns:
        ``outputs``: their number.

    Raises:
        UnsupportedError: where an output does not have the samples first.
    """
    session = _candidate(state, candidate).session
    arrays = [read(path) for path in inputs]
    count = len(arrays[0])
    collected: list[list[np.ndarray[Any, Any]]] = []
    for start in range(0, count, batch_size):
        places = np.arange(start, start + batch_size) % count
        results = [np.asarray(each) for each in session.run([array[places] for array in arrays])]
        if any(each.shape[:1] != (batch_size,) for each in results):
            raise UnsupportedError("an output does not have the samples as its first dimension")
        # Copied: a session may write the next outputs into the same memory.
        collected.append([each[: count - start].copy() for each in results])
    for position, parts in enumerate(zip(*collected, strict=True)):
        np.save(f"{outputs}_{position}.npy", plain(np.concatenate(parts)), allow_pickle=False)
    count = len(collected[0])
    # The data is not what the model needs: it must not count as its memory in later turns.
    del arrays, collected, results
    reset_peak()
    return {"outputs": count}


def close(state: dict[str, Any], *, candidate: str) -> None:
    """Forget a candidate."""
    state.get("candidates", {}).pop(candidate, None)


def artifact_mb(path: str) -> float:
    """Size of a file or of all files in a folder, in MB (10^6 bytes). Weights beside an ``.xml`` or ``.onnx`` count."""
    root = Path(path)
    if root.is_dir():
        return sum(each.stat().st_size for each in root.rglob("*") if each.is_file()) / 1e6
    companions = [root.with_suffix(".bin")] if root.suffix == ".xml" else [root.with_name(root.name + ".data")]
    return sum(each.stat().st_size for each in [root, *companions] if each.is_file()) / 1e6


def _runtime(state: dict[str, Any], reference: str) -> Runtime:
    runtimes: dict[str, Runtime] = state.setdefault("runtimes", {})
    if reference not in runtimes:
        runtimes[reference] = from_reference(reference)
    return runtimes[reference]


def _candidate(state: dict[str, Any], name: str) -> Candidate:
    found: Candidate = state["candidates"][name]
    return found
