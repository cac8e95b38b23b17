from __future__ import annotations

import pytest
from IPython.core.completer import provisionalcompleter

from inferspeed_magic.magics import register
from inferspeed_magic.magics.completion import complete
from inferspeed_magic.magics.optimize_options import OPTIONS as OPTIMIZE_OPTIONS
from inferspeed_magic.magics.options import OPTIONS

OPTION_NAMES = {name for action in OPTIONS for name in action.option_strings}
OPTIMIZE_NAMES = {name for action in OPTIMIZE_OPTIONS for name in action.option_strings}


@pytest.fixture
def tab(notebook):
    notebook.shell.Completer.use_jedi = False
    notebook.run(
        "small = Model()\nsmaller = Model()\nx_val = [1]\nimport os\ndef small_function(): pass\n_secret = Model()"
    )

    def press(line):
        """The lines that Tab offers, as a front end builds them."""
        with provisionalcompleter():
            found = list(notebook.shell.Completer.completions(line, len(line)))
        return {line[: each.start] + each.text + line[each.end :] for each in found}

    return press


def ends(offered, line):
    return {each.removeprefix(line) for each in offered}


@pytest.mark.parametrize(
    "start", ["%profile_model ", "%%profile_model ", "r = %profile_model ", "%profile_model small "]
)
def test_options(tab, start):
    assert tab(f"{start}--") == {start + name for name in OPTION_NAMES}
    assert tab(f"{start}-") == {start + name for name in OPTION_NAMES}
    assert tab(f"{start}--la") == {f"{start}--latency-slo-ms"}
    assert tab(f"{start}--quiet --ru") == {f"{start}--quiet --runtime"}


@pytest.mark.parametrize("start", ["%optimize ", "%%optimize ", "r = %optimize ", "%optimize small "])
def test_options_of_optimize(tab, start):
    assert tab(f"{start}--") == {start + name for name in OPTIMIZE_NAMES}
    assert tab(f"{start}--max") == {f"{start}--max-{what}" for what in ("drop", "size", "memory")}
    assert tab(f"{start}--sc") == set()
    assert tab("optimize small --int") == {"optimize small --into"}


def test_optimize(tab, runtimes):
    techniques = {"float16", "int16x8", "post_training_static"}
    for line, offered in (
        ("%optimize ", {"small", "smaller"}),
        ("%%optimize sma", {"ll", "ller"}),
        ("%optimize small --for ", {"latency", "throughput", "size", "memory"}),
        ("%optimize small --for=s", {"ize"}),
        ("%optimize small --technique ", techniques),
        ("%optimize small --technique float16,", techniques),
        ("%optimize small --runtime litert,", {"keras", *runtimes}),
        ("%optimize small --exclude ", {"keras", *runtimes, *techniques}),
        ("%optimize small --exclude litert,float", {"16"}),
        ("%optimize small --device ", {"cpu", "gpu", "gpu:0"}),
        ("%optimize small --data ", {"x_val"}),
        ("%optimize small --data x_val,", {"x_val"}),
        ("%optimize small --data=x_val,x", {"_val"}),
        ("%optimize small --metric sm", {"all_function"}),
        ("%optimize small --metric acc", {"uracy"}),
    ):
        assert ends(tab(line), line) == offered


def test_nothing_of_ours_where_a_new_name_or_a_number_stands(tab, notebook):
    for option in ("--into", "--budget", "--max-drop", "--max-size", "--batch-size", "--seed"):
        assert complete(f"%optimize small --quiet {option} ", notebook.shell) == ("", [])


@pytest.mark.parametrize("between", [" ", "=", " keras.predict,", "=litert,openvino,"])
def test_runtimes(tab, runtimes, between):
    line = f"%profile_model small --runtime{between}"
    assert ends(tab(line), line) == {"keras", *runtimes}
    assert ends(tab(f"{line}keras.c"), line) == {"keras.call", "keras.compiled"}
    assert ends(tab(f"{line}li"), line) == {"litert"}


@pytest.mark.parametrize("between", [" ", "="])
def test_choices(tab, between):
    line = f"%profile_model --device{between}"
    assert ends(tab(line), line) == {"cpu", "gpu", "gpu:0"}
    assert ends(tab(f"{line}gpu:"), line) == {"gpu:0"}
    line = f"%%profile_model --scenario{between}"
    assert ends(tab(line), line) == {"single_stream", "offline", "server"}


def test_names_of_models_only(tab):
    assert tab("%profile_model ") == {"%profile_model small", "%profile_model smaller"}
    assert tab("%profile_model sm") == {"%profile_model small", "%profile_model smaller"}
    assert tab("%profile_model small --quiet smalle") == {"%profile_model small --quiet smaller"}


def test_files_where_no_model_fits(tab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick.onnx").touch()
    assert "%profile_model quick.onnx" in tab("%profile_model qui")


def test_variables_for_input(tab):
    assert tab("%profile_model small --input ") == {"%profile_model small --input x_val"}
    assert tab("%profile_model small --input x") == {"%profile_model small --input x_val"}


def test_techniques(tab):
    line = "%profile_model small --technique float16,"
    assert ends(tab(f"{line}int"), line) == {"int16x8"}
    assert ends(tab(line), line) == {"float16", "int16x8", "post_training_static"}


def test_baselines(tab, runtimes):
    line = "%profile_model --baseline "
    assert ends(tab(f"{line}smaller/k"), line) == {f"smaller/{name}" for name in runtimes if name.startswith("k")}
    assert {"small", "litert", "small/litert"} <= ends(tab(line), line)


def test_other_lines_are_left_alone(tab):
    assert "%profile_modelx small_function" in tab("%profile_modelx sm")
    assert "%optimizer small_function" in tab("%optimizer sm")
    assert "optimize = small_function" in tab("optimize = sm")
    assert "optimize = small" in tab("optimize = sm")
    assert {"small_function", "smaller"} <= ends(tab("print(sma"), "print(")


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_the_older_way_to_ask(tab, notebook):
    _, found = notebook.shell.complete(None, "%profile_model --ru", 19)
    assert found == ["--runtime"]
    _, found = notebook.shell.complete(None, "%optimize --ru", 14)
    assert found == ["--runtime"]


def test_jedi_does_not_hide_ours(tab, notebook):
    notebook.shell.Completer.use_jedi = True
    assert {f"%profile_model {name}" for name in OPTION_NAMES} <= tab("%profile_model --")


def test_loading_again_offers_nothing_twice(tab, notebook):
    register(notebook.shell)
    with provisionalcompleter():
        found = [each.text for each in notebook.shell.Completer.completions("%profile_model --", 17)]
    assert len(found) == len(set(found)) == len(OPTION_NAMES)
