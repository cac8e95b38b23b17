from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import inferspeed_magic
from inferspeed_magic import errors
from inferspeed_magic.magics.manuals import OPTIMIZE
from inferspeed_magic.magics.optimize_options import OPTIONS

DEFAULTS = {
    "train": None,
    "epochs": None,
    "metric": None,
    "max_accuracy_drop": 0.01,
    "target": "latency",
    "batch_size": 1,
    "device": "cpu",
    "threads": None,
    "budget_s": 300.0,
    "techniques": None,
    "runtimes": None,
    "exclude": (),
    "max_size_mb": None,
    "max_memory_mb": None,
    "input_shapes": None,
    "seed": 0,
    "progress": True,
}


@pytest.fixture
def best(workflow):
    workflow.report.best = object()
    return workflow.report.best


@pytest.fixture
def model(notebook):
    notebook.run("model = Model()\nx, y = [1, 2, 3], [0, 1, 0]")
    return notebook.shell.user_ns["model"]


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ("", {}),
        ("--train x,y --epochs 5", {"train": ([1, 2, 3], [0, 1, 0]), "epochs": 5}),
        ("--metric accuracy", {"metric": "accuracy"}),
        ("--max-drop 0.5%", {"max_accuracy_drop": 0.005}),
        ("--for size", {"target": "size"}),
        ("--batch-size 8", {"batch_size": 8}),
        ("--device gpu:1", {"device": "gpu:1"}),
        ("--threads 2", {"threads": 2}),
        ("--budget 5m", {"budget_s": 300.0}),
        ("--technique float16,int16x8", {"techniques": ["float16", "int16x8"]}),
        ("--runtime litert,openvino", {"runtimes": ["litert", "openvino"]}),
        ("--exclude int16x8,openvino", {"exclude": ("int16x8", "openvino")}),
        ("--max-size 800kB", {"max_size_mb": 0.8}),
        ("--max-memory 1GB", {"max_memory_mb": 1000.0}),
        ("--input-shape 28,28,1", {"input_shapes": [(28, 28, 1)]}),
        ("--seed 7", {"seed": 7}),
        ("--quiet", {"progress": False}),
    ],
)
def test_each_option_reaches_the_workflow(notebook, workflow, model, options, arguments):
    assert notebook.run(f"%optimize model {options}").error_in_exec is None
    assert workflow.models == {"model": model}
    assert workflow.data is None
    assert workflow.arguments == DEFAULTS | arguments


def test_the_workflow_knows_these_arguments():
    """The stand-in takes anything; what the real one takes is read from its text, without importing it."""
    package = Path(inferspeed_magic.__file__).parent
    files = [package / "workflow.py", *(package / "workflow").glob("*.py")]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files if file.exists()]
    verbs = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    optimize = next(verb.args for verb in verbs if verb.name == "optimize")
    assert [each.arg for each in optimize.args] == ["model", "data"]
    functions = {"evaluate", "calibration", "fine_tune", "student"}
    assert set(DEFAULTS) | functions <= {each.arg for each in optimize.kwonlyargs}


@pytest.mark.parametrize(
    ("expression", "data"),
    [
        ("x,y", ([1, 2, 3], [0, 1, 0])),
        ('"x, y"', ([1, 2, 3], [0, 1, 0])),
        ("x", [1, 2, 3]),
        ("(x[:2], y[:2])", ([1, 2], [0, 1])),
        ('"x[1:], y[1:]"', ([2, 3], [1, 0])),
        ("({'a': x, 'b': x[1:]},y)", ({"a": [1, 2, 3], "b": [2, 3]}, [0, 1, 0])),
    ],
)
def test_data(notebook, workflow, model, expression, data):
    notebook.run(f"%optimize model --data {expression}")
    assert workflow.data == data


def test_a_data_set_stays_the_object_that_it_is(notebook, workflow, model):
    notebook.run("train_ds = object()\n%optimize model --data train_ds")
    assert workflow.data is notebook.shell.user_ns["train_ds"]


def test_expressions_and_paths(notebook, workflow, model):
    notebook.run("models = {'a b': model}")
    notebook.run('%optimize models["a b"]')
    assert workflow.models == {'models["a b"]': model}
    notebook.run("%optimize nets/small.keras")
    assert workflow.models == {"small": Path("nets/small.keras")}


def test_the_report_is_the_value_of_the_cell(notebook, workflow, model, best):
    result = notebook.run("%optimize model")
    space = notebook.shell.user_ns
    assert result.result is workflow.report
    assert notebook.out.count("<the report>") == 1
    assert space["_"] is space["_2"] is space["Out"][2] is workflow.report
    notebook.run("r = %optimize model")
    assert space["r"] is workflow.report
    assert "report" not in notebook.out


@pytest.mark.parametrize("magic", ["%optimize model --into fast", "%%optimize --into fast\nmodel = Model()"])
def test_into_assigns_the_best_model(notebook, workflow, model, best, magic):
    result = notebook.run(magic)
    space = notebook.shell.user_ns
    assert space["fast"] is best
    assert space["_"] is result.result is workflow.report
    assert notebook.out.strip() == "Out[2]: <the report>"


def test_into_where_nothing_met_the_goal(notebook, workflow, model):
    result = notebook.run("%optimize model --into fast")
    assert "fast" not in notebook.shell.user_ns
    assert result.error_in_exec is None
    assert result.result is workflow.report
    first, *_ = notebook.out.splitlines()
    assert first == (
        "nothing met the goal, so fast is not assigned; the report's pick(name) gives any candidate of its table"
    )

    notebook.run("fast = 'of yesterday'")
    notebook.run("%optimize model --into fast")
    assert notebook.shell.user_ns["fast"] == "of yesterday"
    assert "so fast keeps its value" in notebook.out


def test_what_is_inside_a_function(notebook, workflow, best):
    notebook.run(
        "def f():\n"
        "    mine, x, score = Model(), [1, 2], len\n"
        "    get_ipython().run_line_magic('optimize', 'mine --data x,x[0] --metric score')\n"
        "f()"
    )
    assert list(workflow.models) == ["mine"]
    assert workflow.data == ([1, 2], 1)
    assert workflow.arguments["metric"] is len


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "name what to optimize, as in %optimize model (models here: model, other)"),
        ("model other", "one model at a time: the line names model, other; leave one"),
        ("modle", "there is no variable and no file called 'modle'; did you mean model?"),
        ("x", "x is a list, not a Keras model; models here: model, other"),
        ("model --data x,z", "--data x,z: name 'z' is not defined"),
        ("model --data x_vall", "--data x_vall: name 'x_vall' is not defined; did you mean x_val?"),
        ("model --data x+", "--data x+ is no Python expression"),
        ("model --data x['a']", "--data x['a']: TypeError: list indices must be integers"),
        ("model --data x, y", "--data: 'x,' has an empty place; give inputs and labels such as x_val,y_val, without"),
        ("model --metric metrics[0]", "--metric metrics[0]: name 'metrics' is not defined; assign it first"),
        ("model --metric [1]", "--metric [1] is a list, not a metric; give a name such as accuracy, or a function of"),
        ("model --max-drop 1", "--max-drop: '1' would allow any drop; give 1% for per cent"),
        ("model --batch-size 1,8", "--batch-size: '1,8' does not do; give one whole number from 1"),
        ("model --for speed", "--for: 'speed' is nothing to optimize for"),
        ("model --scenario server", "there is no option --scenario; "),
    ],
)
def test_mistakes_are_one_line_before_any_work(notebook, workflow, model, line, message):
    notebook.run("x_val, other = [1], Model()")
    assert message in notebook.mistake(f"%optimize {line}")
    assert workflow.calls == 0


@pytest.mark.parametrize("error", [errors.ModelError, errors.InputError, errors.OptionError, errors.UserError])
def test_mistakes_that_the_workflow_finds_are_one_line(notebook, workflow, model, error):
    workflow.error = error("x has 3 samples and y has 2; give as many")
    assert notebook.mistake("%optimize model --data x,y") == "x has 3 samples and y has 2; give as many"


def test_faults_of_ours_keep_their_traceback(notebook, workflow, model):
    workflow.error = ZeroDivisionError("ours")
    result = notebook.run("%optimize model")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert "Traceback" in notebook.out + notebook.err


def test_an_interrupt_keeps_what_was_found(notebook, workflow, model, best):
    workflow.error = errors.ProfileInterrupted("interrupted at 3 of 9; what was found is kept", workflow.report)
    result = notebook.run("%optimize model --into fast")
    space = notebook.shell.user_ns
    assert space["_"] is workflow.report
    assert space["fast"] is best
    assert isinstance(result.error_in_exec, errors.ProfileInterrupted)
    shown = notebook.out + notebook.err
    assert shown.count("<the report>") == 1
    assert shown.index("<the report>") < shown.index("KeyboardInterrupt: interrupted at 3 of 9; what was found is kept")
    assert "inferspeed_magic/" not in shown

    notebook.run("40 + 2")
    assert space["_"] == 42
    assert space["__"] is workflow.report


def test_an_interrupt_before_anything_was_found(notebook, workflow, model):
    workflow.error = errors.ProfileInterrupted("interrupted", workflow.report)
    notebook.run("%optimize model --into fast")
    assert "fast" not in notebook.shell.user_ns
    assert "nothing met the goal, so fast is not assigned" in notebook.out


def test_the_help_is_written_from_the_options(notebook):
    documentation = notebook.shell.find_line_magic("optimize").__doc__
    assert documentation == notebook.shell.find_cell_magic("optimize").__doc__ == OPTIMIZE
    assert documentation.startswith("The fastest version of this Keras model that is still accurate enough")
    listed = [line.split()[0] for line in documentation.splitlines() if line.startswith("    --")]
    assert listed == [name for action in OPTIONS for name in action.option_strings]
    assert "(1%)" in documentation
    assert "%%%" not in documentation
    assert "1%%" not in documentation
    assert max(map(len, documentation.splitlines())) <= 100
    notebook.run("%optimize?")
    assert "%optimize model --data x_val,y_val --max-drop 1% --into fast" in notebook.out


def test_the_examples_of_the_help_are_right(notebook, workflow, best):
    notebook.run("model = Model()\nmodels = {'a': model}\nx_val = y_val = x_train = y_train = list(range(20))")
    examples = inspect.cleandoc(OPTIMIZE.partition("Examples:\n")[2])
    lines, _, cell = examples.partition("\n\n")
    for number, line in enumerate(lines.splitlines(), start=1):
        assert notebook.run(line).error_in_exec is None
        assert workflow.calls == number
    assert number == 5
    assert notebook.run(cell).error_in_exec is None
    assert workflow.arguments["evaluate"] is notebook.shell.user_ns["evaluate"]
