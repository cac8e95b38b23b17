"""``%%optimize``: what the cell defines, and what it leaves alone."""

from __future__ import annotations

import pytest

FUNCTIONS = ("evaluate", "calibration", "fine_tune", "student")
ALL_FOUR = """
def evaluate(predict):
    return 0.9

def calibration():
    yield [1]

def fine_tune(model):
    return model

def student():
    return Model()
"""


@pytest.fixture
def given(workflow):
    return lambda: {name: workflow.arguments[name] for name in FUNCTIONS if name in workflow.arguments}


@pytest.fixture
def model(notebook):
    notebook.run("model = Model()")
    return notebook.shell.user_ns["model"]


def test_the_functions_that_the_cell_defines(notebook, workflow, given, model):
    assert notebook.run(f"%%optimize model\n{ALL_FOUR}").error_in_exec is None
    assert workflow.models == {"model": model}
    assert given() == {name: notebook.shell.user_ns[name] for name in FUNCTIONS}
    assert given()["evaluate"](None) == 0.9


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_of_them_alone(notebook, given, model, name):
    parts = {part.split()[1].partition("(")[0]: part for part in ALL_FOUR.strip().split("\n\n")}
    notebook.run(f"%%optimize model\n{parts[name]}")
    assert list(given()) == [name]


def test_leftovers_of_other_cells_do_not_count(notebook, given, model):
    notebook.run(ALL_FOUR)
    notebook.run("%%optimize model\nx = evaluate(None)")
    assert given() == {}
    notebook.run("%optimize model")
    assert given() == {}
    notebook.run("%%optimize model\nif x == 0:\n    def evaluate(predict): return 1")
    assert given() == {}
    notebook.run("%%optimize model\ndef inner():\n    def evaluate(predict): return 1\nclass C:\n    student = len")
    assert given() == {}


def test_running_the_cell_again(notebook, given, model):
    for _ in range(2):
        notebook.run(f"%%optimize model\n{ALL_FOUR}")
        assert given() == {name: notebook.shell.user_ns[name] for name in FUNCTIONS}


@pytest.mark.parametrize(
    "cell",
    [
        "evaluate = lambda predict: 1",
        "evaluate = other",
        "evaluate = partial(two, 1)",
        "from functools import partial as evaluate",
        "%%capture\ndef evaluate(predict): return 1",
        "exec('def evaluate(predict): return 1')",
        "if True:\n    def evaluate(predict): return 1",
        "def evaluate(predict, x=[1], *, verbose=False): return 1",
        "def evaluate(*anything): return 1",
    ],
)
def test_ways_to_define_one(notebook, given, model, cell):
    notebook.run("from functools import partial\ndef two(a, b): return 1\ndef other(predict): return 1")
    for _ in range(2):
        assert notebook.run(f"%%optimize model\n{cell}").error_in_exec is None
        assert given() == {"evaluate": notebook.shell.user_ns["evaluate"]}


@pytest.mark.parametrize(
    "cell", ["evaluate = 0.98", "calibration = [1, 2]", "import os as evaluate", "student = Model()"]
)
def test_what_is_no_function_does_not_count(notebook, given, model, cell):
    assert notebook.run(f"%%optimize model\n{cell}").error_in_exec is None
    assert given() == {}


def test_the_model_that_the_cell_assigns(notebook, workflow, given):
    notebook.run("before = Model()")
    notebook.run("%%optimize --quiet\nnet = Model()\ndef evaluate(predict): return 1")
    assert workflow.models == {"net": notebook.shell.user_ns["net"]}
    assert list(given()) == ["evaluate"]


def test_data_that_the_cell_assigns(notebook, workflow):
    notebook.run("%%optimize --data x,y --metric score\nmodel = Model()\nx, y = [1], [2]\ndef score(y, p): return 1")
    assert workflow.data == ([1], [2])
    assert workflow.arguments["metric"] is notebook.shell.user_ns["score"]


def test_the_cell_is_run_as_written(notebook, workflow, model):
    notebook.run("%%optimize model\ntext = '''{n} $n\n    {{n}} %time'''\nwhere = %pwd\n'last ' + 'expression'")
    assert notebook.shell.user_ns["text"] == "{n} $n\n    {{n}} %time"
    assert notebook.out.index("'last expression'") < notebook.out.index("<the report>")


def test_a_cell_that_fails(notebook, workflow):
    result = notebook.run("%%optimize model\nmodel = Model()\nboom = 1 / 0")
    shown = notebook.out + notebook.err
    assert shown.count("ZeroDivisionError:") == 1
    assert "the cell failed, nothing was optimized" in shown
    assert "inferspeed_magic/" not in shown
    assert type(result.error_in_exec).__name__ == "CellFailedError"
    assert workflow.calls == 0


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (
            "def evaluate(): return 1",
            "evaluate() cannot be called as evaluate(predict); write def evaluate(predict): ..., which returns a score",
        ),
        ("def evaluate(x, y): return 1", "evaluate(x, y) cannot be called as evaluate(predict); write def evaluate(p"),
        ("def evaluate(predict, *, x): return 1", "evaluate(predict, x) cannot be called as evaluate(predict)"),
        ("async def evaluate(predict): return 1", "evaluate is async, and nothing here awaits it; write def evaluate("),
        ("def evaluate(predict): yield 1", "evaluate yields, so that it returns no score; write def evaluate(predict)"),
        (
            "def calibration(x): yield x",
            "calibration(x) cannot be called as calibration(); write def calibration(): ..., which yields inputs",
        ),
        ("async def calibration(): yield 1", "calibration is async"),
        ("def fine_tune(): pass", "fine_tune() cannot be called as fine_tune(model); write def fine_tune(model): ..."),
        ("student = lambda teacher: 1", "student(teacher) cannot be called as student(); write def student(): ..."),
    ],
)
def test_functions_that_cannot_be_called_as_they_will_be(notebook, workflow, model, cell, message):
    assert message in notebook.mistake(f"%%optimize model\n{cell}")
    assert workflow.calls == 0


def test_evaluate_beside_a_metric_is_refused_before_the_cell_runs(notebook, workflow, model):
    message = "the cell's evaluate(predict) is the measure of accuracy; leave out --metric, or evaluate"
    assert notebook.mistake("%%optimize model --metric accuracy\nran = 1\ndef evaluate(predict): return 1") == message
    assert "ran" not in notebook.shell.user_ns
    assert notebook.mistake("%%optimize model --metric accuracy\nran = 1\nevaluate = lambda predict: 1") == message
    assert workflow.calls == 0
    # One that is left from another cell is no reason.
    assert notebook.run("%%optimize model --metric accuracy\nx = 1").error_in_exec is None
    assert workflow.arguments["metric"] == "accuracy"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (
            "%%optimize\na = Model()\nb = Model()",
            "one model at a time: the cell assigns a, b; name one, as in %%optimize a",
        ),
        (
            "%%optimize\nx = 1",
            (
                "the cell assigned no Keras model to a name; assign one (model = ...), or name what to optimize, "
                "as in %%optimize model (models here: model)"
            ),
        ),
        ("%%optimize a b\nran = 1", "one model at a time: the line names a, b; leave one"),
        ("%%optimize nodel\nx = 1", "there is no variable and no file called 'nodel'; did you mean model?"),
    ],
)
def test_mistakes_about_the_model(notebook, workflow, model, cell, message):
    assert notebook.mistake(cell) == message
    assert "ran" not in notebook.shell.user_ns
    assert workflow.calls == 0
