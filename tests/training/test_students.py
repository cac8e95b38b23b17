"""Several students of one model: each learns, is measured, and tells how it went."""

from __future__ import annotations

import subprocess
import sys

import keras
import pytest
from keras import layers
from search_models import bars, pictures

import inferspeed_magic as im
from inferspeed_magic import workflow
from inferspeed_magic.errors import OptionError
from inferspeed_magic.panel import NoProgress

DATA, TRAIN = pictures(1500, 1), pictures(2000, 2)
QUICK = {"runtimes": ["litert"], "techniques": ["distillation"], "budget_s": 120, "epochs": 4}


def made(channels):
    keras.utils.set_random_seed(channels)  # other weights or names would be another student
    return keras.Sequential(
        [
            keras.Input((12, 12, 1), name="picture"),
            layers.Conv2D(channels, 3, strides=2, activation="relu", name="look"),
            layers.Flatten(name="flat"),
            layers.Dense(3, activation="softmax", name="kind"),
        ],
        name="student",
    )


STUDENTS = {"small": lambda: made(2), "large": lambda: made(8)}


class Watched(NoProgress):
    """Keeps what was shown."""

    shown: list = []  # noqa: RUF012

    def update(self, done, total, message, seconds_left=None, first_numbers=(), *, epochs=()):
        self.shown.append((message, epochs))


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFERSPEED_MAGIC_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(workflow, "CellProgress", Watched)
        yield


@pytest.fixture(scope="module")
def model():
    return bars()


@pytest.fixture(scope="module")
def report(model):
    Watched.shown.clear()
    return im.optimize(model, DATA, train=TRAIN, student=STUDENTS, **QUICK)


def trained(report):
    return {result.variant.partition(",")[0]: result for result in report.results if result.training}


def test_each_is_measured(report):
    found = trained(report)
    assert set(found) == {"small", "large"}
    assert all(result.status == "measured" for result in found.values())
    assert all(result.technique == "distillation" for result in found.values())
    assert found["small"].artifact_mb < found["large"].artifact_mb


def test_each_tells_its_epochs(report):
    for result in trained(report).values():
        assert 1 <= len(result.training) <= 4
        assert [epoch.epoch for epoch in result.training] == list(range(1, len(result.training) + 1))
        assert all(0 <= epoch.check_accuracy <= 1 for epoch in result.training)
        judged = result.selection
        if judged is not None:  # the same samples, the same weights
            kept = min(result.training, key=lambda epoch: epoch.check_loss)
            assert kept.check_accuracy == pytest.approx(judged.value, abs=0.01)
    assert trained(report)["small"].training != trained(report)["large"].training


def test_they_are_on_show_while_they_learn(report):
    live = [(message, epochs) for message, epochs in Watched.shown if epochs]
    assert any(message.startswith("training distillation[small]: epoch ") for message, _ in live)
    assert all("right there" in message for message, _ in live)
    assert all(len(epochs) == epochs[-1].epoch for _, epochs in live)
    assert not any(epochs for message, epochs in Watched.shown if not message.startswith("training "))


def test_the_panel_has_their_curves(report, tmp_path):
    report.save(tmp_path / "report.json")
    again = im.load_report(tmp_path / "report.json")
    assert trained(again) == trained(report)
    assert again.to_html().count("<svg") == 2
    assert "distillation[small]: " in repr(again)


def test_a_second_run_does_not_train_again_and_still_tells(report, model):
    Watched.shown.clear()
    again = im.optimize(model, DATA, train=TRAIN, student=STUDENTS, **QUICK)
    assert not any(epochs for _, epochs in Watched.shown)
    assert {name: result.training for name, result in trained(again).items()} == {
        name: result.training for name, result in trained(report).items()
    }


def test_the_recipe_trains_the_student_that_it_names(report, tmp_path):
    script = tmp_path / "recipe.py"
    name = next(result.name for result in report.results if result.variant == "small")
    script.write_text(report.pick(name).recipe())
    ran = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    (file,) = (tmp_path / "made").glob("*.tflite")
    assert file.stat().st_size == pytest.approx(1e6 * trained(report)["small"].artifact_mb, rel=0.05)


@pytest.mark.parametrize(
    ("students", "words"),
    [
        ({}, "there is no student among the students"),
        ([], "there is no student among the students"),
        ({"a/b": bars}, "'a/b' cannot be the name of a student"),
        ({"..": bars}, "'..' cannot be the name of a student"),
        ({1: bars}, "1 cannot be the name of a student"),
        ({"small": 3}, "the student small has to be a function"),
        ({"small": bars, "Small": bars}, "differ by more than capital letters"),
        ({"small": lambda: 3}, "student small has to return a Keras 3 model, and returned a int"),
    ],
)
def test_mistakes_are_one_line(model, students, words):
    with pytest.raises(OptionError) as found:
        im.optimize(model, DATA, train=TRAIN, student=students, **QUICK)
    assert words in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"features": {"deep": "look"}}, "features: the teacher has no layer `deep`: it has "),
        ({"features": {"its first": "deep"}}, "features: the student has no layer `deep`: it has look, flat, kind"),
        ({"features": ["look"]}, "features names layers of the teacher, and for each the student's layer"),
        ({"features": {"its first": "look"}, "student": None}, "features are learned by a student, and there is none"),
        (
            {"student": None, "techniques": ["distillation"]},
            "distillation trains a student, and there is none: define ",
        ),
        (
            {"student": lambda: keras.Sequential([keras.Input((10, 12, 1)), layers.GlobalAveragePooling2D()])},
            "the student takes (10, 12, 1), and the original (",
        ),
        ({"temperature": 0}, "temperature 0 makes no sense: it is a number above 0, such as 3"),
    ],
)
def test_mistakes_in_what_is_learned_are_one_line(model, options, words):
    if isinstance(options.get("features"), dict):
        named = {"its first": model.layers[0].name}
        options = options | {"features": {named.get(one, one): other for one, other in options["features"].items()}}
    with pytest.raises(OptionError) as found:
        im.optimize(model, DATA, **{"train": TRAIN, "student": STUDENTS["small"], **QUICK, **options})
    assert words in str(found.value)
    assert "\n" not in str(found.value)
