"""Counterfactuals of models that are made anew: measured beside the model as it is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from explanation_records import one

import inferspeed_magic as im
from inferspeed_magic.panel import explain_view

keras = pytest.importorskip("keras")
layers = keras.layers

DERIVED = {"without_slowest_layer", "weights_fit_cache", "no_subnormals"}


def dominated():
    """One layer has nearly all of the work, and another shape than its output."""
    return keras.Sequential(
        [
            keras.Input((32, 32, 16)),
            layers.Conv2D(32, 3, padding="same", activation="relu", name="light"),
            layers.Conv2D(64, 7, padding="same", activation="relu", name="heavy"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, name="head"),
        ]
    )


def residual():
    """The heavy layer is in a branch, within a nested model, and has the shape of its input; then there are two."""
    begin = keras.Input((24, 24, 48))
    normal = layers.BatchNormalization(name="norm")(layers.Conv2D(48, 5, padding="same", name="heavy")(begin))
    block = keras.Model(begin, layers.Add(name="add")([begin, layers.ReLU(name="relu")(normal)]), name="block")
    picture, more = keras.Input((24, 24, 48), name="picture"), keras.Input((8,), name="more")
    pooled = layers.GlobalAveragePooling2D()(block(picture))
    both = layers.Concatenate()([pooled, layers.Dense(8, name="of_more")(more)])
    return keras.Model([picture, more], layers.Dense(4, name="head")(both))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(64, activation="relu")
        self.head = layers.Dense(4)

    def call(self, x):
        return self.head(self.hidden(x))


def subclassed():
    model = Subclassed()
    model(np.zeros((1, 32), "float32"))
    return model


def large():
    """Five million weights, a fraction of which is subnormal."""
    hidden = [layers.Dense(1024, activation="relu") for _ in range(6)]
    model = keras.Sequential([keras.Input((256,)), *hidden, layers.Dense(10)])
    kernel, bias = hidden[1].get_weights()
    kernel[:, :16] = 1e-40
    hidden[1].set_weights([kernel, bias])
    return model


@pytest.fixture(scope="module")
def record():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inferspeed_magic.explanation.derived.LATEST_S", 300.0)  # four models, and a busy machine
        models = {"dominated": dominated(), "residual": residual(), "subclassed": subclassed(), "large": large()}
        return im.explain(models, runtimes="onnxruntime", duration_s=0.2, progress=False).explanation


def found(record, model):
    return {each.what: each for each in record.counterfactuals if each.model == model}


@pytest.mark.parametrize("model", ["dominated", "residual"])
def test_without_the_layer_that_has_nearly_all_of_the_work_little_time_is_left(record, model):
    run = found(record, model)["without_slowest_layer"]
    assert run.ratio.high < 0.8
    assert run.after_ms.value < run.before_ms.value
    assert 0 <= run.expected_ms < 0.8 * run.before_ms.value


def test_what_was_taken_out_is_said(record):
    assert found(record, "dominated")["without_slowest_layer"].detail.startswith("without heavy (Conv2D)")
    detail = found(record, "residual")["without_slowest_layer"].detail
    assert detail.startswith("without block/heavy (Conv2D)")
    assert "and block/norm and block/relu in the same operator: its input is handed on" in detail


def test_weights_that_exceed_the_cache_are_brought_into_it(record):
    run = found(record, "large")["weights_fit_cache"]
    assert "of the FLOPs are left" in run.detail
    assert run.ratio.high < 0.7
    assert "weights_fit_cache" not in found(record, "dominated") or "MB" in run.detail


def test_subnormal_weights_are_set_to_zero_where_there_are_some(record):
    run = found(record, "large")["no_subnormals"]
    assert run.detail == "its subnormal weights (0.3% of all) set to zero"
    assert run.ratio.value < 1.2
    assert "no_subnormals" not in found(record, "dominated")


def test_a_subclassed_model_has_none_and_nobody_complains(record):
    assert not DERIVED & set(found(record, "subclassed"))
    assert not [note for note in record.notes if "subclassed" in note]


def test_results_are_those_of_the_first_round(record):
    """What is measured beside derived models does not count twice."""
    rounds = [
        {block.round for block in result.measurement.blocks}
        for result in record.profile.results
        if result.measurement is not None and result.batch_size == 1
    ]
    assert len(rounds) == 4
    assert max(max(each) for each in rounds) < 40
    assert {result.technique for result in record.profile.results} == {"none"}


def test_models_stay_together(record):
    named = [each.model for each in record.counterfactuals]
    assert named == sorted(named, key=["dominated", "residual", "subclassed", "large"].index)


def test_when_time_is_up_nothing_is_made(monkeypatch):
    monkeypatch.setattr("inferspeed_magic.explanation.derived.LATEST_S", 0.0)
    report = im.explain({"dominated": dominated()}, runtimes="onnxruntime", duration_s=0.05, progress=False)
    assert not DERIVED & {each.what for each in report.explanation.counterfactuals}
    notes = [note for note in report.explanation.notes if "was not made" in note]
    assert any("without_slowest_layer" in note for note in notes)
    assert report.results[0].status == "measured"


def test_a_derived_model_that_fails_costs_itself_only(monkeypatch):
    def broken(*_):
        raise RuntimeError("no such luck")

    monkeypatch.setattr("inferspeed_magic.explanation.derivable.slowest", broken)
    report = im.explain({"dominated": dominated()}, runtimes="onnxruntime", duration_s=0.05, progress=False)
    assert any("no such luck" in note for note in report.explanation.notes)
    assert "int8" in {each.what for each in report.explanation.counterfactuals}


def test_a_panel_says_what_was_expected():
    made = one()
    runs = [dataclasses.replace(each, expected_ms=0.123) for each in made.counterfactuals]
    sheet = explain_view(dataclasses.replace(made, counterfactuals=tuple(runs))).counterfactuals
    words = [row[-1].text for row in sheet.rows]
    assert all(each.endswith("expected from the time of the layer") for each in words)
    assert words[1].startswith("1.92x faster; ")
