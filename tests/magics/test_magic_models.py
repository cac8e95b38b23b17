from __future__ import annotations

from pathlib import Path

import pytest


def test_without_a_name_every_model_that_the_cell_assigned(notebook, workflow):
    notebook.shell.user_ns["before"] = notebook.shell.user_ns["Model"]()
    notebook.run("%%profile_model\nsmall = Model()\nnot_a_model = 3\nbig = Model()\n_hidden = Model()")
    assert workflow.names == ["small", "big"]


def test_the_order_is_the_order_in_the_cell(notebook, workflow):
    notebook.run("a = b = c = None")
    notebook.run("%%profile_model\nc = Model()\na = Model()\nb = Model()")
    assert workflow.names == ["c", "a", "b"]


def test_running_the_cell_again_with_the_same_object(notebook, workflow):
    notebook.run("built = Model()")
    for _ in range(2):
        notebook.run("%%profile_model\nmodel = built")
        assert workflow.names == ["model"]


def test_one_object_under_two_names_is_profiled_once(notebook, workflow):
    notebook.run("%%profile_model\nmodel = Model()\nalias = model\nother = Model()")
    assert workflow.names == ["model", "other"]


def test_what_the_text_of_the_cell_does_not_show(notebook, workflow):
    notebook.run("def build():\n    global indirect\n    indirect = Model()")
    notebook.run("%%profile_model\nbuild()\ndirect = Model()")
    assert workflow.names == ["direct", "indirect"]


def test_models_that_the_cell_only_used_are_left_alone(notebook, workflow):
    notebook.run("old = Model()")
    notebook.run("%%profile_model\nnew = Model()\nold")
    assert workflow.names == ["new"]


def test_names_in_the_line(notebook, workflow):
    notebook.run("%%profile_model b a\na = Model()\nb = Model()\nc = Model()")
    space = notebook.shell.user_ns
    assert workflow.models == {"b": space["b"], "a": space["a"]}
    assert workflow.names == ["b", "a"]


def test_the_line_form(notebook, workflow):
    notebook.run("a = Model()")
    result = notebook.run("%profile_model a;  # a comment")
    assert workflow.models == {"a": notebook.shell.user_ns["a"]}
    assert result.result is workflow.report


def test_expressions(notebook, workflow):
    notebook.run("class box: pass\nbox.model = Model()\nmodels = {'a b': Model(), 'c': Model()}\ntwo = [Model()]")
    notebook.run("""%profile_model box.model models["a b"] models['c'] two[0]""")
    assert workflow.names == ["box.model", 'models["a b"]', "models['c']", "two[0]"]


def test_the_namespace_of_a_function(notebook, workflow):
    notebook.run(
        "def f():\n    mine, x = Model(), [1]\n    get_ipython().run_line_magic('profile_model', 'mine --input x[0]')"
    )
    notebook.run("f()")
    assert workflow.names == ["mine"]
    assert workflow.arguments["inputs"] == 1


def test_files(notebook, workflow, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "saved").mkdir()
    (tmp_path / "v1.2").mkdir()
    (tmp_path / "my net.onnx").touch()
    notebook.run("small = Model()")
    notebook.run('%profile_model small ~/small.keras saved v1.2 "my net.onnx" gone/net.tflite old.h5 older.HDF5')
    assert workflow.models == {
        "small": notebook.shell.user_ns["small"],
        "small.keras": tmp_path / "small.keras",
        "saved": Path("saved"),
        "v1.2": Path("v1.2"),
        "my net": Path("my net.onnx"),
        "net": Path("gone/net.tflite"),
        "old": Path("old.h5"),
        "older": Path("older.HDF5"),
    }


def test_files_of_the_same_name(notebook, workflow):
    notebook.run("%profile_model a/net.onnx b/net.onnx c/net.onnx c/net.tflite")
    assert {name: str(path) for name, path in workflow.models.items()} == {
        "net": "a/net.onnx",
        "net.onnx": "b/net.onnx",
        "net_2": "c/net.onnx",
        "net.tflite": "c/net.tflite",
    }


def test_a_variable_goes_before_a_file_of_its_name(notebook, workflow, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net").mkdir()
    notebook.run("net = Model()")
    notebook.run("%profile_model net")
    assert workflow.models == {"net": notebook.shell.user_ns["net"]}


def test_an_attribute_called_like_a_suffix(notebook, workflow):
    notebook.run("class zoo: keras = Model()")
    notebook.run("%profile_model zoo.keras")
    assert workflow.models == {"zoo.keras": notebook.shell.user_ns["zoo"].keras}


def test_a_variable_that_holds_a_path(notebook, workflow):
    notebook.run("saved = 'nets/a.keras'")
    notebook.run("%profile_model saved")
    assert {name: str(path) for name, path in workflow.models.items()} == {"a": "nets/a.keras"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("smal", "there is no variable and no file called 'smal'; did you mean small?"),
        ("zzz", "there is no variable and no file called 'zzz'; models here: small, big"),
        ("data", "data is a dict, not a Keras model; models here: small, big"),
        ("number", "number is an int, not a Keras model"),
        ("data['x']", "data['x']: KeyError: 'x'; models here: small, big"),
        ("a/b", "there is no variable and no file called 'a/b'"),
        ("a-+", "there is no variable and no file called 'a-+'"),
        ("x" * 5000, "there is no variable and no file called"),
        ("~nobody_at_all/x.keras", "there is no variable and no file called '~nobody_at_all/x.keras'"),
        ("", "name what to profile, as in %profile_model small (models here: small, big)"),
        ('\'say "x"', "open '"),
    ],
)
def test_mistakes_in_names(notebook, workflow, line, message):
    notebook.run("small = Model()\nbig = Model()\ndata = {}\nnumber = 3\n_secret = Model()")
    assert message in notebook.mistake(f"%profile_model {line}")
    assert workflow.calls == 0


def test_nothing_to_profile(notebook):
    assert notebook.mistake("%profile_model") == "name what to profile, as in %profile_model model"
    assert notebook.mistake("%profile_model zzz").endswith(
        "no variable holds a Keras model yet, so assign one, or give the path of a file"
    )
    assert notebook.mistake("%%profile_model\nx = 1") == (
        "the cell assigned no Keras model to a name; assign one (model = ...), or name what to profile, "
        "as in %%profile_model models[0]"
    )
    notebook.run("small = Model()")
    assert "as in %%profile_model small (models here: small)" in notebook.mistake("%%profile_model\nx = 1")
