"""A user's own classes, as text that defines them again."""

from __future__ import annotations

import functools
import linecache

import keras
import numpy as np
import pytest
import recipe_models
import small_models

from inferspeed_magic.errors import OptionError
from inferspeed_magic.optimized.recipe_custom import write_custom
from inferspeed_magic.search.keeping import both

LIMIT = (1, 2.5)


def half(x):
    return x / 2


class Inner(keras.layers.Layer):
    def call(self, x):
        return half(x) * np.float32(LIMIT[1])


class Outer(Inner):
    def build(self, shape):
        self.inner = Inner()

    def call(self, x):
        return self.inner(x)


def again(custom):
    """Define everything anew."""
    space = {}
    exec("\n".join([*custom.imports.values(), *custom.definitions.values()]), space)  # noqa: S102
    return space


def test_what_a_class_refers_to_comes_before_it():
    custom = write_custom({"mine>Outer": Outer})
    assert not custom.missing
    assert list(custom.definitions) == ["half", "LIMIT", "Inner", "Outer"]
    assert custom.imports == {"keras": "import keras", "np": "import numpy as np"}
    assert custom.names == {"mine>Outer": "Outer"}
    assert np.allclose(again(custom)["Outer"]()(np.ones((1, 2))), 1.25)


def test_decorators_and_names_of_libraries_come_along():
    custom = write_custom({"mine>Twice": recipe_models.Twice, "bent": recipe_models.bent})
    assert "@keras.saving.register_keras_serializable" in custom.definitions["Twice"]
    assert custom.imports["layers"] == "from keras import layers"
    assert set(custom.names) == {"mine>Twice", "bent"}


def test_a_subclassed_model_is_written():
    assert (
        "class Subclassed(keras.Model):"
        in write_custom({"Subclassed": small_models.Subclassed}).definitions["Subclassed"]
    )


def test_what_is_installed_is_imported():
    custom = write_custom({"partial": functools.partial, "Dense": keras.layers.Dense})
    assert custom.imports["partial"] == "from functools import partial"
    assert not custom.definitions


def test_values_of_a_function_around_are_known():
    def make(factor):
        class Local(keras.layers.Layer):
            def call(self, x):
                return x * factor

        return Local

    custom = write_custom({"Local": make(3)})
    assert custom.definitions["factor"] == "factor = 3"
    assert np.allclose(again(custom)["Local"]()(np.ones((1, 2))), 3)


def test_what_cannot_be_written_is_missing():
    array = np.ones(2)

    class Heavy(keras.layers.Layer):
        def call(self, x):
            return x * array

    custom = write_custom({"Heavy": Heavy, "Half": half})
    assert "Heavy" in custom.missing
    assert "Heavy" not in custom.names
    assert custom.names == {"Half": "half"}


@pytest.mark.parametrize("text", ["class Cell(keras.layers.Layer):\n    def call(self, x):\n        return x + 1\n"])
def test_a_class_of_a_notebook_is_found_in_its_cell(text):
    import linecache

    file = "<ipython-input-1-recipe>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    space = {"keras": keras, "__name__": "notebook_of_a_test"}
    exec(compile(text, file, "exec"), space)  # noqa: S102
    custom = write_custom({"Cell": space["Cell"]})
    assert custom.definitions["Cell"] == text.strip()


def test_a_class_without_source_is_missing():
    space = {"keras": keras, "__name__": "nowhere"}
    exec("class Lost(keras.layers.Layer):\n    pass\n", space)  # noqa: S102
    assert write_custom({"Lost": space["Lost"]}).missing == {"Lost": "nowhere"}


def cell(text, name):
    """Run a text as a notebook's cell: classes whose text is that of the cell."""
    file = f"<{name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    scope = {"__name__": "__main__"}
    exec(compile(text, file, "exec"), scope)  # noqa: S102
    return scope["Scale"]


DOUBLES = "class Scale:\n    def call(self, x):\n        return x * 2\n"


def test_a_cell_that_was_run_again_defined_the_same_class():
    before, after = cell(DOUBLES, "cell 1"), cell(DOUBLES, "cell 2")
    assert before is not after
    assert both({"Scale": before}, {"Scale": after}) == {"Scale": after}


@pytest.mark.parametrize("registered", [("Scale", "Scale"), ("own>Scale", "other>Scale")])
def test_a_name_that_means_two_things_is_one_line(registered):
    """A script has one class of a name, whatever Keras calls it."""
    mine, theirs = registered
    doubles, trebles = cell(DOUBLES, "cell 1"), cell(DOUBLES.replace("2", "3"), "cell 3")
    with pytest.raises(OptionError, match=r"each have their own Scale, .*: give the student's another name"):
        both({mine: doubles}, {theirs: trebles})
