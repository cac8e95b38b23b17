"""Measure the machine's ceilings in worker processes: each part on its own, so that one that fails is left out."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import psutil

from inferspeed_magic.discovery import reference, runtimes
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.measurement.allotment import BYTES_PER_MB
from inferspeed_magic.measurement.cache_levels import levels, working_sets
from inferspeed_magic.measurement.dispatch_cost import LENGTHS
from inferspeed_magic.profiling.environment import environment
from inferspeed_magic.records.ceilings import Bandwidth, Ceilings, DispatchCost
from inferspeed_magic.runtimes.base import Lowering

if TYPE_CHECKING:
    from collections.abc import Callable

    from inferspeed_magic.profiling.limits import Limits
    from inferspeed_magic.records.machine import Machine
    from inferspeed_magic.runtimes.base import Runtime
    from inferspeed_magic.workers.crew import Crew
    from inferspeed_magic.workers.worker import Worker

_MEASUREMENT = "inferspeed_magic.measurement"
#: Each thread of ours calls BLAS for itself.
_ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS"), "1"
)
#: Seconds for which parts are timed, and after which they are given up.
_BLAS_S = 0.3
_BANDWIDTH_S = 1.2
_PRODUCTS_S = 0.3
_DISPATCH_S = 0.2
_LIMIT_S = 30.0
#: A precision that is no faster than this multiple of float32 is emulated, or was not used at all.
_NO_EMULATION = 1.2
_NARROW_FLOATS = {"aarch64": "float16"}


class Parts:
    """What was found out so far.

    Args:
        crew: that workers belong to.
        limits: of workers.
        machine: that is measured.
        threads: at which it is measured.
        tell: is told what is being measured.
    """

    def __init__(self, crew: Crew, limits: Limits, machine: Machine, threads: int, tell: Callable[[str], None]) -> None:
        self._crew = crew
        self._limits = limits
        self._machine = machine
        self._threads = threads
        self._tell = tell
        self._rates: dict[str, tuple[float, str]] = {}
        #: By how much rates grow with the threads; with as many as there are until that was measured.
        self._growth = float(threads)
        self._bandwidths: tuple[Bandwidth, ...] = ()
        self._dispatch: list[DispatchCost] = []
        self._remarks: list[str] = []
        self._workers: dict[str, Worker] = {}
        #: Whether every part was measured.
        self.complete = True

    def measure(self) -> Ceilings:
        """Measure everything; workers are gone afterwards."""
        self._tell("measuring what this machine can do at most")
        able = {name: runtime for name, runtime in runtimes().items() if takes_part(runtime)}
        try:
            products, chains = self._begin(able)
            self._measure_numpy()
            for name, runtime in able.items():
                if name in self._workers:
                    if reads_onnx(runtime):
                        self._measure_products(name, runtime, products)
                    self._measure_dispatch(name, runtime, chains.get(name, []))
        finally:
            for worker in self._workers.values():
                self._crew.dismiss(worker)
        return self._found()

    def _begin(self, able: dict[str, Runtime]) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
        """Start workers and have all of them import their libraries and write files at the same time.

        Returns:
            Models of products, and chains of operators by runtime.
        """
        folder = tempfile.mkdtemp(prefix="ceilings_", dir=self._crew.folder)
        options = {"memory_limit_mb": self._limits.memory_mb()}
        variables = environment(None, "cpu")
        self._workers = {"numpy": self._crew.start("ceilings_numpy", environment=variables | _ONE_THREAD, **options)}
        for name in able:
            self._workers[name] = self._crew.start(f"ceilings_{name}", environment=variables, **options)
        pool = ThreadPoolExecutor(len(self._workers))
        try:
            imports = {name: pool.submit(self._import, name, runtime, folder) for name, runtime in able.items()}
            written = {"folder": folder, "precisions": ["float32", "int8"]}
            products = pool.submit(self._ask, "numpy", "product_models:write_products", written, "Models of products")
            ready = {name: each.result() for name, each in imports.items()}
            models = products.result() or []
        finally:
            # Who interrupts does not wait for a library to be imported: the workers are dismissed, and threads end.
            pool.shutdown(wait=False, cancel_futures=True)
        lengths = {"folder": folder, "lengths": LENGTHS}
        shared = self._ask("numpy", "chain_models:write_onnx_chains", lengths, "Chains of operators") or []
        chains = {name: shared if reads_onnx(able[name]) else ready[name] or [] for name in able}
        return models, chains

    def _import(self, name: str, runtime: Runtime, folder: str) -> list[dict[str, Any]]:
        """Import a runtime's library; LiteRT's brings along what its files are written with."""
        arguments = {"runtime": reference(runtime), "lowering": asdict(Lowering(threads=self._threads))}
        if self._ask(name, "bench:prepare", arguments, name) is None or reads_onnx(runtime):
            return []
        lengths = {"folder": folder, "lengths": LENGTHS}
        return self._ask(name, "chain_models:write_litert_chains", lengths, f"Chains of operators for {name}") or []

    def _measure_numpy(self) -> None:
        arguments: dict[str, Any] = {"threads": self._threads, "budget_s": _BLAS_S}
        found = self._time("numpy", "peak_rate:blas_rate", arguments, "Matrix products of numpy")
        if found:
            self._growth = found["growth"]
            self._rates["float32"] = (found["rate"], f"numpy's {found['kernel']} in each thread")
        caches = self._machine.cache_kb
        free_bytes = min(float(psutil.virtual_memory().available), self._machine.memory_mb * BYTES_PER_MB)
        sizes = working_sets(caches, self._threads, free_bytes)
        arguments |= {"sizes": sizes, "budget_s": _BANDWIDTH_S}
        rates = self._time("numpy", "bandwidth:read_bandwidth", arguments, "The bandwidth")
        if not rates:
            return
        names, remark = levels(sizes, rates, caches, self._threads)
        self._bandwidths = tuple(map(Bandwidth, sizes, rates, names))
        parts = "" if self._threads == 1 else ", each thread its own part, so that the threads' private caches add up"
        self._remarks.append(
            f"Bandwidth: the faster of a matrix-vector product and a search for the largest element, both numpy's, "
            f"reading the same memory again and again in {_threads(self._threads)}{parts}; by CPU time."
        )
        if remark:
            self._remarks.append(f"Levels of memory: {remark}.")

    def _measure_products(self, name: str, runtime: Runtime, models: list[dict[str, Any]]) -> None:
        """Measure float32 and int8, and OpenVINO also in the narrow float type that it computes in by default here."""
        asked = list(models)
        if name == "openvino":
            narrow = _NARROW_FLOATS.get(self._machine.architecture, "bfloat16")
            asked += [model | {"precision": narrow} for model in models if model["precision"] == "float32"]
        for precision in dict.fromkeys(model["precision"] for model in asked):
            arguments = {
                "runtime": reference(runtime),
                "models": [model for model in asked if model["precision"] == precision],
                "budget_s": _PRODUCTS_S,
            }
            found = self._time(name, "peak_rate:runtime_rates", arguments, f"{precision} products of {name}")
            if not found:
                continue
            rate, kernel = found["rate"] * self._growth, f"{name}'s {found['kernel']}"
            if self._threads > 1:
                growth = f"times {self._growth:.2f}, which numpy's products gain from {self._threads} threads"
                kernel += f" in one thread, {growth}"
            if rate > self._rates.get(precision, (0.0, ""))[0]:
                self._rates[precision] = (rate, kernel)

    def _measure_dispatch(self, name: str, runtime: Runtime, chains: list[dict[str, Any]]) -> None:
        if not chains:
            return
        arguments = {
            "runtime": reference(runtime),
            "threads": self._threads,
            "chains": chains,
            "budget_s": _DISPATCH_S,
        }
        found = self._time(name, "dispatch_cost:dispatch_cost", arguments, f"The dispatch cost of {name}")
        if found:
            self._dispatch.append(DispatchCost(name, found["per_operator_us"], found["per_call_us"]))

    def _time(self, name: str, call: str, arguments: dict[str, Any], what: str) -> Any:
        """Have a worker measure something while nobody else runs."""
        worker = self._workers.get(name)
        if worker is None or not worker.alive:
            return None
        with self._crew.alone(worker):
            return self._ask(name, call, arguments, what)

    def _ask(self, name: str, call: str, arguments: dict[str, Any], what: str) -> Any:
        """Have a worker do something; None where it fails, with a sentence that says so."""
        limit_s = self._limits.import_s if call.startswith(("bench:", "product_models:", "chain_models:")) else _LIMIT_S
        try:
            return self._workers[name].request(f"{_MEASUREMENT}.{call}", arguments, limit_s)
        except WorkerError as error:
            self.complete = False
            self._remarks.append(f"{what} could not be measured ({error.status}): {error.reason}.")
            return None

    def _found(self) -> Ceilings:
        how = [
            f"{precision}: the fastest of what was tried, by CPU time, which is {kernel}."
            for precision, (_, kernel) in self._rates.items()
        ]
        rates = {precision: rate for precision, (rate, _) in self._rates.items()}
        single = rates.get("float32", 0.0)
        for narrow in ("float16", "bfloat16"):
            if narrow in rates and rates[narrow] < _NO_EMULATION * single:
                how = [sentence for sentence in how if not sentence.startswith(f"{narrow}:")]
                how.append(f"{narrow}: left out, since products in it are no faster than in float32 here.")
                del rates[narrow]
        if self._dispatch:
            how.append(
                "Dispatch: slope and intercept of the latency of chains of 8, 64 and 128 small operators "
                "(convolutions of 1x1, poolings of 2x2: the cheaper of the two)."
            )
        return Ceilings(self._threads, rates, self._bandwidths, tuple(self._dispatch), (*how, *self._remarks))


def takes_part(runtime: Runtime) -> bool:
    """Tell runtimes that are installed, compute on the CPU in a process of their own, and open what we can write."""
    able = runtime.capabilities()
    opens = reads_onnx(runtime) or "litert" in able.formats
    return "cpu" in able.devices and opens and runtime.group is None and runtime.availability().available


def reads_onnx(runtime: Runtime) -> bool:
    """OpenVINO reads ONNX files itself; models come to it as OpenVINO's own files."""
    formats = runtime.capabilities().formats
    return "onnx" in formats or "openvino_ir" in formats


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"
