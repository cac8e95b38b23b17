"""Measure anything that a runtime opens, as it is, in turns: the harness of the benchmarks that compare with others.

Every contender is a file (or folder) and the way a session is opened; it lives in two processes of its own, and takes
turns of 25 ms in random order while everybody else is stopped. Nothing is converted here, so that what others made is
measured as they made it.
"""

from __future__ import annotations

import random
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from inferspeed_magic.diagnosis import compare
from inferspeed_magic.discovery import reference, runtimes
from inferspeed_magic.measurement.bench import artifact_mb
from inferspeed_magic.profiling.environment import environment
from inferspeed_magic.records import Block, Measurement
from inferspeed_magic.runtimes.base import Lowering  # noqa: TC001  (others take it from here)
from inferspeed_magic.workers.crew import Crew

BENCH = "inferspeed_magic.measurement.bench"
SECONDS = 600.0
PROCESSES = 2


@dataclass
class Seat:
    """One contender.

    Attributes:
        name: in the table.
        runtime: that opens the artifact.
        artifact: file or folder.
        lowering: how; by default all cores of this process.
        blocks: what was measured.
        trouble: why not.
    """

    name: str
    runtime: str
    artifact: str
    lowering: Lowering
    blocks: list[Block] = field(default_factory=list)
    trouble: str | None = None
    workers: list[Any] = field(default_factory=list)

    @property
    def measurement(self) -> Measurement:
        """What was measured, as the package's own statistics read it."""
        return Measurement(0.0, 0.0, 0.0, blocks=tuple(self.blocks))

    @property
    def p50_ms(self) -> float:
        """Median of the turns' medians."""
        return float(np.median([np.median(block.latencies_ns) for block in self.blocks])) / 1e6

    @property
    def size_mb(self) -> float:
        """Size of the file, in MB."""
        return artifact_mb(self.artifact)


def race(seats: list[Seat], inputs: list[np.ndarray], *, rounds: int = 40, turn_ms: float = 25.0) -> None:
    """Let everybody take turns on the same inputs; failures are noted.

    Args:
        seats: who takes part.
        inputs: one batch, in the order of the model's inputs.
        rounds: turns of each.
        turn_ms: length of a turn; a slow contender takes one inference.
    """
    with Crew() as crew:
        files = [str(crew.folder / f"in_{position}.npy") for position in range(len(inputs))]
        for file, array in zip(files, inputs, strict=True):
            np.save(file, array)
        for number, seat in enumerate(seats):
            try:
                _open(crew, seat, files, number)
            except Exception as error:  # noqa: BLE001  (whatever others' files do is a row of the table)
                seat.trouble = " ".join(str(error).split())[:120]
        shuffle = random.Random(0)  # noqa: S311  (an order of turns, not a secret)
        origin = time.perf_counter()
        with crew.turns():
            for number in range(rounds):
                order = [seat for seat in seats if seat.trouble is None]
                shuffle.shuffle(order)
                for seat in order:
                    process = number % len(seat.workers)
                    began = time.perf_counter() - origin
                    with crew.turn(seat.workers[process]):
                        said = seat.workers[process].request(
                            f"{BENCH}:take_turn",
                            {
                                "candidate": seat.name,
                                "duration_ms": turn_ms,
                                "least": 1,
                                "most": 20_000,
                                "rewarm": True,
                            },
                            SECONDS,
                        )
                    seat.blocks.append(Block(number, process, began, said["wall_ns"], tuple(said["latencies_ns"])))


def _open(crew: Crew, seat: Seat, files: list[str], number: int) -> None:
    runtime = runtimes()[seat.runtime]
    shared = {"runtime": reference(runtime), "lowering": asdict(seat.lowering)}
    for process in range(1 if runtime.group else PROCESSES):
        worker = crew.start(f"seat_{number}_{process}", environment=environment(None, "cpu", seat.lowering.threads))
        with crew.alone(worker):
            worker.request(f"{BENCH}:prepare", shared, SECONDS)
            opened = shared | {
                "candidate": seat.name,
                "artifact": seat.artifact,
                "inputs": [files],
                "outputs": str(crew.folder / f"out_{number}"),
                "checked": 1,
            }
            worker.request(f"{BENCH}:open_candidate", opened, SECONDS)
            worker.request(
                f"{BENCH}:warm_up", {"candidate": seat.name, "least": 5, "most": 5000, "limit_s": 1.0}, SECONDS
            )
        seat.workers.append(worker)


def ratio(seat: Seat, other: Seat) -> tuple[float, float, float]:
    """How many times as long the first takes as the second, with its 95% interval."""
    found = compare(seat.measurement, other.measurement, candidate_name=seat.name, reference_name=other.name)
    return found.ratio, found.low, found.high


def folder_of(path: str | Path) -> Path:
    """Make a folder, and give it."""
    Path(path).mkdir(parents=True, exist_ok=True)
    return Path(path)


def answers(seat: Seat, inputs: list[np.ndarray]) -> np.ndarray:
    """Run all samples through a contender; return its first output."""
    with Crew() as crew:
        files = [str(crew.folder / f"all_{position}.npy") for position in range(len(inputs))]
        for file, array in zip(files, inputs, strict=True):
            np.save(file, array)
        first = [str(crew.folder / f"first_{position}.npy") for position in range(len(inputs))]
        for file, array in zip(first, inputs, strict=True):
            np.save(file, array[:1])
        alone = Seat(seat.name, seat.runtime, seat.artifact, seat.lowering)
        _open(crew, alone, first, 0)
        arguments = {"candidate": seat.name, "inputs": files, "outputs": str(crew.folder / "said"), "batch_size": 1}
        alone.workers[0].request(f"{BENCH}:answer", arguments, SECONDS)
        return np.load(crew.folder / "said_0.npy")
