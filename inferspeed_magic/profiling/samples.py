"""What candidates are run with, and what they have to answer."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.errors import ModelError
from inferspeed_magic.formats.agreement import TOLERANCES, best_order, relative_error
from inferspeed_magic.sources.inputs import batches_of, made_up
from inferspeed_magic.sources.live import backend_of
from inferspeed_magic.sources.quiet import quiet

if TYPE_CHECKING:
    from pathlib import Path

    from inferspeed_magic.sources.source import Source

    Array = np.ndarray[Any, Any]

#: Outputs are compared for this many batches.
CHECKED = 2
#: Candidates are timed with this many different batches in turn, as long as they take no more memory than that.
_POOL = 4
_POOL_BYTES = 64_000_000


class Samples:
    """Batches by source and batch size, made once, and the source's own answers to them.

    Args:
        folder: where the batches are written, so that workers can read them.
        seed: of made-up inputs.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._seed = seed
        self._inputs: dict[tuple[str, int], tuple[list[list[str]], list[list[Array]]]] = {}
        self._untimed: dict[tuple[str, int], tuple[int, ...]] = {}
        self._expected: dict[tuple[str, int], list[list[Array]]] = {}
        self._of_graph: dict[tuple[str, int], list[list[Array]] | None] = {}

    def inputs(self, source: Source, batch_size: int) -> tuple[list[list[str]], list[list[Array]]]:
        """Return the batches that a source is run with, as files and as arrays."""
        place = (source.key, batch_size)
        if place not in self._inputs:
            one = made_up(source.signature, 1, self._seed)
            batch_bytes = max(1, sum(array.nbytes for array in one)) * batch_size
            pool = max(1, min(_POOL, _POOL_BYTES // batch_bytes))
            batches = batches_of(source.samples(batch_size * pool, self._seed), batch_size, pool)
            if source.has_real_inputs or len(batches) < CHECKED:
                # Random inputs beside real ones, and a second input that differs, so that an artifact that ignores its
                # input is found out. They are not timed.
                random = source.random_batches(batch_size, self._seed + 1)
                batches[1:1] = random
                self._untimed[place] = tuple(range(1, 1 + len(random)))
            self._inputs[place] = (self._written(batches), batches)
        return self._inputs[place]

    def untimed(self, source: Source, batch_size: int) -> tuple[int, ...]:
        """Return the positions of the batches that are for checking only."""
        self.inputs(source, batch_size)
        return self._untimed.get((source.key, batch_size), ())

    def _written(self, batches: list[list[Array]]) -> list[list[str]]:
        folder = self._folder / f"inputs_{len(self._inputs)}"
        folder.mkdir()
        files = []
        for number, batch in enumerate(batches):
            names = [str(folder / f"{number}_{position}.npy") for position in range(len(batch))]
            for name, array in zip(names, batch, strict=True):
                np.save(name, array, allow_pickle=False)
            files.append(names)
        return files

    def error(self, source: Source, batch_size: int, outputs: list[list[Array]]) -> float:
        """Compare a candidate's outputs for the first batches with the source's; return the largest relative error.

        Keras is not always of one mind: layers for pictures round what they put out when they are called with integers
        one by one, and do not in a graph, as in ``predict``. What agrees with either is the same model.
        """
        if not self.knows(source, batch_size):
            self.expect(source, batch_size, self._reference(source, batch_size))
        # What we make of a live model names its outputs in order; other people's files do not.
        foreign = source.model is None
        error = _furthest(outputs, self._expected[source.key, batch_size], any_order=foreign)
        if error > TOLERANCES.get(source.precision, TOLERANCES["float32"]):
            traced = self._reference_of_graph(source, batch_size)
            error = min(error, _furthest(outputs, traced, any_order=foreign) if traced else error)
        return error

    def knows(self, source: Source, batch_size: int) -> bool:
        """Whether it is known what the source answers."""
        return (source.key, batch_size) in self._expected

    def expect(self, source: Source, batch_size: int, outputs: list[list[Array]]) -> None:
        """Note what the source answers to the first batches."""
        self._expected[source.key, batch_size] = outputs

    def _reference(self, source: Source, batch_size: int) -> list[list[Array]]:
        _, batches = self.inputs(source, batch_size)
        with quiet():
            return source.answers(batches[:CHECKED])

    def _reference_of_graph(self, source: Source, batch_size: int) -> list[list[Array]] | None:
        place = (source.key, batch_size)
        if place not in self._of_graph:
            self._of_graph[place] = None
            if source.model is not None and backend_of(source.kind) == "tensorflow":
                with quiet(), contextlib.suppress(ModelError):  # some models run layer by layer only
                    self._of_graph[place] = source.answers(self.inputs(source, batch_size)[1][:CHECKED], traced=True)
        return self._of_graph[place]


def _furthest(outputs: list[list[Array]], expected: list[list[Array]], *, any_order: bool) -> float:
    order = best_order(outputs[0], expected[0]) if any_order else range(len(outputs[0]))
    return max(
        relative_error([mine[position] for position in order], theirs)
        for mine, theirs in zip(outputs, expected, strict=True)
    )
