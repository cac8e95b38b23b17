"""Open candidates: find an artifact that works, in a process of its own, with outputs that agree."""

from __future__ import annotations

import contextlib
import statistics
import sys
from dataclasses import asdict, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.discovery import reference, runtimes
from inferspeed_magic.errors import ModelError, WorkerError
from inferspeed_magic.formats.agreement import TOLERANCES
from inferspeed_magic.formats.routes import NATIVE, routes, why_none, words
from inferspeed_magic.profiling.environment import environment
from inferspeed_magic.profiling.local import LocalWorker
from inferspeed_magic.profiling.reasons import short
from inferspeed_magic.profiling.samples import CHECKED, Samples
from inferspeed_magic.sources.live import states
from inferspeed_magic.sources.quiet import quiet
from inferspeed_magic.techniques.base import changed

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from inferspeed_magic.formats.routes import Route
    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.profiling.conversion import Artifact, Converter
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.sources.source import Source
    from inferspeed_magic.workers.crew import Crew
    from inferspeed_magic.workers.worker import Worker

_BENCH = "inferspeed_magic.measurement.bench"
_LEAST_WARM_UP = 5
_MOST_WARM_UP = 5000
#: Seconds for which a slow model is warmed up until there is enough to judge by.
_PATIENT_S, _HASTY_S = 6.0, 1.5
_PATIENCE_S = 0.3
#: Processes per candidate. Two processes with the same artifact differ by a percent or so (where memory happens to
#: lie); an interval that knows only one of them is too narrow.
_PROCESSES = 2


class Opener:
    """Opens candidates one after the other.

    Args:
        crew: starts processes and silences them.
        converter: makes artifacts.
        limits: time and memory.
        seed: of made-up inputs.
        device: that candidates run on.
        thorough: whether what opening takes is of interest. If not, candidates are opened beside whatever else is
            done, Keras's call paths share one model for each batch size, and slow candidates are warmed up for less
            long.
        tell: is called with what is being done, now and then.
    """

    def __init__(
        self,
        crew: Crew,
        converter: Converter,
        limits: Limits,
        *,
        seed: int,
        device: str,
        thorough: bool = True,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._crew = crew
        self._converter = converter
        self._limits = limits
        self._device = device
        self._thorough = thorough
        self._tell = tell
        self._samples = Samples(crew.folder, seed)
        self._hosts: dict[tuple[str, str], Worker | LocalWorker] = {}
        self._open_in: dict[int, list[Candidate]] = {}
        self._outputs = 0

    def open(self, candidate: Candidate) -> None:
        """Open a candidate, or note on it why that cannot be done."""
        found = ways(candidate)
        if not found:
            formats = candidate.runtime.capabilities().formats
            candidate.end("unsupported", why_none(candidate.source.kind, formats[0]))
            return
        tried: list[WorkerError] = []
        for route in found:
            try:
                self._open_verified(candidate, route)
            except ModelError as error:
                candidate.end("failed", str(error))
                return
            except OSError as error:
                candidate.end("failed", f"no room for temporary files: {error}; free space, or set TMPDIR elsewhere")
                return
            except WorkerError as error:
                made, candidate.artifact = candidate.artifact, None
                if error.status == "unsupported" and made is not None:
                    # The runtime cannot do it here, whichever way the artifact was made.
                    candidate.fail(error)
                    return
                said = words(route)
                known = not route or error.reason.startswith(f"{said}:")
                tried.append(WorkerError(error.status, error.reason if known else f"{said}: {error.reason}"))
                continue
            candidate.made_by = route
            if tried:
                candidate.notes.append("tried before: " + "; ".join(short(failure.reason) for failure in tried))
            return
        worst = (
            tried[0]
            if len(tried) == 1 or all(each.status == "unsupported" for each in tried)
            else WorkerError(
                next((each.status for each in tried if each.status != "failed"), "failed"),
                "; then ".join(each.reason for each in tried),
            )
        )
        candidate.fail(worst)

    def complete(self, candidate: Candidate) -> None:
        """Open a candidate in the rest of its processes."""
        if candidate.artifact is None or not candidate.well:
            return
        count = _PROCESSES if candidate.runtime.group is None else 1
        try:
            for number in range(1, count):
                self._open_in_process(candidate, candidate.artifact, number)
        except WorkerError as error:
            candidate.fail(error)

    def dismiss(self, candidate: Candidate) -> None:
        """Close a candidate that will not be measured."""
        for worker in candidate.processes:
            self._open_in.pop(id(worker), None)
            if not isinstance(worker, LocalWorker):
                self._crew.dismiss(worker)
        candidate.processes = []

    def _open_verified(self, candidate: Candidate, route: Route) -> None:
        """Open what a route makes; what came from the cache and does not agree is made anew, once."""
        asked = (candidate.source, route, candidate.lowering.batch_size)
        candidate.artifact = artifact = self._wait(self._converter.submit(*asked))
        try:
            self._open_in_process(candidate, artifact, 0)
        except WorkerError:
            if artifact.cached is None:
                raise
            candidate.artifact = artifact = self._wait(self._converter.again(*asked, artifact))
            self._open_in_process(candidate, artifact, 0)
        self._converter.keep(candidate.source, artifact)

    def _wait(self, pending: Future[Artifact]) -> Artifact:
        """Wait for an artifact, and keep saying what is converted."""
        while True:
            try:
                return pending.result(timeout=_PATIENCE_S)
            except TimeoutError:
                if pending.done():
                    raise
                self._tell(self._converter.now)

    def _open_in_process(self, candidate: Candidate, artifact: Artifact, number: int) -> None:
        """Open an artifact in one of the candidate's processes; check what the first one answers; warm up."""
        worker = self._worker(candidate, artifact, number)
        try:
            reply = self._open_in_worker(worker, candidate, artifact)
            if number == 0 and candidate.dynamic:
                self._check_other_batch(worker, candidate, artifact)
            warm = self._warm_up(worker, candidate)
        except WorkerError:
            self._bury(worker, candidate)
            raise
        candidate.processes.append(worker)
        self._open_in.setdefault(id(worker), []).append(candidate)
        if number == 0:
            candidate.opened = reply
            candidate.peak_memory_mb = reply["peak_memory_mb"]
            candidate.warm_up_ns = warm["latencies_ns"]
            candidate.warm_up_detected = warm["detected"]
            candidate.settled = warm["settled"]
            steady = warm["latencies_ns"][warm["detected"] :] or warm["latencies_ns"]
            candidate.expected_ns = statistics.median(steady)

    def _check_other_batch(self, worker: Worker | LocalWorker, candidate: Candidate, artifact: Artifact) -> None:
        """Have a file that claims to take any batch size show it with another one."""
        size = candidate.lowering.batch_size + 1
        other = replace(candidate, lowering=replace(candidate.lowering, batch_size=size), notes=[], processes=[])
        self._settle_reference(other)
        with self._crew.alone(worker), quiet():
            _, outputs = self._run_first(worker, other, artifact.path)
            worker.request(f"{_BENCH}:close", {"candidate": other.key}, self._limits.open_s)
        other.relative_error = self._samples.error(candidate.source, size, outputs)
        _assert_same(other)
        candidate.relative_error = max(candidate.relative_error or 0.0, other.relative_error)

    def _worker(self, candidate: Candidate, artifact: Artifact, number: int) -> Worker | LocalWorker:
        """Return the process to open it in: one that the Keras call paths share, or a new one."""
        group = candidate.runtime.group
        if group is None:
            worker: Worker | LocalWorker = self._start(candidate, f"{candidate.key}_{number}")
            return worker
        place = (candidate.source.key, "kernel" if artifact.path.startswith("live:") else group)
        host = self._hosts.get(place)
        if host is None or not host.alive:
            host = LocalWorker() if place[1] == "kernel" else self.start_host(candidate)
            self._hosts[place] = host
        return host

    def start_host(self, candidate: Candidate) -> Worker:
        """Start the process that a source's Keras call paths share, and keep it for them."""
        worker = self._start(candidate, f"{candidate.source.name}_keras_{self._outputs}")
        self._hosts[candidate.source.key, str(candidate.runtime.group)] = worker
        return worker

    def move_in(self, guest: Source, host: Source) -> None:
        """Have the Keras call paths of one model run in the process of another's, where there is one."""
        for (key, group), worker in list(self._hosts.items()):
            if key == host.key and group != "kernel":
                self._hosts[guest.key, group] = worker

    def inputs(self, candidate: Candidate) -> list[list[str]]:
        """Name the files of the batches that a candidate is timed with; for each batch in the order of the inputs."""
        source, batch_size = candidate.source, candidate.lowering.batch_size
        untimed = self._samples.untimed(source, batch_size)
        files, _ = self._samples.inputs(source, batch_size)
        return [batch for position, batch in enumerate(files) if position not in untimed]

    def _start(self, candidate: Candidate, name: str) -> Worker:
        self._outputs += 1
        return self._crew.start(
            f"{self._outputs}_{name}",
            environment=environment(candidate.source, self._device, candidate.lowering.threads),
            memory_limit_mb=self._limits.memory_mb(),
        )

    def prepare(self, worker: Worker | LocalWorker, candidate: Candidate) -> None:
        """Have the worker import its library."""
        if isinstance(worker, LocalWorker):
            return
        arguments = {"runtime": reference(candidate.runtime), "lowering": asdict(candidate.lowering)}
        with self._crew.awake(worker):
            worker.request(f"{_BENCH}:prepare", arguments, self._limits.import_s)

    def _open_in_worker(self, worker: Worker | LocalWorker, candidate: Candidate, artifact: Artifact) -> dict[str, Any]:
        self._settle_reference(candidate)
        self._tell(f"compiling {candidate.name}")
        self.prepare(worker, candidate)
        with self._crew.alone(worker) if self._thorough else self._crew.awake(worker), quiet():
            reply, outputs = self._run_first(worker, candidate, artifact.path)
        candidate.relative_error = self._samples.error(candidate.source, candidate.lowering.batch_size, outputs)
        _assert_same(candidate)
        return reply

    def _settle_reference(self, candidate: Candidate) -> None:
        """Ask a file that is not Keras's what is right: without a live model, its own runtime answers, on the CPU."""
        source, batch_size = candidate.source, candidate.lowering.batch_size
        if source.model is not None or self._samples.knows(source, batch_size):
            return
        path = self._converter.portable(source).result()
        runtime = runtimes()[NATIVE[source.kind]]
        native = replace(candidate, runtime=runtime, lowering=replace(candidate.lowering, device="cpu"))
        worker = self._crew.start(
            f"{source.name}_reference", environment=environment(source, "cpu"), memory_limit_mb=self._limits.memory_mb()
        )
        try:
            self.prepare(worker, native)
            _, outputs = self._run_first(worker, native, path)
        except WorkerError as error:
            reason = f"the file does not run on {runtime.name}, which is its own runtime: {error.reason}"
            raise WorkerError(error.status, reason) from None
        finally:
            self._crew.dismiss(worker)
        self._samples.expect(source, batch_size, outputs)

    def _run_first(
        self, worker: Worker | LocalWorker, candidate: Candidate, path: str
    ) -> tuple[dict[str, Any], list[list[Any]]]:
        """Load, compile and run in a worker; return what it said and what the model answered."""
        batch_size = candidate.lowering.batch_size
        files, _ = self._samples.inputs(candidate.source, batch_size)
        checked = min(CHECKED, len(files))
        self._outputs += 1
        prefix = self._crew.folder / f"outputs_{self._outputs}"
        arguments = {
            "candidate": candidate.key,
            "runtime": reference(candidate.runtime),
            "artifact": path,
            "lowering": asdict(replace(candidate.lowering, precision=candidate.precision)),
            "inputs": files,
            "outputs": str(prefix),
            "checked": checked,
            "untimed": self._samples.untimed(candidate.source, batch_size),
            "shared": f"{path} at {batch_size}" if self._shares_model(candidate) else "",
        }
        reply: dict[str, Any] = worker.request(f"{_BENCH}:open_candidate", arguments, self._limits.open_s)
        numbers, positions = range(checked), range(reply["outputs"])
        return reply, [[np.load(f"{prefix}_{number}_{each}.npy") for each in positions] for number in numbers]

    def _shares_model(self, candidate: Candidate) -> bool:
        """Tell whether Keras's call paths may run one model: none that remembers its last call."""
        return not self._thorough and candidate.runtime.group is not None and not states(candidate.source.model)

    def _warm_up(self, worker: Worker | LocalWorker, candidate: Candidate) -> dict[str, Any]:
        arguments = {
            "candidate": candidate.key,
            "least": _LEAST_WARM_UP,
            "most": _MOST_WARM_UP,
            "limit_s": 1.0,
            "patience_s": _PATIENT_S if self._thorough else _HASTY_S,
        }
        with self._crew.alone(worker):
            reply: dict[str, Any] = worker.request(f"{_BENCH}:warm_up", arguments, self._limits.open_s)
        return reply

    def _bury(self, worker: Worker | LocalWorker, culprit: Candidate) -> None:
        """After a failure: end what is left of the candidate, and reopen others that lost their process with it."""
        for started in [*culprit.processes, worker]:
            tenants = [each for each in self._open_in.get(id(started), []) if each is not culprit]
            self._open_in[id(started)] = tenants
            if started.alive and (tenants or culprit.runtime.group is not None):
                with contextlib.suppress(WorkerError):
                    started.request(f"{_BENCH}:close", {"candidate": culprit.key}, self._limits.open_s)
            elif not isinstance(started, LocalWorker) and culprit.runtime.group is None:
                self._crew.dismiss(started)
        culprit.processes = []
        if not worker.alive:
            self.reopen(self._open_in.pop(id(worker), []), worker)

    def reopen(self, lost: list[Candidate], dead: Worker | LocalWorker) -> None:
        """Open candidates again whose process died through no fault of theirs."""
        for candidate in lost:
            candidate.processes = [each for each in candidate.processes if each is not dead]
            if candidate.processes or candidate.artifact is None or candidate.status is not None:
                continue
            worker = self._worker(candidate, candidate.artifact, 0)
            try:
                self._open_in_worker(worker, candidate, candidate.artifact)
                self._warm_up(worker, candidate)
            except WorkerError as error:
                candidate.fail(
                    WorkerError(error.status, f"{error.reason} (when opened again after a neighbour crashed)")
                )
                if not worker.alive:  # it took those with it that were opened again before it
                    self.reopen(self._open_in.pop(id(worker), []), worker)
                continue
            candidate.processes.append(worker)
            self._open_in.setdefault(id(worker), []).append(candidate)

    def lost(self, worker: Worker | LocalWorker | None, culprit: Candidate, error: WorkerError) -> None:
        """Note that a candidate failed while it was measured."""
        culprit.fail(error)
        if worker is None:
            return
        tenants = [each for each in self._open_in.get(id(worker), []) if each is not culprit]
        self._open_in[id(worker)] = tenants
        if not worker.alive:
            self.reopen(self._open_in.pop(id(worker), []), worker)
        elif culprit.runtime.group is None and not isinstance(worker, LocalWorker):
            self._crew.dismiss(worker)


def _assert_same(candidate: Candidate) -> None:
    """Nothing is timed that is not the same model; what a technique made of it is another one, but has to be finite."""
    error = candidate.relative_error
    tolerance = TOLERANCES.get(candidate.source.precision, TOLERANCES["float32"])
    if candidate.changed:
        tolerance = sys.float_info.max
    if error is None or not error <= tolerance:
        raise WorkerError(
            "disagrees",
            "its outputs have another shape, or are NaN or infinite"
            if error is None or np.isinf(error)
            else f"its outputs differ from the model's by {error:.1e} (relative), more than {tolerance:.0e}",
        )


def ways(candidate: Candidate) -> list[Route]:
    """List the routes to what a candidate can open, best first."""
    kind, lower = candidate.source.kind, candidate.source.precision != "float32"
    found = [
        (route, made)
        for made in candidate.runtime.capabilities().formats
        for route in routes(kind, made, dynamic=candidate.dynamic, lower=lower)
        if all(step.backend == "tensorflow" or find_spec(step.backend) for step in route)
    ]
    step = candidate.changed_by
    if step is None:
        ours = [route for route, _ in found]
    else:
        # A step that makes another Keras model of it comes first, whatever follows.
        ours = list(dict.fromkeys(changed(route, step) for route, made in found if step.makes in (made, "keras")))
    return [(candidate.taught_by, *route) for route in ours] if candidate.taught_by is not None else ours
