from __future__ import annotations

import asyncio
import textwrap

import pytest

from inferspeed_magic.magics.cell import assigned_names


def test_the_cell_is_run_exactly_as_written(notebook, workflow):
    notebook.shell.user_ns["n"] = 5
    notebook.run(
        "%%profile_model\n"
        "model = Model()\n"
        "text = '''{n} $n\n"
        "    {{n}}  ${n}\n"
        "\ttab, %time is text here, !ls too\n"
        "'''\n"
        "f = f'{n:>3}' ; odd = 'a\\\\nb'\n"
    )
    space = notebook.shell.user_ns
    assert space["text"] == "{n} $n\n    {{n}}  ${n}\n\ttab, %time is text here, !ls too\n"
    assert space["f"] == "  5"
    assert space["odd"] == "a\\nb"
    assert workflow.names == ["model"]


def test_the_line_is_not_expanded(notebook):
    notebook.shell.user_ns["n"] = 5
    assert "there is no variable and no file called 'a{n}$n'" in notebook.mistake("%profile_model a{n}$n")


def test_the_last_expression_is_shown_and_then_the_report(notebook, workflow):
    result = notebook.run("%%profile_model\nmodel = Model()\n'last ' + 'expression'")
    assert notebook.out.index("'last expression'") < notebook.out.index("<the report>")
    assert result.result is workflow.report


@pytest.mark.parametrize("end", [";", "; # hush", ";\n\n", ";\n# hush"])
def test_a_final_semicolon_hushes_the_last_expression(notebook, end):
    notebook.run(f"%%profile_model\nmodel = Model()\nprint('shown')\n'last ' + 'expression'{end}")
    assert "shown" in notebook.out
    assert "expression" not in notebook.out
    assert "<the report>" in notebook.out


def test_a_hushed_cell_that_fails_says_so(notebook, workflow):
    notebook.run("%%profile_model\nmodel = Model()\n1 / 0;")
    assert (notebook.out + notebook.err).count("ZeroDivisionError:") == 1
    assert workflow.calls == 0


def test_magics_within_the_cell_run(notebook, workflow):
    notebook.run("%%profile_model\n%env INNER=yes\nwhere = %pwd\nmodel = Model()\nhere = !echo {where}")
    assert "INNER" in notebook.out
    assert notebook.shell.user_ns["here"] == [notebook.shell.user_ns["where"]]
    assert workflow.names == ["model"]


def test_a_cell_magic_within_the_cell_runs(notebook, workflow):
    notebook.run("%%profile_model\n%%capture shown\nmodel = Model()\nprint('hello')")
    assert notebook.shell.user_ns["shown"].stdout == "hello\n"
    assert workflow.names == ["model"]


@pytest.mark.parametrize(
    ("cell", "error"),
    [("boom = 1 / 0", "ZeroDivisionError"), ("a b c", "SyntaxError"), ("  x = 1\n y", "IndentationError")],
)
def test_a_cell_that_fails_shows_its_traceback_once_and_stops(notebook, workflow, cell, error):
    result = notebook.run(f"%%profile_model\nmodel = Model()\n{cell}")
    shown = notebook.out + notebook.err
    assert shown.count(f"{error}:") == 1
    assert "the cell failed, nothing was profiled" in shown
    assert "inferspeed_magic/" not in shown
    assert "run_cell_magic" not in shown
    assert type(result.error_in_exec).__name__ == "CellFailedError"
    assert workflow.calls == 0


def test_an_interrupted_cell_stops(notebook, workflow):
    notebook.run("%%profile_model\nmodel = Model()\nraise KeyboardInterrupt")
    assert "the cell was interrupted, nothing was profiled" in notebook.out + notebook.err
    assert workflow.calls == 0


def test_await_outside_a_function(notebook, workflow):
    cell = "%%profile_model\nimport asyncio\nmodel = await asyncio.sleep(0, Model())"

    async def in_a_kernel():
        return notebook.mistake(cell)

    assert asyncio.run(in_a_kernel()) == (
        "the cell awaits outside a function, which only a plain cell can; profile in the next cell"
    )
    assert workflow.calls == 0

    notebook.run(cell)  # in a terminal no loop is running yet
    assert workflow.names == ["model"]


def test_debug_would_land_where_the_cell_failed(notebook):
    result = notebook.run("%%profile_model\ndef f(culprit):\n    return 1 / culprit\nf(0)")
    trace = result.error_in_exec.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    assert trace.tb_frame.f_locals == {"culprit": 0}


def test_options_are_checked_before_the_cell_runs(notebook):
    notebook.mistake("%%profile_model --batch-size 0\nran = True")
    assert "ran" not in notebook.shell.user_ns


def test_the_cell_is_not_stored_twice_in_the_history(notebook):
    notebook.run("%%profile_model\nmodel = Model()")
    assert notebook.shell.user_ns["In"][1:] == [notebook.shell.user_ns["_i1"]] or len(notebook.shell.user_ns["In"]) == 2


NAMES = [
    ("a = b = f()", ["a", "b"]),
    ("b, (a, *c) = f()", ["b", "a", "c"]),
    ("a: int = 1", ["a"]),
    ("a += 1", ["a"]),
    ("print(a := f())", ["a"]),
    ("for a in x:\n    b = 1\nelse:\n    c = 1", ["a", "b", "c"]),
    ("if x:\n    a = 1\nelse:\n    b = 1", ["a", "b"]),
    ("with x as a:\n    b = 1", ["a", "b"]),
    ("try:\n    a = 1\nfinally:\n    b = 1", ["a", "b"]),
    ("from x import a, y as b\nimport c.d", ["a", "b", "c"]),
    ("def f():\n    a = 1\nclass C:\n    b = 1\ng = lambda: (c := 1)", ["g"]),
    ("a = [b for b in x if (c := b)]", ["a", "c"]),
    ("x.a = 1\nx['b'] = 2", []),
    ("b = 1\na = 1\nb = 2", ["b", "a"]),
    ("a = %pwd\n!ls\n%env X=1", ["a"]),
    ("not python at all", []),
    ("", []),
]


@pytest.mark.parametrize(("cell", "names"), NAMES)
def test_assigned_names(shell, cell, names):
    assert assigned_names(shell, textwrap.dedent(cell)) == names
