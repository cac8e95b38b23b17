"""What candidates answer to the user's data, each through its own runtime, in its own process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.workers.crew import Crew

    Array = np.ndarray[Any, Any]

_BENCH = "inferspeed_magic.measurement.bench"


class Answers:
    """Runs arrays through opened candidates.

    Args:
        crew: whose folder the arrays travel through.
        limits: time.
    """

    def __init__(self, crew: Crew, limits: Limits) -> None:
        self._crew = crew
        self._limits = limits
        self._count = 0

    def of(self, candidate: Candidate, inputs: Sequence[Array]) -> list[Array]:
        """Run all samples.

        Args:
            candidate: that is open.
            inputs: of the whole model, in flat order, samples first.

        Returns:
            The outputs in flat order, samples first.

        Raises:
            WorkerError: where the candidate fails.
        """
        source = candidate.source
        arrays = source.feed(list(inputs)) if source.whole is not None else inputs
        self._count += 1
        prefix = self._crew.folder / f"answers_{self._count}"
        files = [f"{prefix}_in_{position}.npy" for position in range(len(arrays))]
        for file, array in zip(files, arrays, strict=True):
            np.save(file, np.ascontiguousarray(array), allow_pickle=False)
        expected_s = len(arrays[0]) / candidate.lowering.batch_size * candidate.expected_ns / 1e9
        worker = candidate.processes[0]
        arguments = {
            "candidate": candidate.key,
            "inputs": files,
            "outputs": f"{prefix}_out",
            "batch_size": candidate.lowering.batch_size,
        }
        try:
            with self._crew.awake(worker):
                reply = worker.request(f"{_BENCH}:answer", arguments, self._limits.turn_s + 20 * expected_s)
            return [np.load(f"{prefix}_out_{position}.npy") for position in range(reply["outputs"])]
        finally:
            for used in self._crew.folder.glob(f"{prefix.name}_*.npy"):
                used.unlink(missing_ok=True)
