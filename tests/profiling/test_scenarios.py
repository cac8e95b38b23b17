"""Scenarios, batch sizes, baselines, seeds and inputs, end to end. Numbers are compared within one run only."""

from __future__ import annotations

import numpy as np
import pytest
from faulty_runtimes import TakesAMoment, TakesItsTime, Telltale, fingerprint, with_runtimes
from onnx_files import perceptron

import inferspeed_magic as im

SLOW = TakesItsTime.name
WIDTH = 32
BOUND_MS = 10.0


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return perceptron(tmp_path_factory.mktemp("scenarios") / "model.onnx", width=WIDTH)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return perceptron(tmp_path_factory.mktemp("scenarios") / "pair.onnx", width=WIDTH, inputs=("left", "right"))


def profile(models, **options):
    with with_runtimes(TakesItsTime, TakesAMoment, Telltale):
        return im.profile(models, **({"threads": 1, "progress": False, "duration_s": 0.3} | options))


@pytest.fixture(scope="module")
def batches(file):
    report = profile(file, runtimes=[SLOW, "onnxruntime"], batch_sizes=(1, 4), scenario="offline")
    return {(result.runtime, result.batch_size): result for result in report.results}


def test_there_is_a_result_for_every_batch_size_and_runtime_in_order(batches):
    assert list(batches) == [(SLOW, 1), ("onnxruntime", 1), (SLOW, 4), ("onnxruntime", 4)]
    assert {result.status for result in batches.values()} == {"measured"}


def test_throughput_counts_samples_and_latency_counts_inferences(batches):
    one, four = batches[SLOW, 1].summary, batches[SLOW, 4].summary
    assert four.p50_ms.value / one.p50_ms.value == pytest.approx(1, abs=0.15)
    assert four.throughput_samples_per_s / one.throughput_samples_per_s == pytest.approx(4, rel=0.15)


def test_throughput_is_measured_and_not_the_inverse_of_latency(batches):
    for result in batches.values():
        inferences = sum(len(block.latencies_ns) for block in result.measurement.blocks)
        seconds = sum(block.wall_ns for block in result.measurement.blocks) / 1e9
        expected = inferences * result.batch_size / seconds
        assert result.summary.throughput_samples_per_s == pytest.approx(expected, rel=1e-6)


def test_what_takes_its_time_is_slower_and_known_to_be(batches):
    assert batches[SLOW, 1].summary.p50_ms.low > 3.0
    assert batches["onnxruntime", 1].summary.speedup.low > 1.0
    assert batches[SLOW, 1].summary.speedup.value == pytest.approx(1.0)


def test_each_batch_size_is_compared_with_its_own_baseline(batches):
    assert batches[SLOW, 4].summary.speedup.value == pytest.approx(1.0)
    assert batches["onnxruntime", 4].summary.speedup.low > 1.0


def served(file, **options):
    (result,) = profile(file, runtimes=[SLOW], scenario="server", duration_s=1.0, **options).results
    return result


@pytest.fixture(scope="module")
def calm(file):
    return served(file, target_qps=60)


@pytest.fixture(scope="module")
def overloaded(file):
    return served(file, target_qps=3000)


def test_far_below_capacity_the_rate_is_the_one_asked_for(calm):
    (trial,) = calm.measurement.trials
    assert trial.target_qps == 60
    # 64 arrivals: their sum varies by an eighth, seeded.
    assert trial.achieved_qps == pytest.approx(60, rel=0.35)
    assert calm.summary.throughput_samples_per_s == pytest.approx(trial.achieved_qps)
    assert trial.sustained is None


def test_below_capacity_hardly_anybody_waits(calm):
    latencies = np.array(calm.measurement.trials[0].latencies_ns) / 1e6
    assert 3.0 < np.median(latencies) < 6.0


def test_an_overload_makes_everybody_wait(calm, overloaded):
    (trial,) = overloaded.measurement.trials
    assert trial.achieved_qps < 0.3 * trial.target_qps
    assert overloaded.summary.p50_ms.value > 10 * calm.summary.p50_ms.value
    halves = np.array_split(np.array(trial.latencies_ns), 2)
    assert halves[1].mean() > 2 * halves[0].mean()


@pytest.fixture(scope="module")
def searched(file):
    # Near capacity a queue of twenty is usual; far below it only a machine that stands still for long makes one wait.
    report = profile(file, runtimes=[TakesAMoment.name], scenario="server", latency_slo_ms=BOUND_MS, duration_s=0.2)
    return report.results[0]


def test_the_rate_that_is_found_keeps_the_bound(searched):
    assert searched.status == "measured", searched.reason
    trials = searched.measurement.trials
    kept = [trial for trial in trials if trial.sustained]
    assert 0 < len(kept) < len(trials)
    assert all(trial.p99_ms <= BOUND_MS for trial in kept)
    assert all(trial.p99_ms > BOUND_MS for trial in trials if trial.sustained is False)
    best = max(kept, key=lambda trial: trial.target_qps)
    (block,) = searched.measurement.blocks
    assert block.latencies_ns == best.latencies_ns
    assert searched.summary.p99_ms <= BOUND_MS
    assert searched.summary.throughput_samples_per_s == pytest.approx(best.achieved_qps)


def test_the_search_supports_the_99th_percentile_and_closes_in(searched):
    trials = searched.measurement.trials
    assert all(len(trial.latencies_ns) >= 662 for trial in trials)
    rates = sorted(trial.target_qps for trial in trials)
    assert len(set(rates)) == len(rates)
    assert all(
        trial.target_qps < other.target_qps
        for trial in trials
        if trial.sustained
        for other in trials
        if other.sustained is False
    )


@pytest.mark.parametrize(
    ("runtime", "bound_ms", "words"),
    [
        (SLOW, 1.0, "one inference alone takes 3"),
        ("onnxruntime", 1e-6, "no rate keeps p99 under 1e-06 ms"),
    ],
)
def test_a_bound_that_nobody_can_keep_is_a_result_with_a_reason(file, runtime, bound_ms, words):
    report = profile(file, runtimes=[runtime], scenario="server", latency_slo_ms=bound_ms)
    (result,) = report.results
    assert result.status == "unsupported"
    assert words in result.reason
    assert result.measurement is None


def test_a_search_that_would_take_for_ever_says_what_would_help(file):
    report = profile(file, runtimes=[SLOW], scenario="server", latency_slo_ms=100.0, duration_s=0.01)
    (result,) = report.results
    assert result.status == "unsupported"
    assert "raise it to" in result.reason


def said(models, **options):
    """What a worker was given, by model and batch size."""
    return [result.reason for result in profile(models, runtimes=["telltale"], **options).results]


def inputs_seen(models, **options):
    (reason,) = said(models, **options)
    return reason.partition("inputs=")[2].partition(";")[0]


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_reach_the_worker_and_the_result(file, threads):
    report = profile(file, runtimes=["telltale"], threads=threads)
    assert f"threads={threads} batch=1" in report.results[0].reason
    assert report.results[0].threads == threads


def test_batch_sizes_reach_the_worker(file):
    reasons = said(file, batch_sizes=(1, 4))
    assert "batch=1 shapes=[(1, 32)]" in reasons[0]
    assert "batch=4 shapes=[(4, 32)]" in reasons[1]


def test_the_seed_makes_the_inputs(file):
    assert inputs_seen(file, seed=3) == inputs_seen(file, seed=3)
    assert inputs_seen(file, seed=3) != inputs_seen(file, seed=4)


@pytest.fixture(scope="module")
def data():
    draw = np.random.default_rng(7)
    return [draw.standard_normal((1, WIDTH)).astype(np.float32) for _ in range(2)]


@pytest.mark.parametrize(
    "given",
    [
        lambda array: array,
        lambda array: [array],
        lambda array: {"x": array},
        lambda array: {"model": array},  # by the name of the model
        lambda array: array.astype(np.float64),
        lambda array: np.concatenate([array, array + 1]).tolist(),
    ],
    ids=["array", "list", "by input", "by model", "float64", "numbers"],
)
def test_a_users_input_is_what_runs(file, data, given):
    assert inputs_seen(file, inputs=given(data[0])) == fingerprint(data[:1])


@pytest.mark.parametrize(
    "given",
    [
        list,
        tuple,
        lambda both: {"right": both[1], "left": both[0]},
        lambda both: {"pair": {"right": both[1], "left": both[0]}},
    ],
    ids=["list", "tuple", "dict", "by model"],
)
def test_several_inputs_are_told_apart(pair, data, given):
    assert inputs_seen(pair, inputs=given(data)) == fingerprint(data)


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twins")
    return {name: perceptron(folder / f"{name}.onnx", width=WIDTH) for name in ("one", "two")}


@pytest.mark.parametrize(
    ("baseline", "own"),
    [
        (None, {f"one/{SLOW}"}),
        ("two/onnxruntime", {"two/onnxruntime"}),
        ("onnxruntime", {"one/onnxruntime", "two/onnxruntime"}),
        ("two", {"two/onnxruntime", f"two/{SLOW}"}),
    ],
)
def test_speedups_refer_to_the_baseline(twins, baseline, own):
    report = profile(twins, runtimes=[SLOW, "onnxruntime"], baseline=baseline, duration_s=0.15)
    speedups = {result.name: result.summary.speedup for result in report.results}
    assert report.record.baseline == (baseline or f"one/{SLOW}")
    for name in own:
        assert speedups[name].value == pytest.approx(1.0)
    slow, fast = {f"one/{SLOW}", f"two/{SLOW}"}, {"one/onnxruntime", "two/onnxruntime"}
    if own <= fast:
        assert all(speedups[name].high < 1 for name in slow)
    elif own <= slow:
        assert all(speedups[name].low > 1 for name in fast)
    # The same artifact on the same runtime that takes three milliseconds: no difference worth a word.
    if baseline in {None, "two"}:
        other = "two" if baseline is None else "one"
        assert speedups[f"{other}/{SLOW}"].value == pytest.approx(1.0, abs=0.1)
