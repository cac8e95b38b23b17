"""Models on their way to other processes: what is read there is the same model, or it stays where it is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import small_models
from keras import layers
from workbench import Workbench

import inferspeed_magic as im
from inferspeed_magic.sources.kinds import object_kind
from inferspeed_magic.sources.source import from_model

WRITER = Path(__file__).with_name("saves_models.py")
READER = """
import json, sys
from pathlib import Path
import numpy as np
from inferspeed_magic.formats.agreement import relative_error
from inferspeed_magic.sources.portable import read
root, errors = Path(sys.argv[1]), {}
for name in sys.argv[2:]:
    try:
        model = read(str(root / name))
        with np.load(root / f"{name}_in.npz") as inputs, np.load(root / f"{name}_out.npz") as outputs:
            answers = model.to_numpy(model.call(model.pack(list(inputs.values()))))
            errors[name] = relative_error(answers, list(outputs.values()))
    except Exception as error:
        errors[name] = repr(error)
print(json.dumps(errors))
"""
NAMES = ["plain", "polite_nested", "whole", "activation", "own_lambda", "old"]


@pytest.fixture(scope="module")
def read_elsewhere(tmp_path_factory):
    """Written by a program whose classes live in its ``__main__``, read by another that knows none of them."""
    root = tmp_path_factory.mktemp("portable")

    def run(*command):
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, check=False, timeout=300, cwd=root
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    assert run(str(WRITER), str(root)) == NAMES
    return run("-c", READER, str(root), *NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_read_in_another_process_it_is_the_same_model(read_elsewhere, name):
    assert isinstance(read_elsewhere[name], float), read_elsewhere[name]
    assert read_elsewhere[name] <= 1e-6


class Closed(keras.Model):
    """Holds a function that no configuration can describe."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.last = layers.Dense(2)

    def call(self, x):
        return self.last(self.function(x))


def closed():
    threshold = 3.0
    model = Closed(lambda x: x * threshold)
    model(np.zeros((1, 4), "float32"))
    return small_models.stirred(model)


class Liar(layers.Layer):
    """Comes back from its configuration as something else."""

    def __init__(self, factor=1.0, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {"name": self.name}


def liar():
    return small_models.stirred(
        keras.Sequential([layers.Input((4,)), layers.Dense(3, activation="tanh"), Liar(5.0)], name="liar")
    )


def with_optimizer():
    model = small_models.cnn()
    model.layers[0].trainable = False
    model.compile("adam", loss="mse", metrics=["mae"])
    return model


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (closed, "no other process can rebuild the model"),
        (liar, "read back from its configuration its outputs differ by"),
    ],
)
def test_what_cannot_be_rebuilt_stays_in_the_kernel(make, reason):
    with Workbench() as bench:
        source = bench.source(make)
        assert bench.converter.portable(source).result() == f"live:{make.__name__}"
        assert reason in source.stays_live
        assert "measured inside the kernel" in source.stays_live
        assert "\n" not in source.stays_live


def state_of(model):
    """Everything about a model that its user could notice."""
    return {
        "weights": [np.array(weight) for weight in model.get_weights()],
        "compiled": getattr(model, "compiled", None),
        "trainable": [layer.trainable for layer in model._flatten_layers()],
        "optimizer": id(getattr(model, "optimizer", None)),
        "layers": [id(layer) for layer in model._flatten_layers()],
        "config": json.dumps(model.get_config(), default=str) if not isinstance(model, Closed) else "",
        "name": model.name,
        "attributes": sorted(vars(model)),
        "random_state": keras.utils.get_random_state() if hasattr(keras.utils, "get_random_state") else None,
    }


def test_the_users_models_are_as_they_were():
    """One run with every sort of journey: read elsewhere, kept in the kernel, compiled, of the other library."""
    models = {"compiled": with_optimizer(), "closed": closed(), "old": small_models.in_tf_keras()}
    sample = {name: from_model(name, model, object_kind(model), None, None) for name, model in models.items()}
    arrays = {name: source.samples(2, 0) for name, source in sample.items()}
    before = {name: state_of(model) for name, model in models.items()}
    answers = {name: sample[name].outputs(arrays[name]) for name in models}
    report = im.profile(models, runtimes=["keras.call", "litert"], duration_s=0.02, progress=False)
    assert [result.status for result in report.results] == ["measured"] * 6
    assert all(result.relative_error <= 1e-4 for result in report.results)
    kept = [result.notes for result in report.results if result.name == "closed/keras.call"]
    assert "no other process can rebuild the model" in kept[0][0]
    for name, model in models.items():
        after = state_of(model)
        for mine, theirs in zip(after.pop("weights"), before[name].pop("weights"), strict=True):
            assert np.array_equal(mine, theirs)
        assert after == before[name]
        for mine, theirs in zip(sample[name].outputs(arrays[name]), answers[name], strict=True):
            assert np.array_equal(mine, theirs)
    # The optimizer still works.
    images = np.zeros((2, 12, 12, 2), "float32")
    models["compiled"].fit(images, np.zeros((2, 3), "float32"), verbose=0)
