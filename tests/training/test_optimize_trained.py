"""``optimize`` with something to train with: channels go, what is left learns again, and runs as the best do."""

from __future__ import annotations

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers
from search_models import bars, pictures

import inferspeed_magic as im
from inferspeed_magic.errors import InputError, OptionError
from inferspeed_magic.profiling.conversion import Converter
from inferspeed_magic.search import bracket, narrowing
from inferspeed_magic.search.teaching import overlap
from inferspeed_magic.training import Lesson

DATA, TRAIN = pictures(1500, 1), pictures(2000, 2)
QUICK = {
    "runtimes": ["litert"],
    "techniques": ["structured_pruning", "post_training_static"],
    "budget_s": 120,
    "progress": False,
}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """A cache of this module's own; one training in place of several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFERSPEED_MAGIC_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(bracket.Bracket, "share", lambda self: None if self._tried else max(5, self._first))
        patch.setattr(narrowing, "_WORTH_PERCENT", 5)  # calls are most of so small a model's latency
        yield


@pytest.fixture(scope="module")
def model():
    return bars()


@pytest.fixture(scope="module")
def report(model):
    before = [array.copy() for array in model.get_weights()]
    found = im.optimize(model, DATA, train=TRAIN, epochs=3, **QUICK)
    assert all(np.array_equal(*each) for each in zip(before, model.get_weights(), strict=True))
    return found


def trained(report):
    return [result for result in report.results if result.technique.startswith("structured_pruning")]


def pruned(report, technique="structured_pruning"):
    """Name the model that was made narrower and no more than that."""
    return next(result.name for result in report.results if result.technique == technique)


def test_the_pruned_model_was_trained_and_run_as_the_best_are(report):
    found = trained(report)
    assert {result.technique for result in found} >= {"structured_pruning", "structured_pruning+post_training_static"}
    assert all(result.status == "measured" for result in found)
    shares = list(dict.fromkeys(result.variant.partition(", ")[0] for result in found))
    assert len(shares) == 2  # for a latency, and by their number; settings come behind
    assert "% less time" in shares[0]
    assert shares[1] == "50%"
    judged = [result for result in found if result.selection is not None]
    assert judged
    assert all(result.selection.drop.value < 0.05 for result in judged)


def test_it_is_smaller_than_the_same_untrained(report):
    size = {result.name: result.artifact_mb for result in report.results}
    assert size[pruned(report)] < 0.7 * size["bars/litert"]


def test_it_answers_through_the_report(report, model):
    fast = report.pick(pruned(report))
    right = (fast.predict(DATA[0]).argmax(-1) == DATA[1]).mean()
    of_keras = (model.predict(DATA[0], verbose=0).argmax(-1) == DATA[1]).mean()
    assert right > of_keras - 0.05


def test_the_recipe_trains_again(report, tmp_path):
    fast = report.pick(pruned(report, "structured_pruning+post_training_static"))
    script = tmp_path / "recipe.py"
    script.write_text(fast.recipe())
    assert "inferspeed_magic" not in "".join(
        line for line in script.read_text().splitlines() if line.lstrip().startswith(("import ", "from "))
    )
    ran = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "made" in ran.stdout
    (made,) = (tmp_path / "made").glob("*.tflite")
    size = {result.name: result.artifact_mb for result in report.results}
    assert made.stat().st_size == pytest.approx(1e6 * size[fast.name], rel=0.05)


def test_the_settings_say_where_the_time_was(report):
    """With which power of each width the latency goes was measured; a recipe and a second run need it."""
    settings = dict(next(result for result in report.results if result.name == pruned(report)).settings)
    powers = json.loads(settings["elasticities"])
    assert all(name.startswith(("conv2d", "dense")) for name in powers)
    assert all(power > 0 for power in powers.values())
    assert f"[for {settings['less_time_percent']}% less time" in pruned(report)


def test_a_second_run_does_not_train_again(report, model, monkeypatch):
    tried = Converter._try

    def not_again(self, source, step, *more):
        assert not step.trained
        return tried(self, source, step, *more)

    monkeypatch.setattr(Converter, "_try", not_again)
    again = im.optimize(model, DATA, train=TRAIN, epochs=3, **QUICK)
    assert {result.name for result in trained(again)} >= {pruned(report)}
    assert all(result.status == "measured" for result in trained(again))


def test_the_same_samples_for_both_ends_are_warned_of():
    taught = Lesson([TRAIN[0]])
    assert "50% of the samples" in overlap(taught, [np.concatenate([TRAIN[0][:100], DATA[0][:100]])])
    assert overlap(taught, [DATA[0]]) is None
    assert overlap(Lesson([]), [DATA[0]]) is None


@pytest.mark.extended
def test_the_users_own_training(model):
    def fine_tune(model):
        last = [layer for layer in model.layers if layer.weights][-1]
        last.set_weights([np.zeros_like(array) for array in last.get_weights()])

    found = im.optimize(model, DATA, fine_tune=fine_tune, **QUICK)
    broken = next(result for result in trained(found) if result.technique == "structured_pruning")
    assert broken.rejected is not None
    assert broken.selection is None or broken.selection.drop.value > 0.1
    assert "structured_pruning" not in found.optimization.best


@pytest.mark.extended
def test_a_student_learns_what_the_model_answers(model):
    def student():
        return keras.Sequential(
            [
                keras.Input(model.input_shape[1:]),
                layers.Conv2D(4, 3, strides=2, activation="relu"),
                layers.Flatten(),
                layers.Dense(model.output_shape[-1], activation="softmax"),
            ]
        )

    found = im.optimize(model, DATA, train=TRAIN, student=student, **(QUICK | {"techniques": ["distillation"]}))
    rows = {result.variant: result for result in found.results if result.technique == "distillation"}
    row = rows[""]
    assert set(rows) >= {""}
    assert row.status == "measured"
    judged = row.selection.drop.value if row.selection is not None else 0.0
    assert judged < 0.2


def with_five_outputs():
    return keras.Sequential([keras.Input((12, 12, 1)), layers.Flatten(), layers.Dense(5)])


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"train": (TRAIN[0][:, :3], TRAIN[1])}, InputError, "train: "),
        ({"train": TRAIN, "epochs": 0}, OptionError, "epochs 0 makes no sense"),
        ({"epochs": 3}, OptionError, "nothing to train with"),
        ({"fine_tune": 3}, OptionError, "fine_tune has to be a function"),
        ({"train": TRAIN, "student": 3}, OptionError, "student has to be a function"),
        ({"student": bars}, OptionError, "a student learns from training data"),
        ({"train": TRAIN, "techniques": ["float16"]}, OptionError, "no technique that trains"),
        ({"train": TRAIN, "student": lambda: 3}, OptionError, "student() has to return a Keras 3 model"),
        ({"train": TRAIN, "student": with_five_outputs}, OptionError, "the student answers a sample with (5,), and"),
    ],
)
def test_mistakes_are_one_line(model, more, error, words):
    with pytest.raises(error, match=words.replace("(", r"\(").replace(")", r"\)")) as found:
        im.optimize(model, DATA, **(QUICK | {"techniques": None} | more))
    assert "\n" not in str(found.value)
