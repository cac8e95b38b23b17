"""Explanations of real models, from counting to verified advice."""

from __future__ import annotations

import math
import time
import warnings
from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np
import pytest

import inferspeed_magic as im
from inferspeed_magic.errors import OptionError
from inferspeed_magic.explanation.experiment import Experiment

keras = pytest.importorskip("keras")
layers = keras.layers

COLUMNS = {
    *("model", "layer", "kind", "params", "macs", "flops", "bytes_read", "bytes_written", "arithmetic_intensity"),
    *("time_us", "bound"),
}


def deep():
    convolutions = [layers.Conv2D(8, 3, padding="same", activation="relu", name=f"conv_{n}") for n in range(6)]
    pooled = [layers.GlobalAveragePooling2D(name="pool"), layers.Dense(10, name="head")]
    return keras.Sequential([keras.Input((28, 28, 1)), *convolutions, *pooled])


def wide():
    front = [layers.Conv2D(16, 3, strides=2, activation="relu", name="front"), layers.Flatten(name="flat")]
    return keras.Sequential(
        [keras.Input((28, 28, 1)), *front, layers.Dense(256, activation="relu", name="huge"), layers.Dense(10)]
    )


@pytest.fixture(scope="module")
def report():
    runtimes = ["keras.predict", "keras.compiled", "onnxruntime"]
    return im.explain({"deep": deep(), "wide": wide()}, runtimes=runtimes, duration_s=0.2, progress=False)


def test_the_call_takes_most_of_predict(report):
    first = report.findings[0]
    assert first.cause == "call_overhead"
    assert first.model == "deep"
    assert "of the parameters of wide" in first.sentence
    assert first.confidence >= 0.7  # 0.95 on a machine that is not busy
    assert first.expected_gain > 5.0
    assert first.expected_gain.low <= first.expected_gain <= first.expected_gain.high


def test_advice_can_be_verified(report):
    gain = report.findings[0].verify(progress=False)
    assert gain > 5.0
    assert report.findings[0].measured_gain == gain
    assert "measured" in repr(report)


def test_parameters_are_not_work(report):
    (found,) = [finding for finding in report.findings if finding.cause == "flops_not_parameters"]
    assert found.model == "deep"


def test_layers_have_counts_and_times(report):
    table = report.layers
    assert set(table.columns) >= COLUMNS
    assert table[table.model == "deep"].params.sum() == deep().count_params()
    rows = table.set_index(["model", "layer"])
    assert rows.loc[("deep", "conv_1"), "macs"] == 28 * 28 * 9 * 8 * 8
    assert rows.loc[("wide", "huge"), "macs"] == 13 * 13 * 16 * 256
    timed = table[table.time_us > 0]
    assert {"conv_1", "huge"} <= set(timed.layer)
    # The layer that does nearly everything takes the most time.
    assert timed[timed.model == "wide"].sort_values("time_us").layer.iloc[-1] in ("huge", "front")


def test_times_of_layers_fit_into_the_latency(report):
    latency = {each.model: each.latency_ms.value for each in report.explanation.call_paths if each.way == "onnxruntime"}
    for model, rows in report.layers.groupby("model"):
        assert 0.2 * latency[model] < rows.time_us.sum() / 1e3 < 2.0 * latency[model]


def test_parts_of_a_call_add_up(report):
    assert len(report.explanation.call_paths) == 6
    for path in report.explanation.call_paths:
        assert sum(spent for _, spent in path.parts) == pytest.approx(path.latency_ms.value)
        assert min(spent for _, spent in path.parts) >= 0.0


def test_a_batch_has_a_fixed_cost_and_one_for_each_sample(report):
    fits = {(each.model, each.runtime): each for each in report.explanation.fits}
    predict = fits["deep", "keras.predict"]
    assert predict.fixed_ms.value > 10 * fits["deep", "onnxruntime"].fixed_ms.value
    assert [size for size, _ in predict.points] == [1, 8, 32]


def test_counterfactuals_were_run(report):
    whats = {(each.model, each.what) for each in report.explanation.counterfactuals}
    assert ("deep", "int8") in whats
    assert ("wide", "int8") in whats
    assert all(each.ratio.value > 0 for each in report.explanation.counterfactuals)


def test_a_saved_explanation_reads_the_same(report, tmp_path):
    report.save(tmp_path / "why.json")
    again = im.load_report(tmp_path / "why.json")
    assert type(again) is im.ExplainReport
    assert repr(again) == repr(report)
    assert again.layers.equals(report.layers)
    with pytest.raises(OptionError, match="holds no models"):
        again.findings[0].verify()


def test_it_shows_itself(report):
    bundle = report._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/png"}
    assert report.findings[0].sentence.split(",")[0] in " ".join(bundle["text/plain"].split())


def test_counting_alone_measures_nothing(tmp_path):
    report = im.explain(wide(), count_only=True, progress=False)
    assert report.results == ()
    assert report.findings == ()
    assert report.layers.params.sum() == wide().count_params()
    assert report.layers.time_us.isna().all()
    assert "multiply-accumulates" in repr(report)


@pytest.mark.extended
def test_weights_that_do_not_fit_the_caches_bind_to_memory():
    hidden = [layers.Dense(3000, activation="relu") for _ in range(4)]
    model = keras.Sequential([keras.Input((3000,)), *hidden])
    report = im.explain({"mlp": model}, runtimes="onnxruntime", duration_s=0.2, progress=False)
    assert report.findings[0].cause == "memory_bound"
    assert set(report.layers.bound) == {"memory"}


def test_files_are_measured_though_not_counted(tmp_path):
    model = wide()
    model(np.zeros((1, 28, 28, 1), "float32"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own making
        model.export(tmp_path / "wide.onnx", format="onnx", verbose=False)
    report = im.explain(tmp_path / "wide.onnx", runtimes="onnxruntime", duration_s=0.05, progress=False)
    assert [result.status for result in report.results][:1] == ["measured"]
    assert any("could not be counted" in note for note in report.explanation.notes)
    assert math.isfinite(report.explanation.call_paths[0].latency_ms.value)


def test_a_model_built_for_one_batch_size_is_explained_at_that():
    model = keras.Sequential([keras.Input((8,), batch_size=4), layers.Dense(4)])
    with pytest.raises(OptionError, match="say batch_size=4"):
        im.explain(model, progress=False)
    report = im.explain(model, batch_size=4, runtimes="onnxruntime", duration_s=0.05, progress=False)
    assert report.results[0].status == "measured"
    assert report.layers.macs.sum() == 4 * 8 * 4


def test_what_is_still_to_be_converted_is_left_out_when_conversions_took_long(monkeypatch):
    monkeypatch.setattr("inferspeed_magic.explanation.explanation._UNHURRIED_S", 0.0)
    monkeypatch.setattr("inferspeed_magic.explanation.experiment.Experiment.is_made", lambda *_: False)
    report = im.explain({"deep": deep()}, duration_s=0.05, progress=False)
    assert [each.what for each in report.explanation.counterfactuals if each.what == "int8"] == []
    assert any("post_training_static was not made" in note for note in report.explanation.notes)
    assert any(note.startswith("deep/litert was not made") for note in report.explanation.notes)
    seen = {result.runtime for result in report.results if result.status == "measured"}
    assert {"keras.predict", "onnxruntime"} <= seen
    assert "litert" not in seen
    assert report.findings


def test_runtimes_that_are_named_are_waited_for(monkeypatch):
    monkeypatch.setattr("inferspeed_magic.explanation.explanation._UNHURRIED_S", 0.0)
    report = im.explain({"deep": deep()}, runtimes="onnxruntime", duration_s=0.05, progress=False)
    assert "int8" in [each.what for each in report.explanation.counterfactuals]


def test_a_model_that_remembers_its_last_call_is_measured_on_every_call_path():
    model = keras.Sequential([keras.Input((5, 3), batch_size=1), layers.LSTM(4, stateful=True), layers.Dense(2)])
    report = im.explain({"memory": model}, runtimes="keras", duration_s=0.05, progress=False)
    seen = {result.runtime: (result.status, result.reason) for result in report.results if result.batch_size == 1}
    assert {status for status, _ in seen.values()} == {"measured"}, seen


def test_what_is_being_converted_when_time_is_up_is_ended():
    ended = []
    running, waiting = Future(), Future()
    running.set_running_or_notify_cancel()
    lab = SimpleNamespace(
        conversions=lambda _: [running, waiting], converter=SimpleNamespace(give_up=lambda: ended.append("now"))
    )
    candidate = SimpleNamespace(status=None, source=SimpleNamespace(stays_live=None))
    assert not Experiment.is_made(lab, candidate, time.perf_counter() + 0.05)
    assert ended == ["now"]
    assert waiting.cancelled()


def test_what_comes_after_what_was_ended_is_converted_in_another_process(monkeypatch):
    given_up = []

    def is_made(self, candidate, _):
        given_up.append(candidate.name)
        self.converter.give_up()
        return False

    monkeypatch.setattr(Experiment, "is_made", is_made)
    report = im.explain({"deep": deep()}, duration_s=0.05, progress=False)
    measured = {(result.runtime, result.batch_size) for result in report.results if result.status == "measured"}
    assert {("onnxruntime", 1), ("onnxruntime", 8), ("onnxruntime", 32)} <= measured
    assert given_up
