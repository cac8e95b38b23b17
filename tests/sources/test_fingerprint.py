"""Equal hashes mean the same model: what a cache of artifacts stands on."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time

import keras
import numpy as np
import onnx
import pytest
from keras import layers

from inferspeed_magic.sources.fingerprint import of_files, of_model, of_objects

IN_A_NOTEBOOK = """
import keras
import im_test_helper

class Scale(keras.layers.Layer):
    def call(self, x):
        return im_test_helper.transform(x)
"""
IN_A_MODULE = """
from im_test_base import Base

class Scale(Base):
    pass
"""
BASE = """
import keras

class Base(keras.layers.Layer):
    def call(self, x):
        return x * 2
"""


def hashed(layer, shape=(4,), dtype=None):
    inputs = keras.Input(shape, name="inputs", dtype=dtype)
    return of_model(keras.Model(inputs, layer(inputs), name="model"), "keras")


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Write modules, and import them anew after each change."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(**sources):
        for name, text in sources.items():
            (tmp_path / f"{name}.py").write_text(text)
        for name in [each for each in sys.modules if each.startswith("im_test_")]:
            monkeypatch.delitem(sys.modules, name)
        importlib.invalidate_caches()

    return write


def notebook_layer(code):
    names = {"__name__": "__main__"}
    exec(compile(code, "cell.py", "exec"), names)  # noqa: S102
    return names["Scale"](name="scale")


def test_functions_that_a_layer_of_a_notebook_imports_count(modules):
    seen = []
    for factor in (2, 2, 3):
        modules(im_test_helper=f"def transform(x):\n    return x * {factor}\n")
        seen.append(hashed(notebook_layer(IN_A_NOTEBOOK)))
    assert seen[0] == seen[1] != seen[2]


def test_the_module_of_a_base_class_counts(modules):
    seen = []
    for base in (BASE, BASE, BASE.replace("x * 2", "x * 3")):
        modules(im_test_base=base, im_test_layer=IN_A_MODULE)
        seen.append(hashed(importlib.import_module("im_test_layer").Scale(name="scale")))
    assert seen[0] == seen[1] != seen[2]


def test_digits_in_code_count():
    code = (
        'import keras\nclass Scale(keras.layers.Layer):\n    def call(self, x):\n        return x * float("{}e-31")\n'
    )
    one, two = (hashed(notebook_layer(code.format(digit + "0" * 31))) for digit in "12")
    assert one != two
    assert one == hashed(notebook_layer(code.format("1" + "0" * 31)))


def test_vocabularies_count():
    def looked_up(*words):
        lookup = layers.StringLookup(name="lookup")
        lookup.adapt(np.array(words))
        return hashed(lookup, (1,), "string")

    assert looked_up("a", "b") == looked_up("a", "b") != looked_up("c", "d")


def test_long_arrays_of_a_configuration_count():
    class Odd(keras.Model):
        def __init__(self, table):
            super().__init__(name="odd")
            self.table = table

        def get_config(self):
            return {"table": self.table}

        def call(self, x):
            return x

    def with_table(value):
        table = np.zeros(5000)
        table[2500] = value
        model = Odd(table)
        model(np.zeros((1, 2), "float32"))
        return of_model(model, "keras")

    assert with_table(1.0) == with_table(1.0) != with_table(2.0)


def test_weights_beside_an_onnx_file_count(tmp_path):
    from onnx import TensorProto, helper, numpy_helper

    def written(value):
        weights = numpy_helper.from_array(np.full((64, 64), value, "float32"), "w")
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 64]) for name in "xy"]
        graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", ends[:1], ends[1:], [weights])
        onnx.save_model(
            helper.make_model(graph),
            str(tmp_path / "m.onnx"),
            save_as_external_data=True,
            location="m.data",
            size_threshold=0,
        )
        found = of_files(tmp_path / "m.onnx")
        (tmp_path / "m.data").unlink()
        return found

    assert written(1.0) == written(1.0) != written(2.0)


FUNCTION_OF_A_NOTEBOOK = """
class Steps:
    many = 3

def train(model, name="fit"):
    def again():
        return Steps.many
    return again() if name in {"fit", "train", "learn", "teach", "drill", "coach"} else model
"""


def test_a_function_of_a_module_counts_with_its_module_and_what_that_imports(modules):
    seen = []
    for factor, more in ((2, 1), (2, 1), (3, 1), (3, 2)):
        modules(
            im_test_helper=f"FACTOR = {more}\n\ndef much():\n    return FACTOR\n",
            im_test_training=f"from im_test_helper import much\n\ndef train(model):\n    return {factor} * much()\n",
        )
        seen.append(of_objects({"fine_tune": importlib.import_module("im_test_training").train}))
    assert seen[0] == seen[1]
    assert len(set(seen)) == 3


def test_a_function_of_a_notebook_is_the_same_in_every_kernel():
    """Its cell has another name in each, its class another mark, and its set another order."""
    code = (
        "import sys; from inferspeed_magic.sources.fingerprint import of_objects; names = {'__name__': '__main__'};"
        "exec(compile(sys.argv[1], sys.argv[2], 'exec'), names); print(of_objects([names['train']]))"
    )
    seen = [
        subprocess.run(
            [sys.executable, "-c", code, text, f"ipykernel_{number}/{number}.py"],
            env={"PYTHONHASHSEED": number, "PYTHONPATH": ":".join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for number, text in (
            ("1", FUNCTION_OF_A_NOTEBOOK),
            ("2", FUNCTION_OF_A_NOTEBOOK),
            ("3", FUNCTION_OF_A_NOTEBOOK.replace("many = 3", "many = 4")),
        )
    ]
    assert seen[0] == seen[1] != seen[2]


def test_what_keras_writes_with_the_time_in_it_counts_without():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])

    def train(other):
        found = model.predict(other), keras.losses.MeanSquaredError(), keras.optimizers.Adam(1e-3)
        return found, keras.metrics.Mean()

    things = [train, keras.losses.Huber(0.5), keras.optimizers.Adam(1e-3), keras.metrics.Mean()]
    before = of_objects(things)
    time.sleep(2.1)  # archives know seconds, even ones alone
    assert of_objects(things) == before
    assert of_objects([train, keras.losses.Huber(0.7), *things[2:]]) != before
    model.layers[-1].bias.assign([1.0])
    assert of_objects(things) != before


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of Keras, while it saves
def test_a_model_that_was_saved_and_read_is_the_same(tmp_path):
    """Random numbers of dropout go on elsewhere; the model answers as it did."""
    model = keras.Sequential([keras.Input((5, 3)), layers.GRU(4), layers.Dropout(0.5), layers.Dense(2)])
    model.save(tmp_path / "model.keras")
    read = keras.saving.load_model(tmp_path / "model.keras")
    assert of_model(read, "keras") == of_model(model, "keras")
    read.layers[-1].bias.assign([0.0, 1.0])
    assert of_model(read, "keras") != of_model(model, "keras")
