"""Open candidates: find an artifact that works, in a process of its own, with outputs that agree."""

from __future__ import annotations

import contextlib
import statistics
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from inferspeed_magic.discovery import reference
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.formats.agreement import TOLERANCES, best_order, relative_error
from inferspeed_magic.formats.routes import routes, why_none, words
from inferspeed_magic.profiling.local import LocalWorker
from inferspeed_magic.sources.inputs import batches_of, made_up
from inferspeed_magic.sources.quiet import quiet

if TYPE_CHECKING:
    from inferspeed_magic.formats.routes import Route
    from inferspeed_magic.profiling.candidate import Candidate
    from inferspeed_magic.profiling.conversion import Artifact, Converter
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.sources.source import Source
    from inferspeed_magic.workers.crew import Crew
    from inferspeed_magic.workers.worker import Worker

    Array = np.ndarray[Any, Any]

_BENCH = "inferspeed_magic.measurement.bench"
_POOL = 4
_POOL_BYTES = 64_000_000
_CHECKED = 2
_LEAST_WARM_UP = 5
_MOST_WARM_UP = 5000
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
        environments: variables for a worker, by backend of the model.
    """

    def __init__(self, crew: Crew, converter: Converter, limits: Limits, seed: int, device: str) -> None:
        self._crew = crew
        self._converter = converter
        self._limits = limits
        self._seed = seed
        self._device = device
        self._inputs: dict[tuple[str, int], tuple[list[list[str]], list[list[Array]]]] = {}
        self._expected: dict[tuple[str, int], list[list[Array]]] = {}
        self._hosts: dict[tuple[str, str], Worker | LocalWorker] = {}
        self._open_in: dict[int, list[Candidate]] = {}
        self._outputs = 0

    def open(self, candidate: Candidate) -> None:
        """Open a candidate, or note on it why that cannot be done."""
        ways = _ways(candidate)
        if not ways:
            formats = candidate.runtime.capabilities().formats
            candidate.end("unsupported", why_none(candidate.source.kind, formats[0]))
            return
        tried: list[WorkerError] = []
        for route in ways:
            try:
                artifact = self._converter.submit(candidate.source, route, candidate.lowering.batch_size).result()
                self._open(candidate, artifact)
            except WorkerError as error:
                if error.status == "unsupported":
                    # The runtime cannot do it here, whichever way the artifact was made.
                    candidate.fail(error)
                    return
                tried.append(WorkerError(error.status, f"{words(route)}: {error.reason}" if route else error.reason))
                continue
            candidate.artifact = artifact
            if tried:
                candidate.notes.append("tried before: " + "; ".join(failure.reason for failure in tried))
            return
        worst = (
            tried[0]
            if len(tried) == 1
            else WorkerError(
                next((each.status for each in tried if each.status != "failed"), "failed"),
                "; then ".join(each.reason for each in tried),
            )
        )
        candidate.fail(worst)

    def _open(self, candidate: Candidate, artifact: Artifact) -> None:
        """Open an artifact in the candidate's processes; check what the first one answers; warm up."""
        count = _PROCESSES if candidate.runtime.group is None else 1
        for number in range(count):
            worker = self._worker(candidate, artifact, number)
            try:
                reply = self._open_in_worker(worker, candidate, artifact)
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

    def _worker(self, candidate: Candidate, artifact: Artifact, number: int) -> Worker | LocalWorker:
        """Return the process to open it in: one that the Keras call paths share, or a new one."""
        group = candidate.runtime.group
        if group is None:
            worker: Worker | LocalWorker = self._start(candidate, f"{candidate.key}_{number}")
            return worker
        place = (candidate.source.name, "kernel" if artifact.path.startswith("live:") else group)
        host = self._hosts.get(place)
        if host is None or not host.alive:
            host = LocalWorker() if place[1] == "kernel" else self.start_host(candidate)
            self._hosts[place] = host
        return host

    def start_host(self, candidate: Candidate) -> Worker:
        """Start the process that a source's Keras call paths share, and keep it for them."""
        worker = self._start(candidate, f"{candidate.source.name}_keras_{self._outputs}")
        self._hosts[candidate.source.name, str(candidate.runtime.group)] = worker
        return worker

    def _start(self, candidate: Candidate, name: str) -> Worker:
        self._outputs += 1
        return self._crew.start(
            f"{self._outputs}_{name}",
            environment=environment(candidate.source, self._device),
            memory_limit_mb=self._limits.memory_mb(),
        )

    def prepare(self, worker: Worker | LocalWorker, candidate: Candidate) -> None:
        """Have the worker import its library."""
        if isinstance(worker, LocalWorker):
            return
        arguments = {"runtime": reference(candidate.runtime), "lowering": asdict(candidate.lowering)}
        worker.request(f"{_BENCH}:prepare", arguments, self._limits.import_s)

    def _open_in_worker(self, worker: Worker | LocalWorker, candidate: Candidate, artifact: Artifact) -> dict[str, Any]:
        files, _ = self.inputs(candidate.source, candidate.lowering.batch_size)
        checked = min(_CHECKED, len(files))
        self._outputs += 1
        prefix = self._crew.folder / f"outputs_{self._outputs}"
        arguments = {
            "candidate": candidate.key,
            "runtime": reference(candidate.runtime),
            "artifact": artifact.path,
            "lowering": asdict(candidate.lowering),
            "inputs": files,
            "outputs": str(prefix),
            "checked": checked,
        }
        self.prepare(worker, candidate)
        with self._crew.alone(worker), quiet():
            reply: dict[str, Any] = worker.request(f"{_BENCH}:open_candidate", arguments, self._limits.open_s)
        outputs = [
            [np.load(f"{prefix}_{number}_{position}.npy") for position in range(reply["outputs"])]
            for number in range(checked)
        ]
        self._check(candidate, outputs)
        return reply

    def _check(self, candidate: Candidate, outputs: list[list[Array]]) -> None:
        """Compare with the source; nothing is timed that is not the same model."""
        place = (candidate.source.name, candidate.lowering.batch_size)
        if place not in self._expected:
            if candidate.source.model is None:
                # A file of another format has no live model: what its own runtime answers is the reference.
                self._expected[place] = outputs
            else:
                _, batches = self.inputs(candidate.source, candidate.lowering.batch_size)
                with quiet():
                    self._expected[place] = [candidate.source.outputs(batch) for batch in batches[:_CHECKED]]
        expected = self._expected[place]
        order = best_order(outputs[0], expected[0])
        error = max(
            relative_error([mine[position] for position in order], theirs)
            for mine, theirs in zip(outputs, expected, strict=True)
        )
        candidate.relative_error = error
        tolerance = TOLERANCES.get(candidate.source.precision, 1e-3)
        if not error <= tolerance:
            what = (
                "its outputs have another shape, or are NaN or infinite"
                if np.isinf(error)
                else (f"its outputs differ from the model's by {error:.1e} (relative), more than {tolerance:.0e}")
            )
            raise WorkerError("disagrees", what)

    def inputs(self, source: Source, batch_size: int) -> tuple[list[list[str]], list[list[Array]]]:
        """Return the batches that a source is run with, as files and as arrays."""
        place = (source.name, batch_size)
        if place not in self._inputs:
            samples = source.samples(batch_size * _POOL, self._seed)
            sample_bytes = max(1, sum(array[:1].nbytes for array in samples)) * batch_size
            pool = max(1, min(_POOL, _POOL_BYTES // sample_bytes))
            batches = batches_of(samples, batch_size, pool)
            if source.given is not None and len(batches) < _CHECKED:
                # A second input that differs, so that an artifact that ignores its input is found out.
                batches.append(made_up(source.signature, batch_size, self._seed))
            folder = self._crew.folder / f"inputs_{len(self._inputs)}"
            folder.mkdir()
            files = []
            for number, batch in enumerate(batches):
                names = [str(folder / f"{number}_{position}.npy") for position in range(len(batch))]
                for name, array in zip(names, batch, strict=True):
                    np.save(name, array, allow_pickle=False)
                files.append(names)
            self._inputs[place] = (files, batches)
        return self._inputs[place]

    def _warm_up(self, worker: Worker | LocalWorker, candidate: Candidate) -> dict[str, Any]:
        arguments = {
            "candidate": candidate.key,
            "least": _LEAST_WARM_UP,
            "most": _MOST_WARM_UP,
            "limit_s": 1.0,
        }
        with self._crew.alone(worker):
            reply: dict[str, Any] = worker.request(f"{_BENCH}:warm_up", arguments, self._limits.open_s)
        return reply

    def _bury(self, worker: Worker | LocalWorker, culprit: Candidate) -> None:
        """After a failure: end what is left of the candidate, and reopen others that lost their process with it."""
        for started in [*culprit.processes, worker]:
            tenants = [each for each in self._open_in.get(id(started), []) if each is not culprit]
            self._open_in[id(started)] = tenants
            if started.alive and tenants:
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

    def lost(self, worker: Worker | LocalWorker, culprit: Candidate, error: WorkerError) -> None:
        """Note that a candidate failed while it was measured."""
        culprit.fail(error)
        tenants = [each for each in self._open_in.get(id(worker), []) if each is not culprit]
        self._open_in[id(worker)] = tenants
        if not worker.alive:
            self.reopen(self._open_in.pop(id(worker), []), worker)


def environment(source: Source | None, device: str) -> dict[str, str]:
    """Variables for a worker: quiet logs, the model's own backend, and GPUs hidden where the CPU is asked for."""
    variables = {"TF_CPP_MIN_LOG_LEVEL": "3", "GLOG_minloglevel": "3", "ORT_LOGGING_LEVEL": "3"}
    if device == "cpu":
        variables["CUDA_VISIBLE_DEVICES"] = "-1"
    else:
        # Several processes share the GPU: none may take all of its memory at its start.
        variables["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
        variables["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    if source is not None and source.kind == "keras":
        from inferspeed_magic.sources.live import backend_of

        variables["KERAS_BACKEND"] = backend_of("keras")
    return variables


def _ways(candidate: Candidate) -> list[Route]:
    return [route for fmt in candidate.runtime.capabilities().formats for route in routes(candidate.source.kind, fmt)]
