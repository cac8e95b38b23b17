from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import inferspeed_magic
from inferspeed_magic import errors
from inferspeed_magic.magics.explain_options import OPTIONS
from inferspeed_magic.magics.manuals import EXPLAIN_LATENCY

DEFAULTS = {
    "runtimes": None,
    "batch_size": 1,
    "inputs": None,
    "input_shapes": None,
    "device": "cpu",
    "threads": None,
    "count_only": False,
    "seed": 0,
    "progress": True,
}


@pytest.fixture
def models(notebook):
    notebook.run("small, big, x = Model(), Model(), [1, 2, 3]")
    space = notebook.shell.user_ns
    return {"small": space["small"], "big": space["big"]}


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ("", {}),
        ("--runtime onnxruntime,openvino", {"runtimes": ["onnxruntime", "openvino"]}),
        ("--batch-size 8", {"batch_size": 8}),
        ("--device gpu:1", {"device": "gpu:1"}),
        ("--input x[:2]", {"inputs": [1, 2]}),
        ("--input-shape 28,28,1", {"input_shapes": [(28, 28, 1)]}),
        ("--threads 2", {"threads": 2}),
        ("--count-only", {"count_only": True}),
        ("--seed 7", {"seed": 7}),
        ("--quiet", {"progress": False}),
    ],
)
def test_each_option_reaches_the_workflow(notebook, workflow, models, options, arguments):
    assert notebook.run(f"%explain_latency small big {options}").error_in_exec is None
    assert workflow.models == models
    assert workflow.arguments == DEFAULTS | arguments


def test_the_workflow_knows_these_arguments():
    """The stand-in takes anything; what the real one takes is read from its text, without importing it."""
    text = (Path(inferspeed_magic.__file__).parent / "workflow.py").read_text(encoding="utf-8")
    verbs = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    explain = next(verb.args for verb in verbs if verb.name == "explain")
    assert [each.arg for each in explain.args] == ["models"]
    assert set(DEFAULTS) <= {each.arg for each in explain.kwonlyargs}


def test_the_cell_form_explains_what_the_cell_assigns(notebook, workflow):
    notebook.run("%%explain_latency --count-only\ndeep = Model()\nwide = Model()")
    assert workflow.names == ["deep", "wide"]
    assert workflow.arguments["count_only"]


def test_the_report_is_the_value_of_the_cell(notebook, workflow, models):
    result = notebook.run("%explain_latency small --into why")
    space = notebook.shell.user_ns
    assert result.result is workflow.report
    assert space["why"] is space["_"] is workflow.report
    assert notebook.out.count("<the report>") == 1


def test_an_interrupt_keeps_and_shows_what_was_found(notebook, workflow, models):
    workflow.error = errors.ProfileInterrupted("interrupted", workflow.report)
    result = notebook.run("%explain_latency small --into why")
    assert isinstance(result.error_in_exec, errors.ProfileInterrupted)
    assert notebook.shell.user_ns["why"] is workflow.report
    assert "<the report>" in notebook.out


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("%explain_latency", "name what to explain"),
        ("%explain_latency nothing", "nothing"),
        ("%explain_latency small --batch-size 1,8", "--batch-size"),
        ("%explain_latency small --runtime torchscript", "torchscript"),
        ("%explain_latency small --coun", "--coun"),
    ],
)
def test_mistakes_are_told_before_any_work(notebook, workflow, models, line, word):
    result = notebook.run(line)
    assert word in str(result.error_in_exec)
    assert workflow.calls == 0


def test_the_manual_names_every_option():
    for action in OPTIONS:
        assert all(option in EXPLAIN_LATENCY for option in action.option_strings)
    assert inspect.cleandoc(EXPLAIN_LATENCY).startswith("Where does the time")
