"""The contract of runtimes, on every one that discovery finds: sessions run in real workers, as the product's do."""

from __future__ import annotations

import ast
import inspect
import json
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from workbench import SECONDS, Workbench

import inferspeed_magic as im
import inferspeed_magic.runtimes
from inferspeed_magic.discovery import reference, runtimes
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.formats.agreement import relative_error
from inferspeed_magic.formats.routes import routes
from inferspeed_magic.measurement.gpu import gpus
from inferspeed_magic.runtimes.base import Runtime, from_reference
from inferspeed_magic.sources.inputs import made_up

ROUNDING = 1e-4
MODELS = ("two_and_two", "mixed")
CLOCKS = {"time", "timeit", "perf_counter", "perf_counter_ns", "monotonic", "process_time", "datetime"}


@pytest.fixture(scope="module", params=runtimes())
def runtime(request):
    return runtimes()[request.param]


@pytest.fixture
def available(runtime):
    found = runtime.availability()
    if not found.available:
        pytest.skip(found.reason)
    return runtime


@pytest.fixture(scope="module")
def bench():
    with Workbench() as bench:
        yield bench


@pytest.fixture(scope="module")
def sources(bench):
    import small_models

    return {name: bench.source(getattr(small_models, name)) for name in MODELS}


@pytest.fixture(scope="module")
def seen_without_libraries():
    """Ask every runtime everything it can say without being loaded, in a fresh process."""
    script = """
import json, sys
from inferspeed_magic.discovery import runtimes
said = {}
for name, runtime in runtimes().items():
    found, capabilities = runtime.availability(), runtime.capabilities()
    said[name] = sorted(each for each in sys.modules if "." not in each)
print(json.dumps(said))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=SECONDS)
    return json.loads(done.stdout)


def without_gpu():
    return not gpus(platform.processor(), virtual=True)


def batches(source, batch_size, count=3):
    return [made_up(source.signature, batch_size, seed=seed) for seed in range(count)]


def test_a_runtime_is_named_and_can_be_found_by_its_name(runtime):
    assert runtimes()[runtime.name] is runtime
    assert type(from_reference(reference(runtime))) is type(runtime)


def test_availability_imports_no_library(runtime, seen_without_libraries):
    heavy = {runtime.module.partition(".")[0], "tensorflow", "keras", "torch", "jax"}
    assert not heavy & set(seen_without_libraries[runtime.name])


def test_availability_says_the_version_or_how_to_get_it(runtime):
    found = runtime.availability()
    if found.available:
        assert found.version
        assert found.reason is None
    else:
        assert found.reason
        assert found.install_command


def test_a_missing_library_is_named_with_the_command_that_gets_it(runtime):
    bare = type("Bare", (type(runtime),), {"module": "no_such_library_anywhere"})()
    found = bare.availability()
    assert not found.available
    assert runtime.distribution in found.reason
    assert found.install_command == runtime.install_command
    assert "pip install" in found.install_command


def test_capabilities_are_sane(runtime):
    able = runtime.capabilities()
    assert set(able.devices) <= {"cpu", "gpu"}
    assert "cpu" in able.devices
    assert len(set(able.devices)) == len(able.devices)
    assert able.formats
    assert len(set(able.formats)) == len(able.formats)
    assert isinstance(able.batch_in_artifact, bool)
    for made in able.formats:
        assert routes("keras", made), f"no Keras model can become {made}"


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("model", MODELS)
def test_outputs_are_those_of_the_model(available, bench, sources, model, batch_size):
    source = sources[model]
    inputs = batches(source, batch_size)
    opened = bench.open(available, bench.artifact(source, available, batch_size), inputs)
    for batch, outputs in zip(inputs, opened.outputs, strict=True):
        expected = source.outputs(batch)
        assert [array.shape for array in outputs] == [array.shape for array in expected]
        assert [array.dtype for array in outputs] == [array.dtype for array in expected]
        # In this order and no other.
        assert relative_error(outputs, expected) <= ROUNDING
        assert relative_error(outputs[::-1], expected) > ROUNDING
    assert relative_error(opened.outputs[0], opened.outputs[1]) > ROUNDING
    # A session that has run before runs again.
    later = made_up(source.signature, batch_size, seed=99)
    assert relative_error(opened.run(later), source.outputs(later)) <= ROUNDING


def test_arrays_that_were_handed_over_stay_as_they_are(available, bench, sources):
    source = sources["mixed"]
    opened = bench.open(available, bench.artifact(source, available, 4), batches(source, 4))
    seen = opened.worker.request("session_manners:run_on_all", {"candidate": opened.name}, SECONDS)
    assert all(seen.values()), seen


def test_a_session_says_where_it_runs(available, bench, sources):
    source = sources["mixed"]
    opened = bench.open(available, bench.artifact(source, available, 1), batches(source, 1, 1))
    facts = opened.reply["facts"]
    assert facts["device"] == "cpu"
    assert all(isinstance(value, str) for value in facts.values())


def test_two_sessions_live_side_by_side(available, bench, sources):
    first, second = (
        bench.open(available, bench.artifact(source, available, 1), batches(source, 1, 1))
        for source in sources.values()
    )
    assert first.worker is second.worker
    for opened, source in zip((first, second), sources.values(), strict=True):
        inputs = made_up(source.signature, 1, seed=7)
        assert relative_error(opened.run(inputs), source.outputs(inputs)) <= ROUNDING


def test_a_file_that_is_none_fails_and_the_process_lives(available, bench, tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_text("this is no model")
    with pytest.raises(WorkerError) as caught:
        bench.open(available, str(broken), [[np.zeros((1, 2), "float32")]])
    assert caught.value.status in {"failed", "unsupported"}
    assert bench.worker(available).alive


@pytest.mark.parametrize("device", ["gpu", "gpu:1"])
def test_a_gpu_that_is_not_there_is_unsupported(available, bench, sources, device):
    if not without_gpu():
        pytest.skip("there is a GPU")
    source = sources["mixed"]
    if "gpu" not in available.capabilities().devices:
        (result,) = im.profile(source.model, runtimes=available.name, device=device, progress=False).results
        assert result.status == "unsupported"
        assert "gpu" in result.reason
        return
    worker = bench.worker(available)
    shared = {"runtime": reference(available), "lowering": {"device": device, "threads": 2, "batch_size": 1}}
    worker.request("inferspeed_magic.measurement.bench:prepare", shared, SECONDS)
    arguments = shared | {
        "candidate": "on a gpu",
        "artifact": bench.artifact(source, available, 1),
        "inputs": bench.saved(batches(source, 1, 1)),
        "outputs": bench.prefix(),
        "checked": 1,
    }
    with pytest.raises(WorkerError) as caught:
        worker.request("inferspeed_magic.measurement.bench:open_candidate", arguments, SECONDS)
    assert caught.value.status == "unsupported"
    assert caught.value.reason


@pytest.mark.gpu
def test_on_a_gpu_outputs_are_those_of_the_model(available, bench, sources):
    if without_gpu():
        pytest.skip("no GPU here")
    if "gpu" not in available.capabilities().devices:
        pytest.skip(f"{available.name} runs on the CPU only")
    source = sources["mixed"]
    inputs = batches(source, 4)
    try:
        opened = bench.open(available, bench.artifact(source, available, 4), inputs, device="gpu")
    except WorkerError as error:
        if error.status == "unsupported":
            pytest.skip(error.reason)
        raise
    assert opened.reply["facts"]["device"].startswith("gpu")
    for batch, outputs in zip(inputs, opened.outputs, strict=True):
        # GPUs multiply float32 with fewer bits unless told otherwise.
        assert relative_error(outputs, source.outputs(batch)) <= 1e-3


def test_a_runtime_has_no_clock(runtime):
    for kind in type(runtime).__mro__:
        if issubclass(kind, Runtime):
            assert not clocks_in(Path(inspect.getfile(kind)))


@pytest.mark.parametrize("file", sorted(Path(inferspeed_magic.runtimes.__path__[0]).glob("*.py")), ids=lambda f: f.name)
def test_no_file_of_the_folder_has_a_clock(file):
    assert not clocks_in(file)


@pytest.mark.parametrize(
    "code",
    ["import time", "from time import sleep", "import timeit as t", "x.perf_counter()", "from datetime import date"],
)
def test_a_clock_would_be_found(code, tmp_path):
    (tmp_path / "runtime.py").write_text(code)
    assert clocks_in(tmp_path / "runtime.py")


def clocks_in(file):
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module).partition(".")[0], *(alias.name for alias in node.names)}
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Name):
            found.add(node.id)
    return found & CLOCKS
