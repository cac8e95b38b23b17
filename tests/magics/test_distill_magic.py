"""``%%distill``: a teacher, its students and their training in one cell."""

from __future__ import annotations

import inspect

import pytest
from IPython.core.completer import provisionalcompleter

from inferspeed_magic import errors
from inferspeed_magic.magics.distill_options import OPTIONS, parse
from inferspeed_magic.magics.manuals import DISTILL
from inferspeed_magic.magics.optimize_options import OPTIONS as OPTIMIZE_OPTIONS

LINE = "%%distill teacher --data x,y --train x,y"
STUDENT = "def student():\n    return Model()"


@pytest.fixture
def teacher(notebook):
    notebook.run("teacher = Model()\nx, y = [1, 2, 3], [0, 1, 0]")
    return notebook.shell.user_ns["teacher"]


def test_the_student_of_the_cell_is_distilled(notebook, workflow, teacher):
    result = notebook.run(f"{LINE} --epochs 20\n{STUDENT}")
    assert result.error_in_exec is None
    assert result.result is workflow.report
    assert workflow.models == {"teacher": teacher}
    assert workflow.data == workflow.arguments["train"] == ([1, 2, 3], [0, 1, 0])
    assert workflow.arguments["student"] is notebook.shell.user_ns["student"]
    assert workflow.arguments["techniques"] == ["distillation"]
    assert workflow.arguments["epochs"] == 20
    assert notebook.out.count("<the report>") == 1


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        (
            "--technique float16,post_training_static",
            {"techniques": ["distillation", "float16", "post_training_static"]},
        ),
        ("--exclude float16", {"techniques": ["distillation"], "exclude": ("float16",)}),
        ("--max-drop 2%", {"max_accuracy_drop": 0.02}),
        ("--runtime litert", {"runtimes": ["litert"]}),
        ("--temperature 5", {"temperature": 5.0}),
        ("--features conv_5:conv_2,dense:dense_1", {"features": {"conv_5": "conv_2", "dense": "dense_1"}}),
        ("--budget 10m --quiet", {"budget_s": 600.0, "progress": False}),
    ],
)
def test_options_are_those_of_optimize(notebook, workflow, teacher, options, arguments):
    assert notebook.run(f"{LINE} {options}\n{STUDENT}").error_in_exec is None
    assert arguments.items() <= workflow.arguments.items()


def test_several_students(notebook, workflow, teacher):
    cell = "def students():\n    return {'small': lambda: Model(), 'large': lambda: Model()}"
    assert notebook.run(f"{LINE}\n{cell}").error_in_exec is None
    assert list(workflow.arguments["student"]) == ["small", "large"]
    assert "students" not in workflow.arguments


def test_students_in_a_cell_of_optimize(notebook, workflow, teacher):
    assert notebook.run("%%optimize teacher --train x,y\ndef students(): return [Model]").error_in_exec is None
    assert workflow.arguments["student"] == [notebook.shell.user_ns["Model"]]


def test_the_other_functions_count_too(notebook, workflow, teacher):
    notebook.run(f"{LINE}\n{STUDENT}\ndef evaluate(predict): return 1")
    assert workflow.arguments["evaluate"] is notebook.shell.user_ns["evaluate"]


def test_the_teacher_may_be_made_in_the_cell(notebook, workflow):
    notebook.run(f"%%distill --train x,x --into fast\nx = [1]\nbig = Model()\n{STUDENT}")
    assert list(workflow.models) == ["big"]
    assert "nothing met the goal, so fast is not assigned" in notebook.out


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (
            f"%%distill teacher --data x,y\nran = 1\n{STUDENT}",
            "a student learns from samples; give them, as in --train x",
        ),
        (f"{LINE}\nran = 1", "the cell defines no student; write def student(): ..., which returns a smaller model"),
        (f"{LINE} --exclude distillation\nran = 1\n{STUDENT}", "--exclude"),
        (f"{LINE} --epochs 0\nran = 1\n{STUDENT}", "--epochs"),
        (f"{LINE} --temperature 0\nran = 1\n{STUDENT}", "--temperature: '0' does not do; give a number above 0"),
        (
            f"{LINE} --features conv_5\nran = 1\n{STUDENT}",
            "--features: 'conv_5' is no pair; give a layer of the teacher",
        ),
        (f"%%distill a b --train x,y\nran = 1\n{STUDENT}", "one model at a time: the line names a, b; leave one"),
        (f"%%distill teacher --train\nran = 1\n{STUDENT}", "--train needs a value; %%distill? shows examples"),
        (f"%%distill teachr --train x,y\nx = 1\n{STUDENT}", "'teachr'; did you mean teacher?"),
        (f"{LINE}\n# of no student", "the cell defines no student"),
        (f"{LINE}\nstudent = 3", "the cell defines no student"),
        (
            f"{LINE}\ndef student(teacher): return 1",
            "student(teacher) cannot be called as student(); write def student()",
        ),
        (f"{LINE}\ndef students(n): return 1", "students(n) cannot be called as students(); write def students(): ..."),
        (f"{LINE}\n{STUDENT}\ndef students(): return []", "the cell defines both student() and students(); leave one"),
        (f"%%distill --train x,y\n{STUDENT}", "as in %%distill teacher (models here: teacher)"),
        (f"%%distill --train x,y\na = Model()\nb = Model()\n{STUDENT}", "name one, as in %%distill a"),
    ],
)
def test_mistakes_are_one_line(notebook, workflow, teacher, cell, message):
    assert message in notebook.mistake(cell)
    assert "ran" not in notebook.shell.user_ns
    assert workflow.calls == 0


def test_a_student_of_another_cell_does_not_count(notebook, workflow, teacher):
    notebook.run(STUDENT)
    assert "the cell defines no student" in notebook.mistake(f"{LINE}\nold = student")


def test_exclude_of_what_it_does(stub):
    stub("inferspeed_magic.discovery", runtime_names=tuple, techniques=lambda: {"distillation": None, "float16": None})
    with pytest.raises(errors.OptionError, match=r"--exclude distillation leaves nothing to do"):
        parse("teacher --train x,y --exclude distillation")


def test_a_cell_that_fails(notebook, workflow, teacher):
    notebook.run(f"{LINE}\n{STUDENT}\nboom = 1 / 0")
    assert "the cell failed, nothing was distilled" in notebook.out + notebook.err
    assert workflow.calls == 0


def test_an_interrupt_keeps_what_was_found(notebook, workflow, teacher):
    workflow.error = errors.ProfileInterrupted("interrupted at 3 of 9; what was found is kept", workflow.report)
    result = notebook.run(f"{LINE}\n{STUDENT}")
    assert isinstance(result.error_in_exec, errors.ProfileInterrupted)
    assert notebook.shell.user_ns["_"] is workflow.report


def test_the_help_is_written_from_the_options(notebook):
    documentation = notebook.shell.find_cell_magic("distill").__doc__
    assert documentation == DISTILL
    listed = [line.split()[0] for line in documentation.splitlines() if line.startswith("    --")]
    assert listed == [name for action in OPTIONS for name in action.option_strings]
    assert [each.dest for each in OPTIONS] == [each.dest for each in OPTIMIZE_OPTIONS]
    assert "%%%" not in documentation
    assert max(map(len, documentation.splitlines())) <= 100
    notebook.run("%%distill?")
    assert "%%distill teacher --data x_val,y_val --train x_train,y_train --epochs 20" in notebook.out


def test_the_examples_of_the_help_are_right(notebook, workflow, teacher):
    notebook.run(
        "class keras: Sequential = lambda layers: Model(); Input = lambda shape: None\n"
        "def net(width): return Model()\nx_val = y_val = x_train = y_train = [1]"
    )
    cells = inspect.cleandoc(DISTILL.partition("Examples:\n")[2]).split("\n\n")
    for number, cell in enumerate(cells, start=1):
        assert notebook.run(cell).error_in_exec is None
        assert workflow.calls == number
    assert number == 2
    assert set(workflow.arguments["student"]) == {"small", "large"}


def test_tab(notebook, teacher):
    notebook.shell.Completer.use_jedi = False

    def press(line):
        with provisionalcompleter():
            return {each.text for each in notebook.shell.Completer.completions(line, len(line))}

    assert press("%%distill --") >= {name for action in OPTIONS for name in action.option_strings}
    assert press("%%distill teach") == {"teacher"}
    assert "x" in press("%%distill teacher --train ")
    assert "float16" in press("%%distill teacher --technique ")
