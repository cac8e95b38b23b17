"""``optimize`` from end to end, on a small trained model."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import keras
import numpy as np
import pytest
from keras import layers
from search_models import bars, pictures

import inferspeed_magic as im
from inferspeed_magic.errors import InputError, OptionError, ProfileInterrupted
from inferspeed_magic.profiling.conversion import Converter
from inferspeed_magic.search import optimization
from inferspeed_magic.search.contest import Contest
from inferspeed_magic.search.judge import Judge
from inferspeed_magic.techniques.base import Technique, step

FAST = MappingProxyType({"runtimes": ["litert", "onnxruntime"], "budget_s": 200, "progress": False})
DATA = pictures(1500, 1)
TECHNIQUES = ("post_training_static", "post_training_dynamic", "float16")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """A cache of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFERSPEED_MAGIC_CACHE", str(tmp_path_factory.mktemp("cache")))
        # On a model of microseconds chance says who is out of reach; tests/search/test_ideas.py looks at it.
        patch.setattr(optimization, "out_of_reach", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def model():
    return bars()


@pytest.fixture(scope="module")
def report(model):
    return im.optimize(model, DATA, techniques=TECHNIQUES, **FAST)


def result_of(report, name):
    return next(result for result in report.results if result.name == name)


def test_the_winner_meets_the_goal(report):
    best = result_of(report, report.optimization.best)
    assert best.status == "measured"
    assert best.rejected is None
    assert best.selection.drop.value <= 0.01
    assert best.held_out.drop.value <= 0.01
    assert best.held_out.samples == report.optimization.split.held_out
    assert best.summary.speedup.low > 1


def test_nothing_that_was_accepted_is_faster(report):
    best = result_of(report, report.optimization.best)
    rivals = [each for each in report.results if each.selection and each.rejected is None and each.name != best.name]
    for rival in rivals:
        assert not report.compare(best.name, rival.name).low > 1.0, rival.name


def test_what_the_user_calls_today_is_the_original(report):
    assert report.optimization.original == "bars/keras.predict"
    assert report.record.baseline == "bars/keras.predict"
    original = result_of(report, "bars/keras.predict")
    assert "not among the runtimes" in original.rejected
    assert original.selection.drop.value == 0


def test_no_sample_serves_two_ends(report):
    split = report.optimization.split
    assert split.calibration == 100
    assert split.calibration + split.selection + split.held_out == len(DATA[0])


def test_accuracy_is_that_of_the_answers(report, model):
    """Scored again by hand, on all the data."""
    right = (report.best.predict(DATA[0]).argmax(-1) == DATA[1]).mean()
    of_keras = (model.predict(DATA[0], verbose=0).argmax(-1) == DATA[1]).mean()
    best = result_of(report, report.optimization.best)
    assert right == pytest.approx(best.held_out.value, abs=0.05)
    assert of_keras - right <= 0.01 + 0.02


def test_the_models_are_called_like_the_one_that_went_in(report, model):
    expected = model.predict(DATA[0][:37], verbose=0)
    for fast in (report.best, *report.pareto, report.pick("litert"), report.pick("bars/keras.predict")):
        answers = fast(DATA[0][:37])
        assert answers.shape == expected.shape
        assert np.abs(answers - expected).max() < 0.2, fast.name
    assert np.abs(report.pick("litert")(DATA[0][:37]) - expected).max() < 1e-5


def test_a_name_that_was_not_measured_is_one_line(report):
    with pytest.raises(OptionError, match="'tvm' was not measured; there are"):
        report.pick("tvm")


def test_the_front_is_the_front(report):
    front = [result_of(report, name) for name in report.optimization.pareto]
    assert front
    speeds = [each.summary.p50_ms.value for each in front]
    drops = [each.selection.drop.value for each in front]
    assert drops == sorted(drops, reverse=True)
    assert speeds[0] == min(speeds)


def test_the_path_leads_from_the_original_to_the_winner(report):
    path = report.optimization.path
    assert path[0].name == report.optimization.original
    assert path[-1].name == report.optimization.best
    assert path[0].gain is None
    assert all(each.gain.value > 0 for each in path[1:])


def test_what_was_expected_stands_beside_what_was_measured(report, tmp_path):
    table = report.predictions.set_index("name")
    runtimes = {name.split("/")[1].partition("+")[0] for name in table.index}
    assert runtimes == {"litert", "onnxruntime"}
    assert table.loc["bars/litert+float16", "expected"] == 1.0
    static = table.loc["bars/litert+post_training_static"]
    assert 0 < static.expected_low <= static.expected <= static.expected_high
    plain, changed = (result_of(report, f"bars/litert{end}") for end in ("", "+post_training_static"))
    ratio = plain.summary.p50_ms.value / changed.summary.p50_ms.value
    assert static.measured == pytest.approx(ratio, rel=0.5)  # in turns, and by all turns
    assert table.reason.str.len().min() > 10
    report.save(tmp_path / "report.json")
    assert im.load_report(tmp_path / "report.json").predictions.equals(report.predictions)


def test_the_table_has_the_columns(report):
    table = report.to_pandas()
    assert {"accuracy", "accuracy_drop", "variant", "held_out_drop", "rejected"} <= set(table)
    row = table[table.runtime.eq("litert") & table.technique.eq("none") & table.variant.eq("")].iloc[0]
    assert row.accuracy == pytest.approx(1 - 0.0, abs=0.2)
    assert row.accuracy_drop == pytest.approx(0, abs=0.002)


def test_a_saved_report_shows_the_same_and_holds_no_models(report, tmp_path):
    report.save(tmp_path / "run.json")
    loaded = im.load_report(tmp_path / "run.json")
    assert isinstance(loaded, im.OptimizeReport)
    assert repr(loaded) == repr(report)
    with pytest.raises(OptionError, match="holds no models"):
        _ = loaded.best


def test_a_saved_model_runs_without_tensorflow(report, tmp_path):
    report.best.save(tmp_path / "fast")
    np.save(tmp_path / "x.npy", DATA[0][:5])
    script = (
        "import sys, numpy as np, inferspeed_magic as im\n"
        "print(im.load('fast')(np.load('x.npy')).argmax(-1).tolist())\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == str(report.best(DATA[0][:5]).argmax(-1).tolist())


def test_a_second_run_goes_on_from_the_first(report, model, monkeypatch):
    """Files are not made again, and nobody is asked again for answers that cannot have changed."""
    made, judged = [], []
    convert, accuracy = Converter._try, Judge.accuracy
    monkeypatch.setattr(Converter, "_try", lambda self, *asked: made.append(asked[1].words) or convert(self, *asked))
    monkeypatch.setattr(
        Judge,
        "accuracy",
        lambda self, candidate, part: judged.append((candidate.name, part)) or accuracy(self, candidate, part),
    )
    again = im.optimize(model, DATA, techniques=TECHNIQUES, **FAST)
    known = {each.name for each in report.results if each.selection}
    assert not known & {name for name, part in judged if part == "selection"}
    assert "SavedModel, this batch" not in made
    assert {each.name for each in again.results if not each.variant} == {
        each.name for each in report.results if not each.variant
    }
    assert again.best is not None


@pytest.mark.extended
def test_other_data_is_another_search(model):
    other = im.optimize(model, pictures(300, 9), techniques=["post_training_dynamic"], **FAST)
    assert not any("earlier run" in note for result in other.results for note in result.notes)
    assert other.optimization.split.selection < 200


def test_a_budget_that_is_too_small_is_kept_to(model):
    report = im.optimize(model, DATA, runtimes=["litert"], budget_s=1, progress=False)
    assert any("budget of 1 s" in one.reason for one in report.optimization.left_out)


@pytest.mark.extended
def test_bounds_that_nothing_meets_leave_no_winner(model):
    report = im.optimize(
        model, DATA, techniques=["float16"], max_size_mb=0.001, runtimes=["litert"], budget_s=100, progress=False
    )
    assert report.best is None
    assert "more than the 0.001 MB allowed" in result_of(report, "bars/litert").rejected
    assert "litert" in repr(report)


@pytest.mark.extended
def test_the_smallest_file_is_found(model):
    report = im.optimize(
        model,
        DATA,
        target="size",
        techniques=["float16", "post_training_dynamic"],
        runtimes=["litert"],
        budget_s=100,
        progress=False,
    )
    sizes = {each.name: each.artifact_mb for each in report.results if each.status == "measured"}
    assert sizes[report.optimization.best] == pytest.approx(min(sizes.values()), rel=0.02)


def test_without_labels_agreement_takes_the_place_of_accuracy(model):
    report = im.optimize(
        model, DATA[0], techniques=["post_training_dynamic"], runtimes=["litert"], budget_s=100, progress=False
    )
    assert not report.optimization.metric.labelled
    assert "agreement" in report.optimization.metric.name
    assert "not accuracy" in repr(report)
    assert result_of(report, "bars/litert").selection.value == 1.0


def test_without_data_inputs_are_made_up(model):
    report = im.optimize(model, techniques=["float16"], runtimes=["litert"], budget_s=100, progress=False)
    assert not report.optimization.split.given
    assert report.best is not None


def test_the_users_own_score_counts(model):
    asked = []

    def evaluate(predict):
        asked.append(predict(DATA[0][:50]).shape)
        return float((predict(DATA[0][:200]).argmax(-1) == DATA[1][:200]).mean())

    report = im.optimize(
        model,
        techniques=["post_training_dynamic"],
        runtimes=["litert"],
        evaluate=evaluate,
        calibration=lambda: (each for each in DATA[0][:20]),
        budget_s=100,
        progress=False,
    )
    assert set(asked) == {(50, 3)}
    best = result_of(report, report.optimization.best)
    assert best.selection.original == pytest.approx(evaluate(lambda x: model.predict(x, verbose=0)))
    assert np.isnan(best.selection.drop.low)


def test_a_score_that_is_no_number_is_one_line(model):
    with pytest.raises(InputError, match="has to return one number"):
        im.optimize(model, runtimes=["litert"], evaluate=lambda _: "good", progress=False)


def test_an_untrained_model_is_warned_of():
    untrained = keras.Sequential([keras.Input((12, 12, 1)), layers.Flatten(), layers.Dense(3, activation="softmax")])
    untrained.layers[-1].set_weights([np.zeros((144, 3), "float32"), np.array([0, 1, 0], "float32")])
    report = im.optimize(
        untrained, DATA, metric="accuracy", techniques=["float16"], runtimes=["litert"], budget_s=60, progress=False
    )
    assert report.optimization.warnings


class Crashing(Technique):
    """Its converter dies."""

    name = "crashing"
    summary = "dies"
    pays = "never"
    steps = MappingProxyType({"litert": replace(step("x:y", "litert", "a crash"), call="broken_techniques:die")})


class Poisoning(Technique):
    """What it makes answers with NaN."""

    name = "poisoning"
    summary = "NaN"
    pays = "never"
    steps = MappingProxyType(
        {"onnx": replace(step("x:y", "onnx", "poison"), call="broken_techniques:poison", makes="onnx")}
    )


def test_a_converter_that_dies_costs_its_candidate_only(model, monkeypatch):
    known = {"crashing": Crashing(), "poisoning": Poisoning()}
    monkeypatch.syspath_prepend(Path(__file__).parent)
    for module in ("asked", "ideas", "optimization", "choice", "foresight"):
        monkeypatch.setattr(f"inferspeed_magic.search.{module}.techniques", lambda: known)
    monkeypatch.setattr("inferspeed_magic.profiling.arguments.all_techniques", lambda: known)
    report = im.optimize(model, DATA, techniques=list(known), **FAST)
    by_name = {each.name: each for each in report.results}
    assert by_name["bars/litert+crashing"].status == "crashed"
    assert by_name["bars/onnxruntime+poisoning"].status == "disagrees"
    assert report.best is not None


def test_an_interrupt_keeps_what_was_found(model, monkeypatch):
    tried = []
    attempt = Contest.attempt

    def interrupted(self, trial):
        if len(tried) == 2:
            raise KeyboardInterrupt
        tried.append(trial)
        attempt(self, trial)

    monkeypatch.setattr(Contest, "attempt", interrupted)
    with pytest.raises(ProfileInterrupted) as caught:
        im.optimize(model, DATA, techniques=["post_training_dynamic"], **FAST)
    report = caught.value.report
    assert report.interrupted
    assert report is im.last_report()
    assert report.best(DATA[0][:3]).shape == (3, 3)
    assert "nterrupted" in repr(report)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"target": "speed"}, "unknown target `speed`: there are latency"),
        ({"max_accuracy_drop": -0.1}, "max_accuracy_drop -0.1 makes no sense"),
        ({"max_accuracy_drop": 5}, "such as 0.01 for 1%"),
        ({"budget_s": 0}, "budget 0 makes no sense"),
        ({"max_size_mb": -1}, "max_size_mb -1 makes no sense"),
        ({"batch_size": (1, 2)}, "one batch size at a time"),
        ({"runtimes": ["litert"], "exclude": ["litert"]}, "no runtime is left"),
        ({"exclude": ["littert"]}, "did you mean litert"),
        ({"techniques": ["int9"]}, "unknown technique `int9`"),
        ({"evaluate": 3}, "evaluate has to be a function"),
        ({"evaluate": len, "metric": "accuracy"}, "either metric= or evaluate="),
        ({"epochs": 3}, "nothing to train with"),
    ],
)
def test_mistakes_are_one_line_before_any_work(model, wrong, words, monkeypatch):
    monkeypatch.setattr(optimization, "Crew", lambda: pytest.fail("work has begun"))
    with pytest.raises(OptionError, match=words) as caught:
        im.optimize(model, DATA, **{"progress": False, **wrong})
    assert "\n" not in str(caught.value)


def test_data_that_does_not_fit_is_one_line(model):
    with pytest.raises(InputError, match="shape"):
        im.optimize(model, (DATA[0][:, :5], DATA[1]), progress=False)
    with pytest.raises(InputError, match=r"1500 inputs and 7 labels|samples"):
        im.optimize(model, (DATA[0], DATA[1][:7]), progress=False)
    with pytest.raises(OptionError, match="acuracy"):
        im.optimize(model, DATA, metric="acuracy", progress=False)


def test_one_model_at_a_time(model):
    with pytest.raises(OptionError, match="one model at a time"):
        im.optimize({"a": model, "b": model}, DATA, progress=False)
