"""Turn sources into artifacts, in one converter process, in the background; each step is done once."""

from __future__ import annotations

import contextlib
import os
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from inferspeed_magic.errors import WorkerError
from inferspeed_magic.formats.agreement import TOLERANCES, relative_error
from inferspeed_magic.formats.routes import words
from inferspeed_magic.measurement.bench import artifact_mb
from inferspeed_magic.profiling.artifact_cache import default_cache, key_of
from inferspeed_magic.profiling.reasons import short
from inferspeed_magic.sources import live
from inferspeed_magic.sources.portable import MANIFEST, PICKLED, keep_live
from inferspeed_magic.sources.quiet import quiet
from inferspeed_magic.sources.rebuild import weights_share
from inferspeed_magic.sources.weight_values import optimizer_bytes
from inferspeed_magic.techniques.calibration import write

if TYPE_CHECKING:
    from inferspeed_magic.formats.routes import Route, Step
    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.sources.source import Source
    from inferspeed_magic.workers.crew import Crew
    from inferspeed_magic.workers.worker import Worker

#: What an artifact is called, alone in its folder: some formats write a second file beside the first.
_FILES = {
    "keras": "model",
    "graph": "graph",
    "saved_model": "saved_model",
    "litert": "model.tflite",
    "onnx": "model.onnx",
    "openvino_ir": "model.xml",
}
_KERAS = {"keras", "tf_keras"}
#: A converter process that holds more is replaced before the next step: converters never give memory back.
_SWOLLEN_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Artifact:
    """A file or folder that a runtime opens.

    Attributes:
        path: of the file or folder; ``live:NAME`` for a model that stays in the kernel.
        route: how it was made.
        size_mb: on disk, None for what has no file.
        computes: the precision it computes in, where that is not the model's own.
        cached: name of its entry in the cache, if it was found there.
        entry: name that it may be kept by, once its outputs were seen to agree.
    """

    path: str
    route: str
    size_mb: float | None
    computes: str | None = None
    cached: str | None = None
    entry: str | None = None


class Converter:
    """Makes artifacts. Everything that libraries do happens in the converter process, one step at a time.

    Args:
        crew: starts the process.
        limits: time and memory for a step.
        environment: of the process.
    """

    def __init__(self, crew: Crew, limits: Limits, environment: dict[str, str]) -> None:
        self._crew = crew
        self._limits = limits
        self._environment = environment
        self._cache = default_cache()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inferspeed-converter")
        self._workers: dict[str, Worker] = {}
        self._steps: dict[tuple[Any, ...], str | WorkerError] = {}
        self._pending: dict[tuple[Any, ...], Future[Artifact]] = {}
        self._portable: dict[str, Future[str]] = {}
        self._folders: dict[str, str | WorkerError] = {}
        self._fingerprints: dict[str, str | None] = {}
        self._closed = False
        self._borrowings = 0
        self.now = ""

    def get_ready(self) -> None:
        """Start the converter process in the background, ahead of the first model that it is to read."""
        self._thread.submit(self._request, "inferspeed_magic.sources.rebuild:ready", {})

    def portable(self, source: Source) -> Future[str]:
        """Prepare a source for other processes: the folder that they read, or ``live:NAME`` if they cannot."""
        if source.key not in self._portable:
            self._portable[source.key] = self._thread.submit(self._folder_of, source)
        return self._portable[source.key]

    def submit(self, source: Source, route: Route, batch_size: int) -> Future[Artifact]:
        """Start making an artifact in the background."""
        key = (source.key, route, batch_size)
        if key not in self._pending or self._pending[key].cancelled():
            self._pending[key] = self._thread.submit(self._make, source, route, batch_size)
        return self._pending[key]

    def again(self, source: Source, route: Route, batch_size: int, artifact: Artifact) -> Future[Artifact]:
        """Make an artifact anew that came from the cache and turned out wrong."""
        if artifact.cached is not None:
            self._cache.forget(artifact.cached)
        self._pending.pop((source.key, route, batch_size), None)
        return self.submit(source, route, batch_size)

    def give_up(self) -> None:
        """End what is being converted: it fails, and what is converted next begins in another process."""
        for worker in list(self._workers.values()):
            self._crew.dismiss(worker)

    def keep(self, source: Source, artifact: Artifact) -> None:
        """Keep an artifact for later runs, now that its outputs were seen to agree."""
        # What was pickled is read in this run only: nothing that lay around is ever unpickled.
        if artifact.entry is not None and not (Path(artifact.path) / PICKLED).exists():
            self._cache.keep(artifact.entry, Path(artifact.path), {"subnormal_share": source.subnormal_share})

    def inquire(self, call: str, source: Source, arguments: dict[str, Any]) -> Any:
        """Have the converter process look at something, with a source's samples for calibration; wait for the answer.

        Args:
            call: ``module:function`` that takes ``inputs`` and ``calibration`` beside the arguments.
            source: whose inputs and samples these are.
            arguments: JSON.

        Raises:
            WorkerError: where it fails.
        """
        more = {"inputs": _inputs_of(source), "calibration": self._calibration_of(source)}
        return self._thread.submit(self._request, call, arguments | more).result()

    def look(self, call: str, source: Source, arguments: dict[str, Any], *, in_kernel: bool = True) -> Future[Any]:
        """Have the converter process look at a source itself, in the background; what stays in the kernel, there.

        Args:
            call: ``module:function`` that takes ``source``, the path of a portable model, beside the arguments.
            source: to be looked at.
            arguments: JSON.
            in_kernel: whether to look at a model that no other process can have, beside whatever else happens there.

        Returns:
            What the function returns; a ``WorkerError`` where it fails.
        """
        return self._thread.submit(self._look, call, source, arguments, in_kernel)

    def _look(self, call: str, source: Source, arguments: dict[str, Any], in_kernel: bool) -> Any:  # noqa: FBT001
        path = self._folder_of(source)
        if not path.startswith("live:"):
            return self._request(call, arguments | {"source": path})
        if not in_kernel:
            raise WorkerError("unsupported", "no other process can rebuild this model")
        if live.backend_of(source.kind) != "tensorflow":
            raise WorkerError("unsupported", "graphs are TensorFlow's, and no other process can rebuild this model")
        with quiet():
            from inferspeed_magic.profiling.local import LocalWorker

            return LocalWorker().request(call, arguments | {"source": path}, self._limits.convert_s)

    def close(self) -> None:
        """Drop what has not begun and end the process."""
        self._closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers.values():
            self._crew.dismiss(worker)
        self._workers.clear()

    def _folder_of(self, source: Source) -> str:
        """Do so in this thread, once."""
        if source.key not in self._folders:
            try:
                self._folders[source.key] = self._write_portable(source)
            except WorkerError as error:
                self._folders[source.key] = error
        found = self._folders[source.key]
        if isinstance(found, WorkerError):
            raise found
        return found

    def _write_portable(self, source: Source) -> str:
        """Write a source so that other processes can read it, and check that what they read is the same model."""
        folder = self._crew.folder / f"model_{len(self._folders)}"
        if source.path is not None and source.kind not in _KERAS | {"saved_model"}:
            return str(source.path)
        self.now = f"saving the model {source.name} for other processes"
        if self._closed:
            raise WorkerError("failed", "the run is over")
        try:
            source.write_portable(folder)
        except OSError as error:
            reason = f"no room for temporary files: {error}; free space, or set TMPDIR elsewhere"
            raise WorkerError("failed", reason) from error
        except Exception as error:  # noqa: BLE001  (Keras and pickle raise whatever the user's classes raise)
            return self._stay_live(source, f"{type(error).__name__}: {error}")
        if source.kind not in _KERAS:
            return str(folder)
        batch = source.signature.fixed_batch or 1
        sample = [np.resize(array[:batch], (batch, *array.shape[1:])) for array in source.samples(batch, seed=0)]
        check = f"{folder}_check"
        expected = source.outputs(sample)
        files = _save_all(f"{check}_in", sample)
        try:
            seen = self._read_back(source, {"source": str(folder), "inputs": files, "outputs": f"{check}_out"})
        except WorkerError as error:
            if self._closed:  # the run was interrupted: nothing may be kept that nobody releases
                raise
            return self._stay_live(source, error.reason)
        rebuilt = [np.load(f"{check}_out_{position}.npy") for position in range(seen["outputs"])]
        source.subnormal_share = max(seen["weights"], seen["activations"])
        deviation = relative_error(rebuilt, expected)
        if deviation > TOLERANCES.get(source.precision, 1e-3):
            return self._stay_live(source, f"read back from its configuration its outputs differ by {deviation:.1e}")
        return str(folder)

    def _read_back(self, source: Source, arguments: dict[str, Any]) -> Any:
        """Run what another process reads; on the model's own backend where TensorFlow's does not have its layers."""
        call = "inferspeed_magic.sources.rebuild:outputs_of_rebuilt"
        try:
            return self._request(call, arguments)
        except WorkerError:
            own = live.backend_of(source.kind)
            if own == "tensorflow" or self._closed:
                raise
            return self._request(call, arguments, own)

    def _stay_live(self, source: Source, reason: str) -> str:
        """Keep the model in the kernel: no other process can rebuild it."""
        if self._closed:  # nothing may be kept that nobody releases
            raise WorkerError("failed", "the run is over")
        source.subnormal_share = weights_share(source.model)
        keep_live(source.key, live.portable(source.model, source.kind, source.signature, source.template))
        why = f"no other process can rebuild the model ({short(reason)})"
        source.stays_live = f"measured inside the kernel, with the kernel's own threads: {why}"
        return f"live:{source.key}"

    def _make(self, source: Source, route: Route, batch_size: int) -> Artifact:
        inputs = _inputs_of(source)
        fingerprint = self._fingerprint(source) if route else None
        entry = _entry(fingerprint, source, route, batch_size, inputs) if fingerprint else None
        computes = next((step.computes for step in route if step.computes), None)
        found = self._cache.find(entry) if entry else None
        if found is not None:
            path, facts = found
            source.subnormal_share = max(source.subnormal_share, float(facts["subnormal_share"]))
            path = self._borrowed(Path(path))
            return Artifact(path, words(route), _size(source, path, route), computes, entry)
        path = self._convert(source, route, batch_size, inputs)
        may_be_kept = not path.startswith("live:") and source.stays_live is None
        return Artifact(path, words(route), _size(source, path, route), computes, entry=entry if may_be_kept else None)

    def _borrowed(self, artifact: Path) -> str:
        """Link a file of the cache into the run's own folder: another process may throw the entry away meanwhile."""
        self._borrowings += 1
        folder = self._crew.folder / f"cached_{self._borrowings}"
        shutil.copytree(artifact.parent, folder, copy_function=link)
        return str(folder / artifact.name)

    def _fingerprint(self, source: Source) -> str | None:
        """Hash the source; None for a model that cannot be told from another one."""
        if source.key not in self._fingerprints:
            self._fingerprints[source.key] = None
            with contextlib.suppress(Exception):  # whatever the user's classes raise
                self._fingerprints[source.key] = source.fingerprint()
        return self._fingerprints[source.key]

    def _convert(self, source: Source, route: Route, batch_size: int, inputs: list[dict[str, Any]]) -> str:
        """Go the steps of a route; those that another route took already are not done again."""
        path = self._folder_of(source)
        done: tuple[Any, ...] = (source.key,)
        static = False
        for number, step in enumerate(route):
            static = static or step.static
            done = (*done, step, batch_size if static else None)
            if done not in self._steps and step.trained:
                before = self._trained_before(source, route[: number + 1], batch_size, inputs)
                if before is not None:
                    self._steps[done] = before
            if done not in self._steps:
                self._steps[done] = self._try(source, step, path, batch_size if step.static else None, inputs)
            outcome = self._steps[done]
            if isinstance(outcome, WorkerError):
                raise WorkerError(outcome.status, f"{step.words}: {outcome.reason}")
            path = outcome
        return path

    def _trained_before(
        self, source: Source, route: Route, batch_size: int, inputs: list[dict[str, Any]]
    ) -> str | None:
        """Find what an earlier run trained: nothing else takes as long, and other routes go on from it."""
        fingerprint = self._fingerprint(source)
        found = self._cache.find(_entry(fingerprint, source, route, batch_size, inputs)) if fingerprint else None
        return self._borrowed(Path(found[0])) if found is not None else None

    def _try(
        self, source: Source, step: Step, path: str, batch_size: int | None, inputs: list[dict[str, Any]]
    ) -> str | WorkerError:
        folder = self._crew.folder / f"artifact_{len(self._steps)}"
        folder.mkdir()
        target = folder / _FILES[step.makes]
        arguments = {"source": path, "target": str(target), "batch_size": batch_size, "inputs": inputs}
        arguments |= dict(step.settings)
        if step.calibrated:
            arguments["calibration"] = self._calibration_of(source)
        limit_s = self._limits.convert_s
        if step.trained and source.lesson is not None:
            arguments["lesson"] = str(source.lesson.folder)
            limit_s += source.lesson.limit_s
        self.now = f"converting {source.name}: {step.words}"
        try:
            if path.startswith("live:") and live.backend_of(source.kind) != "tensorflow":
                reason = "conversions start from TensorFlow, and no other process can rebuild this model"
                return WorkerError("unsupported", reason)
            if path.startswith("live:"):
                with quiet():
                    from inferspeed_magic.profiling.local import LocalWorker

                    LocalWorker().request(step.call, arguments, self._limits.convert_s)
            else:
                self._request(step.call, arguments, step.backend, limit_s)
        except WorkerError as error:
            return error
        if not target.exists():
            return WorkerError("failed", "the converter wrote nothing")
        return str(target)

    def _calibration_of(self, source: Source) -> str:
        """Write the samples that a source is calibrated with, once."""
        folder = self._crew.folder / f"calibration_{source.calibration_key()}"
        if not folder.exists():
            write(folder, source.calibration or [])
        return str(folder)

    def _request(
        self, call: str, arguments: dict[str, Any], backend: str = "tensorflow", limit_s: float | None = None
    ) -> Any:
        if self._closed:
            raise WorkerError("failed", "the run is over")
        worker = self._workers.get(backend)
        if worker is not None and worker.alive and _resident_bytes(worker.pid) > _SWOLLEN_BYTES:
            self._crew.dismiss(worker)
        if worker is None or not worker.alive:
            worker = self._workers[backend] = self._crew.start(
                f"converter_{backend}_{len(self._steps)}",
                environment=self._environment | {"KERAS_BACKEND": backend},
                memory_limit_mb=self._limits.memory_mb(),
            )
        return worker.request(call, arguments, limit_s or self._limits.convert_s)


def _inputs_of(source: Source) -> list[dict[str, Any]]:
    return [{"name": spec.name, "shape": list(spec.shape), "dtype": spec.dtype} for spec in source.signature.inputs]


def _entry(fingerprint: str, source: Source, route: Route, batch_size: int, inputs: list[dict[str, Any]]) -> str:
    """Name what a route makes of a source in the cache: by the samples too, where it is calibrated with them."""
    if any(step.calibrated for step in route):
        fingerprint += source.calibration_key()
    if any(step.trained for step in route) and source.lesson is not None:
        fingerprint += source.lesson.key
    return key_of(fingerprint, route, batch_size if any(step.static for step in route) else None, inputs)


def link(source: str, target: str) -> None:
    """Give a file another name, or copy it where that cannot be done."""
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _resident_bytes(pid: int) -> int:
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0


def release(sources: list[Source]) -> None:
    """Let go of models that were kept for measuring inside the kernel."""
    for source in sources:
        keep_live(source.key, None)


def _size(source: Source, path: str, route: Route) -> float | None:
    """Size of what the runtime loads: of the model alone, not of what lies beside it for the worker."""
    if path.startswith("live:"):
        return None
    manifest = Path(path) / MANIFEST
    if manifest.is_file():
        path = str(source.path) if source.kind == "saved_model" else str(manifest.with_name(live.MODEL_FILE))
    with contextlib.suppress(OSError):
        # What an optimizer remembers is saved with a compiled model, and is no part of what runs. Changed models are
        # written without.
        as_it_came = manifest.is_file() and not route
        return max(0.0, artifact_mb(path) - (optimizer_bytes(source.model) / 1e6 if as_it_came else 0.0))
    return None


def _save_all(prefix: str, arrays: list[Any]) -> list[str]:
    files = []
    for position, array in enumerate(arrays):
        file = f"{prefix}_{position}.npy"
        np.save(file, array, allow_pickle=False)
        files.append(file)
    return files
