from __future__ import annotations

import subprocess
import sys

import pytest

from inferspeed_magic import errors

DEFAULTS = {
    "runtimes": None,
    "batch_sizes": (1,),
    "inputs": None,
    "input_shapes": None,
    "device": "cpu",
    "threads": None,
    "scenario": "single_stream",
    "target_qps": None,
    "latency_slo_ms": None,
    "duration_s": 1.0,
    "baseline": None,
    "batch_in_file": "best",
    "techniques": [],
    "seed": 0,
    "progress": True,
}


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ("", {}),
        ("--runtime litert,openvino", {"runtimes": ["litert", "openvino"]}),
        ("--batch-size 1,8", {"batch_sizes": (1, 8)}),
        ("--input x", {"inputs": [1, 2, 3]}),
        ("--input 'x[:2]'", {"inputs": [1, 2]}),
        ("--input {'a': x, 'b': x[1:]}", {"inputs": {"a": [1, 2, 3], "b": [2, 3]}}),
        ("--input-shape 10;28,28,1", {"input_shapes": [(10,), (28, 28, 1)]}),
        ("--device gpu:1", {"device": "gpu:1"}),
        ("--threads 2", {"threads": 2}),
        ("--scenario server --target-qps 50", {"scenario": "server", "target_qps": 50.0}),
        ("--scenario server --latency-slo-ms 20", {"scenario": "server", "latency_slo_ms": 20.0}),
        ("--duration 500ms", {"duration_s": 0.5}),
        ("--baseline model/litert", {"baseline": "model/litert"}),
        ("--batch-in-file static", {"batch_in_file": "static"}),
        ("--technique post_training_static", {"techniques": ["post_training_static"]}),
        ("--seed 7", {"seed": 7}),
        ("--quiet", {"progress": False}),
        ("--into r", {}),
    ],
)
def test_each_option_reaches_the_workflow(notebook, workflow, options, arguments):
    notebook.run(f"%%profile_model {options}\nx = [1, 2, 3]\nmodel = Model()")
    assert workflow.names == ["model"]
    assert workflow.arguments == DEFAULTS | arguments


def test_the_report_is_the_value_of_the_cell(notebook, workflow):
    notebook.run("%%profile_model\nmodel = Model()")
    space = notebook.shell.user_ns
    assert space["_"] is space["_1"] is space["Out"][1] is workflow.report
    notebook.run("r = %profile_model model")
    assert space["r"] is workflow.report
    assert "report" not in notebook.out


def test_into(notebook, workflow):
    notebook.run("%%profile_model --into kept\nmodel = Model()")
    assert notebook.shell.user_ns["kept"] is workflow.report


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("x_vall", "--input x_vall: name 'x_vall' is not defined; did you mean x_val?"),
        ("zzzzzz", "--input zzzzzz: name 'zzzzzz' is not defined; assign it first"),
        ("x_val[", "open bracket"),
        ("x_val+", "--input x_val+ is no Python expression; give the name of a variable"),
        ("x_val['a']", "--input x_val['a']: TypeError: list indices must be integers or slices, not str"),
    ],
)
def test_mistakes_in_input(notebook, workflow, expression, message):
    notebook.run("model = Model()\nx_val = [1]")
    assert message in notebook.mistake(f"%profile_model model --input {expression}")
    assert workflow.calls == 0


@pytest.mark.parametrize("error", [errors.ModelError, errors.InputError, errors.OptionError, errors.UserError])
def test_mistakes_that_the_workflow_finds_are_one_line(notebook, workflow, error):
    workflow.error = error("the model was never built; call it once")
    assert notebook.mistake("%%profile_model\nmodel = Model()") == "the model was never built; call it once"


def test_faults_of_ours_keep_their_traceback(notebook, workflow):
    workflow.error = ZeroDivisionError("ours")
    result = notebook.run("%%profile_model\nmodel = Model()")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert "Traceback" in notebook.out + notebook.err


def test_an_interrupt_keeps_what_was_measured(notebook, workflow):
    notebook.run("model = Model()")
    partial = object()
    workflow.error = errors.ProfileInterrupted("interrupted at 3 of 9; partial results kept", workflow.report)
    result = notebook.run("%profile_model model --into kept")
    space = notebook.shell.user_ns
    assert space["_"] is space["kept"] is workflow.report is not partial
    assert isinstance(result.error_in_exec, errors.ProfileInterrupted)
    shown = notebook.out + notebook.err
    assert shown.count("<the report>") == 1
    assert shown.index("<the report>") < shown.index("KeyboardInterrupt: interrupted at 3 of 9; partial results kept")
    assert "inferspeed_magic/" not in shown

    notebook.run("40 + 2")
    assert space["_"] == 42
    assert space["__"] is workflow.report


def test_the_help_is_written_from_the_options(notebook):
    from inferspeed_magic.magics.options import OPTIONS

    documentation = notebook.shell.find_line_magic("profile_model").__doc__
    assert documentation.startswith("How fast is this Keras model really")
    assert all(name in documentation for action in OPTIONS for name in action.option_strings)
    assert "%%%" not in documentation
    assert max(map(len, documentation.splitlines())) <= 100
    notebook.run("%profile_model?")
    assert "%profile_model small big --runtime keras.predict,litert --batch-size 1,8,32" in notebook.out


def test_the_examples_of_the_help_are_right(notebook, workflow):
    from inferspeed_magic.magics.manuals import PROFILE_MODEL

    notebook.run("small = Model()\nbig = Model()\nmodels = {'a': small}\nx_val = list(range(20))")
    lines = [line.strip() for line in PROFILE_MODEL.partition("Examples:")[2].splitlines() if " %profile_model" in line]
    assert len(lines) == 5
    for number, line in enumerate(lines, start=1):
        assert notebook.run(line).error_in_exec is None
        assert workflow.calls == number


def test_loading_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "before = set(sys.modules)\n"
        "from inferspeed_magic.magics import register\n"
        "register(shell)\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))\n"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) - set(sys.stdlib_module_names) == {"inferspeed_magic"}
