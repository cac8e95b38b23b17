"""A worker in another interpreter, which has numpy and nothing else."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import numpy as np
import pytest

import inferspeed_magic
from inferspeed_magic.errors import WorkerError
from inferspeed_magic.workers.crew import Crew

HERE = str(Path(__file__).parent)
PACKAGE = Path(inferspeed_magic.__file__).parent
PATIENCE_S = 60


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory):
    """Make a venv whose site-packages hold numpy only; linked, so that this needs no network."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(folder, with_pip=False)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    installed = Path(np.__file__).parent
    for part in (installed, installed.with_name("numpy.libs")):
        if part.exists():
            (site_packages / part.name).symlink_to(part)
    return folder / "bin" / "python"


@pytest.fixture
def stranger(start, bare_python):
    return start(interpreter=str(bare_python), search_path=[HERE])


def site_packages_of_ours():
    return {entry for entry in sys.path if entry.endswith("site-packages")}


def test_it_runs_our_clock_without_our_site_packages(stranger, bare_python):
    said = stranger.request("worker_jobs:where_am_i", {}, PATIENCE_S)
    assert said["interpreter"] == str(bare_python.parent.parent)
    assert Path(said["clock"]) == PACKAGE / "measurement" / "clock.py"
    assert site_packages_of_ours()
    assert not site_packages_of_ours() & set(said["search_path"])
    assert str(PACKAGE.parent) not in said["search_path"]


def test_it_cannot_import_what_only_we_have(stranger):
    with pytest.raises(WorkerError, match="No module named 'onnxruntime'"):
        stranger.request("inferspeed_magic.sources.describe:onnx", {"path": "none.onnx"}, PATIENCE_S)


def test_it_can_do_everything_a_candidate_needs(stranger, tmp_path):
    """A runtime that is plain numpy: opened, warmed up, timed."""
    prefix = str(tmp_path / "input.npy")
    np.save(prefix, np.ones((1, 4), np.float32))
    bench = "inferspeed_magic.measurement.bench"
    lowering = {"device": "cpu", "threads": 1, "batch_size": 1, "precision": "float32"}
    opened = stranger.request(
        f"{bench}:open_candidate",
        {
            "candidate": "doubling",
            "runtime": "numpy_runtime:Doubling",
            "artifact": "nothing",
            "lowering": lowering,
            "inputs": [[prefix]],
            "outputs": str(tmp_path / "output"),
            "checked": 1,
        },
        PATIENCE_S,
    )
    assert opened["outputs"] == 1
    assert np.load(tmp_path / "output_0_0.npy").tolist() == [[2.0] * 4]
    warm = {"candidate": "doubling", "least": 5, "most": 100, "limit_s": 1.0}
    assert stranger.request(f"{bench}:warm_up", warm, PATIENCE_S)["latencies_ns"]
    turn = {"candidate": "doubling", "duration_ms": 5.0, "least": 1, "most": 100, "rewarm": True}
    assert stranger.request(f"{bench}:take_turn", turn, PATIENCE_S)["wall_ns"] > 0


def test_a_worker_imports_the_standard_library_and_numpy_only(stranger):
    said = stranger.request("worker_jobs:where_am_i", {}, PATIENCE_S)
    strangers = {name.partition(".")[0] for name in said["modules"]} - set(sys.stdlib_module_names)
    assert strangers <= {"inferspeed_magic", "worker_jobs", "__main__", "sitecustomize", "usercustomize"}


def test_a_crew_keeps_our_site_packages_from_another_interpreter(bare_python):
    with Crew() as crew:
        worker = crew.start("stranger", interpreter=str(bare_python))
        # Our own folder of tests is on our search path, and stays on its.
        said = worker.request("worker_jobs:where_am_i", {}, PATIENCE_S)
        assert not site_packages_of_ours() & set(said["search_path"])


def test_the_folder_of_the_child_shadows_nothing(worker):
    said = worker.request("worker_jobs:where_am_i", {}, PATIENCE_S)
    assert str(PACKAGE / "workers") not in said["search_path"]
