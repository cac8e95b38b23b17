"""Packages for tests: real ones from the workbench, and one for a runtime that only multiplies."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np

from inferspeed_magic.discovery import runtimes
from inferspeed_magic.formats.routes import routes
from inferspeed_magic.optimized import Package
from inferspeed_magic.records.signature import TensorSpec
from inferspeed_magic.runtimes.base import Capabilities, Lowering, Runtime, Session
from inferspeed_magic.sources.structure import flatten, pack


def made(bench, make, runtime_name, batch_size=1, *, dynamic=False):
    """Convert a small model; returns its package and its source."""
    source, runtime = bench.source(make), runtimes()[runtime_name]
    opens = runtime.capabilities().formats[0]
    route = routes(source.kind, opens, dynamic=dynamic)[0]
    path = bench.converter.submit(source, route, batch_size).result().path
    sample = pack(source.template, source.samples(batch_size, 0))
    _, outputs = flatten(source.model(sample, training=False))
    package = Package(
        name=f"{make.__name__}/{runtime_name}",
        artifact=Path(path),
        runtime=runtime_name,
        lowering=Lowering(threads=2, batch_size=batch_size),
        batch_in_file=None if opens == "keras" else "dynamic" if dynamic else "static",
        inputs=source.signature.inputs,
        input_template=source.template,
        output_template=outputs,
        route="as the workbench does",
        settings=(("threads", "2"),),
        facts={"p50_ms": 0.25, "accuracy": 0.987, "nan": float("nan"), "numpy": np.float32(0.5)},
    )
    return package, source


class Times(Runtime):
    """Multiplies every input by the factor in its file; NumPy is its library."""

    name = "times"
    distribution = module = "numpy"
    install_command = "pip install numpy"

    def __init__(self) -> None:
        self.opened = 0
        #: Batch sizes of all inferences.
        self.batches: list[int] = []
        self.at_once = 0

    def capabilities(self) -> Capabilities:
        return Capabilities(devices=("cpu",), formats=("json",), batch_in_artifact=True)

    def load(self, artifact: str, lowering: Lowering) -> Any:
        return json.loads(Path(artifact).read_text())

    def compile(self, loaded: Any, lowering: Lowering) -> Session:
        self.opened += 1
        return _Multiply(self, loaded)


class _Multiply(Session):
    """Writes into the same memory every time, and tells when two threads are in it at once."""

    def __init__(self, runtime, loaded):
        self._runtime, self._loaded = runtime, loaded
        self._inside = threading.Lock()
        self.facts = {}

    def run(self, inputs):
        if not self._inside.acquire(blocking=False):
            self._runtime.at_once += 1
            raise RuntimeError("two threads at once")
        try:
            assert all(each.flags.c_contiguous and each.flags.aligned for each in inputs)
            self._runtime.batches.append(len(inputs[0]))
            if self._loaded.get("fails"):
                raise ValueError("first line\nsecond line")
            outputs = [each * np.asarray(self._loaded["factor"], each.dtype) for each in inputs]
            return [outputs[0].sum()] if self._loaded.get("sums") else outputs
        finally:
            self._inside.release()


def times(monkeypatch, folder, *, factor=2, batch=None, inputs=None, templates=(0, 0), content=None, **more):
    """Make a package for ``Times``, which is known from now on; returns both."""
    runtime = Times()
    monkeypatch.setattr("inferspeed_magic.optimized.session.runtimes", lambda: {"times": runtime})
    folder = folder / "made"
    folder.mkdir(exist_ok=True)
    (folder / "model.json").write_text(json.dumps({"factor": factor} | (content or {})))
    values = {
        "name": "small/times+doubled",
        "artifact": folder / "model.json",
        "runtime": "times",
        "lowering": Lowering(batch_size=batch or 1),
        "batch_in_file": "static" if batch else "dynamic",
        "inputs": inputs or (TensorSpec("x", (3,), "float32"),),
        "input_template": templates[0],
        "output_template": templates[1],
        "route": "",
        "settings": (),
        "facts": {},
    }
    return Package(**(values | more)), runtime
