"""The notebook side of the package beside the oldest IPython, ipykernel and traitlets that it promises: Colab's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from profile_records import usual

from inferspeed_magic import Report
from inferspeed_magic.discovery import runtime_names

REPOSITORY = Path(__file__).parents[2]
PINS = ("ipython==7.34.0", "ipykernel==6.17.1", "ipywidgets==7.7.1", "traitlets==5.7.1", "bokeh==3.8.2")
OTHERS = (
    "cattrs",
    "hypothesis",
    "nbclient",
    "numpy",
    "pandas",
    "pillow",
    "psutil",
    "py-cpuinfo",
    "pytest",
    "pytest-timeout",
    "scipy",
)

pytestmark = pytest.mark.colab

# A report that pretends to grow, shown with its controls; then somebody clicks.
CONTROLS = """\
from inferspeed_magic.panel.controls import Controls, show
asked = []
class Growing(im.Report):
    extensible = True
    def measure(self, **what):
        asked.append(sorted(what))
growing = Growing(im.load_report('saved.json').record)
show(growing)
controls = Controls(growing, lambda: asked.append('drawn'))
controls._actions._buttons[3].click()
print(asked)
"""


@pytest.fixture(scope="session")
def floors():
    """An interpreter with Colab's versions and this package, without TensorFlow or any runtime.

    It is made once and kept in build/; INFERSPEED_FLOORS names another one.
    """
    given = os.environ.get("INFERSPEED_FLOORS")
    if given:
        return Path(given) / "bin" / "python"
    folder = REPOSITORY / "build" / "colab-floors"
    stamp, wanted = folder / "made-of.txt", "\n".join([sys.version, *PINS, *OTHERS])
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        run([sys.executable, "-m", "venv", "--clear", folder])
        run([python, "-m", "pip", "install", "--quiet", *PINS, *OTHERS])
        run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--editable", REPOSITORY])
        stamp.write_text(wanted, encoding="utf-8")
    return python


def run(command, **options):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def cells(floors, tmp_path_factory):
    """A session in a kernel: what each cell showed."""
    folder = tmp_path_factory.mktemp("session")
    Report(usual()).save(folder / "saved.json")
    asked = {
        "load": "%load_ext inferspeed_magic",
        "versions": "import IPython, ipykernel, traitlets; print(IPython.__version__, ipykernel.__version__, "
        "traitlets.__version__)",
        "machine": "%inferspeed",
        "help": "%profile_model?",
        "option": "%profile_model model --runtim litert",
        "name": "%profile_model model",
        "cell": "%%profile_model\nmodel = 3",
        "after": "print(model)",
        "heavy": "import sys\nprint([name for name in ('tensorflow', 'keras', 'bokeh') if name in sys.modules])",
        "report": "import inferspeed_magic as im\nim.load_report('saved.json')",
        "controls": CONTROLS,
    }
    private = {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    answer = run(
        [floors, Path(__file__).with_name("run_cells.py")],
        input=json.dumps(list(asked.values())),
        cwd=folder,
        env=os.environ | private | {"IPYTHONDIR": str(folder / "ipython"), "PYTHONWARNINGS": "ignore"},
        timeout=120,
    )
    return dict(zip(asked, json.loads(answer), strict=True))


def printed(cell, stream="stdout"):
    return "".join(each["text"] for each in cell["shown"] if each["kind"] == "stream" and each["name"] == stream)


def value(cell):
    return next(each["data"] for each in cell["shown"] if each["kind"] in ("execute_result", "display_data"))


@pytest.mark.parametrize("tests", ["magics", "panel", "records", "test_report.py"])
def test_our_tests_pass_there(floors, tests, tmp_path):
    said = run(
        [floors, "-m", "pytest", "-q", "-p", "no:cacheprovider", REPOSITORY / "tests" / tests],
        cwd=REPOSITORY,
        env=os.environ | {"IPYTHONDIR": str(tmp_path)},
        timeout=300,
    )
    assert " passed" in said


def test_it_is_the_old_kernel(cells):
    assert printed(cells["versions"]).split() == [pin.partition("==")[2] for pin in (PINS[0], PINS[1], PINS[3])]


def test_loading_says_nothing(cells):
    assert cells["load"] == {"status": "ok", "shown": [], "pages": []}


def test_the_machine(cells):
    shown = value(cells["machine"])
    assert "<table" in shown["text/html"]
    for form in shown.values():
        assert [name for name in runtime_names() if name not in form] == []
        assert "pip install" in form


def test_the_manual(cells):
    (page,) = cells["help"]["pages"]
    assert "How fast is this Keras model really" in page["text/plain"]
    assert "--batch-size" in page["text/plain"]


@pytest.mark.parametrize(
    ("mistake", "line"),
    [
        ("option", "there is no option --runtim; did you mean --runtime?"),
        ("name", "there is no variable and no file called 'model'; no variable holds a Keras model yet"),
        ("cell", "the cell assigned no Keras model to a name"),
    ],
)
def test_a_mistake_is_one_line(cells, mistake, line):
    cell = cells[mistake]
    said = printed(cell, "stderr")
    assert said.startswith(f"UsageError: {line}")
    assert said.count("\n") == 1
    assert [each for each in cell["shown"] if each["kind"] != "stream"] == []


def test_the_cell_below_a_mistake_has_run(cells):
    assert printed(cells["after"]) == "3\n"


def test_a_saved_report(cells):
    shown = value(cells["report"])
    assert shown["text/html"].count("<table") == 3
    assert "openvino - unavailable: openvino is not installed: pip install openvino" in shown["text/plain"]
    assert {one.runtime for one in usual().results} <= set(runtime_names())
    assert [one.runtime for one in usual().results if one.runtime not in shown["text/html"]] == []


def test_the_controls(cells):
    panel, controls = (each["data"] for each in cells["controls"]["shown"] if each["kind"] == "display_data")
    assert set(panel) == {"text/plain", "text/html", "image/png"}
    assert controls.pop("application/vnd.jupyter.widget-view+json")["model_id"]
    assert controls == {"text/plain": "", "text/html": ""}
    assert printed(cells["controls"]) == "[['progress', 'row'], 'drawn']\n"


def test_all_of_it_without_tensorflow(cells):
    assert printed(cells["heavy"]) == "[]\n"
