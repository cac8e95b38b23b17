"""What the product does to a model, step by step: convert it and run sessions, both in real workers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from inferspeed_magic.discovery import reference
from inferspeed_magic.formats.routes import routes
from inferspeed_magic.profiling.conversion import Converter, release
from inferspeed_magic.profiling.environment import environment
from inferspeed_magic.profiling.limits import LIMITS
from inferspeed_magic.runtimes.base import Lowering
from inferspeed_magic.sources.kinds import object_kind
from inferspeed_magic.sources.source import from_model
from inferspeed_magic.workers.crew import Crew

if TYPE_CHECKING:
    from inferspeed_magic.workers.worker import Worker

BENCH = "inferspeed_magic.measurement.bench"
SECONDS = 120.0


@dataclass
class Opened:
    """A session in a worker."""

    bench: Workbench
    worker: Worker
    name: str
    reply: dict[str, Any]
    outputs: list[list[np.ndarray]]

    def run(self, inputs):
        """Run one inference."""
        files, prefix = self.bench.saved([inputs])[0], self.bench.prefix()
        arguments = {"candidate": self.name, "inputs": files, "outputs": prefix, "batch_size": len(inputs[0])}
        return self.bench.read(prefix, self.worker.request(f"{BENCH}:answer", arguments, SECONDS)["outputs"])


class Workbench:
    """Owns the workers: one for conversions, one for each runtime (the Keras call paths share theirs)."""

    def __init__(self) -> None:
        self.crew = Crew()
        self.converter = Converter(self.crew, LIMITS, environment(None, "cpu"))
        self._workers: dict[tuple[str, str], Worker] = {}
        self._sources: dict[str, Any] = {}
        self._files = 0

    def source(self, make):
        """Describe the model that a function makes; the function's name is the model's."""
        if make.__name__ not in self._sources:
            model = make()
            self._sources[make.__name__] = from_model(make.__name__, model, object_kind(model), None, None)
        return self._sources[make.__name__]

    def artifact(self, source, runtime, batch_size):
        """Make what a runtime likes best, on the best route."""
        route = routes(source.kind, runtime.capabilities().formats[0])[0]
        return self.converter.submit(source, route, batch_size).result().path

    def open(self, runtime, artifact, batches, *, device="cpu"):
        """Open an artifact; the session has run on each of the batches (of one size)."""
        worker = self.worker(runtime, device)
        lowering = asdict(Lowering(device, 2, len(batches[0][0])))
        shared = {"runtime": reference(runtime), "lowering": lowering}
        worker.request(f"{BENCH}:prepare", shared, SECONDS)
        prefix = self.prefix()
        arguments = shared | {
            "candidate": prefix,
            "artifact": artifact,
            "inputs": self.saved(batches),
            "outputs": prefix,
            "checked": len(batches),
        }
        reply = worker.request(f"{BENCH}:open_candidate", arguments, SECONDS)
        outputs = [self.read(f"{prefix}_{number}", reply["outputs"]) for number in range(len(batches))]
        return Opened(self, worker, prefix, reply, outputs)

    def worker(self, runtime, device="cpu"):
        """Return the runtime's process."""
        place = (runtime.group or runtime.name, device)
        if place not in self._workers or not self._workers[place].alive:
            self._workers[place] = self.crew.start("_".join(place), environment=environment(None, device))
        return self._workers[place]

    def prefix(self):
        self._files += 1
        return str(self.crew.folder / f"bench_{self._files}")

    def saved(self, batches):
        """Write batches to files, as JSON can name them."""
        files = []
        for batch in batches:
            prefix = self.prefix()
            files.append([f"{prefix}_in_{position}.npy" for position in range(len(batch))])
            for file, array in zip(files[-1], batch, strict=True):
                np.save(file, array, allow_pickle=False)
        return files

    @staticmethod
    def read(prefix, count):
        return [np.load(f"{prefix}_{position}.npy") for position in range(count)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.converter.close()
        release(list(self._sources.values()))
        self.crew.__exit__(None, None, None)
