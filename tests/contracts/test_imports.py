"""What importing costs and what it pulls in: nothing heavy in the kernel, next to nothing in a worker."""

from __future__ import annotations

import json
import os
import pkgutil
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import inferspeed_magic

FOLDER = Path(inferspeed_magic.__file__).parent
HEAVY = {
    "tensorflow",
    "keras",
    "tf_keras",
    "onnx",
    "onnxruntime",
    "openvino",
    "ai_edge_litert",
    "tf2onnx",
    "bokeh",
    "pandas",
    "scipy",
    "torch",
    "jax",
    "h5py",
}
MODULES = [each.name for each in pkgutil.walk_packages([str(FOLDER)], "inferspeed_magic.")]
#: What a worker imports before it has its first job, and what it looks up by name.
IN_WORKERS = [
    "inferspeed_magic",
    "inferspeed_magic.workers.child",
    "inferspeed_magic.measurement.bench",
    "inferspeed_magic.measurement.clock",
    "inferspeed_magic.formats.naming",
    "inferspeed_magic.sources.portable",
    "inferspeed_magic.sources.rebuild",
    "inferspeed_magic.sources.describe",
    *[name for name in MODULES if name.startswith(("inferspeed_magic.runtimes", "inferspeed_magic.formats"))],
]
#: The limit for what the extension may add to a bare IPython.
ADDED_MS = 100.0
ROUNDS = 7


def python(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_every_module_imports_without_anything_heavy():
    code = """
import importlib, json, sys
pulled = {}
for name in sys.argv[1:]:
    before = set(sys.modules)
    importlib.import_module(name)
    pulled[name] = sorted({each.partition(".")[0] for each in set(sys.modules) - before})
print(json.dumps(pulled))
"""
    pulled = python(code, "inferspeed_magic", *MODULES)
    assert len(pulled) == len(MODULES) + 1
    assert not {name: HEAVY & set(each) for name, each in pulled.items() if HEAVY & set(each)}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_can_be_the_first_that_is_imported(name):
    """No module relies on another having been imported before it (cycles show here)."""
    if name.endswith("__main__"):
        pytest.skip("a program")
    assert python(f"import {name}, json, sys; print(json.dumps({name!r} in sys.modules))")


LOAD_EXT = """
import json, sys, time
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config)
before = set(sys.modules)
start = time.perf_counter()
import inferspeed_magic
imported = time.perf_counter()
shell.run_line_magic("load_ext", "inferspeed_magic")
loaded = time.perf_counter()
new = {each.partition(".")[0] for each in set(sys.modules) - before}
registered = [name for kind in shell.magics_manager.magics.values() for name in kind]
print(json.dumps({
    "new": sorted(new), "all": sorted({each.partition(".")[0] for each in sys.modules}),
    "import_ms": (imported - start) * 1e3, "load_ext_ms": (loaded - imported) * 1e3,
    "magics": [name for name in ("profile_model", "optimize", "inferspeed") if name in registered],
}))
"""


def test_loading_the_extension_is_cheap_and_pulls_in_nothing_heavy():
    """The best of several processes counts: what is slower is the machine's doing, not ours.

    It takes a fifth of the limit where nobody disturbs; the margin is for slow disks and busy neighbours.
    """
    seen = [python(LOAD_EXT) for _ in range(ROUNDS)]
    for each in seen:
        assert each["magics"] == ["profile_model", "optimize", "inferspeed"]
        assert not HEAVY & set(each["all"])
    added = [each["import_ms"] + each["load_ext_ms"] for each in seen]
    assert min(added) < ADDED_MS, f"{min(added):.0f} ms at best, {statistics.median(added):.0f} ms typically"


def test_star_import_gives_what_is_announced():
    code = """
import json
space = {}
exec("from inferspeed_magic import *", space)
del space["__builtins__"]
print(json.dumps(sorted(space)))
"""
    assert python(code) == sorted(inferspeed_magic.__all__)


@pytest.mark.parametrize("name", inferspeed_magic.__all__)
def test_public_names_resolve(name):
    assert getattr(inferspeed_magic, name) is not None
    assert name in dir(inferspeed_magic)


def test_public_names_are_complete():
    """Names that load on first use, and functions defined in the package itself, are all announced."""
    own = {
        name for name, value in vars(inferspeed_magic).items() if getattr(value, "__module__", "") == "inferspeed_magic"
    }
    announced = set(inferspeed_magic.__all__)
    assert set(inferspeed_magic._HOMES) | {name for name in own if not name.startswith("_")} <= announced
    assert announced <= set(inferspeed_magic._HOMES) | own | {"__version__"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'optimise'"):
        inferspeed_magic.optimise  # noqa: B018


def test_worker_modules_need_the_standard_library_and_numpy_only():
    """As in an interpreter that has numpy and a runtime's own library, and nothing else."""
    code = """
import importlib, importlib.abc, json, sys

class Wall(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in {"numpy", "inferspeed_magic"}:
            return None
        raise ModuleNotFoundError(f"blocked: {name}")

sys.meta_path.insert(0, Wall())
try:
    import psutil
except ModuleNotFoundError:
    blocked = True
failed = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = repr(error)
print(json.dumps([blocked, failed]))
"""
    assert python(code, *IN_WORKERS) == [True, {}]


def test_a_worker_starts_with_numpy_alone(tmp_path):
    """``-I`` and ``-S`` hide site-packages; numpy alone is put back."""
    home = Path(np.__file__).parent.parent
    for found in (home / "numpy", home / "numpy.libs"):
        if found.exists():
            (tmp_path / found.name).symlink_to(found)
    start = {"parent": os.getpid(), "package_folder": str(FOLDER), "search_path": [str(tmp_path)]}
    job = {"protocol": 1, "id": 1, "call": "inferspeed_magic.measurement.bench:close", "arguments": {"candidate": "x"}}
    command = [sys.executable, "-I", "-S", str(FOLDER / "workers" / "child.py"), json.dumps(start)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        child.stdin.write(json.dumps(job) + "\n")
        child.stdin.flush()
        assert json.loads(child.stdout.readline()) == {"id": 1, "ok": True, "value": None}
