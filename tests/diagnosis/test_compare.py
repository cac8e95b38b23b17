import math
import re

import pytest
from hand_made import measured

from inferspeed_magic.diagnosis import compare, speedup
from inferspeed_magic.diagnosis.comparison import _verdict
from inferspeed_magic.diagnosis.simulation import simulate


def versus(first, second):
    return compare(first, second, candidate_name="small/onnxruntime", reference_name="big/onnxruntime")


def wavy(scale, rounds=20, processes=(0,)):
    """The machine's speed swings by 30% from round to round."""
    return measured([[scale * (1.0 + 0.3 * (index * 7 % 5) / 4)] * 5 for index in range(rounds)], processes)


def test_drift_cancels_within_rounds():
    result = versus(wavy(1.0), wavy(2.0))
    assert result.ratio == pytest.approx(0.5, rel=1e-5)
    assert result.low == pytest.approx(0.5 * math.exp(-0.0118 * math.sqrt(2) * 2.0423), rel=1e-4)  # t(30)
    assert result.high == pytest.approx(0.5 * math.exp(0.0118 * math.sqrt(2) * 2.0423), rel=1e-4)


def test_faster_in_words():
    assert re.fullmatch(
        r"small/onnxruntime is faster than big/onnxruntime: 2\.00x \(1\.9\d-2\.0\d\)",
        versus(wavy(1.0), wavy(2.0)).verdict,
    )


def test_slower_in_words():
    assert re.fullmatch(
        r"small/onnxruntime is slower than big/onnxruntime: 1\.31x \(1\.2\d-1\.3\d\)",
        versus(wavy(1.31), wavy(1.0)).verdict,
    )


@pytest.mark.parametrize(
    ("ratio", "low", "high", "sentence"),
    [
        (1 / 1.92, 1 / 1.99, 1 / 1.85, "A is faster than B: 1.92x (1.85-1.99)"),
        (1.31, 1.28, 1.35, "A is slower than B: 1.31x (1.28-1.35)"),
        (12.34, 12.01, 12.66, "A is slower than B: 12.3x (12.0-12.7)"),
        (1 / 523.4, 1 / 540.6, 1 / 501.2, "A is faster than B: 523x (501-541)"),
        (1.012, 1.0021, 1.022, "A is slower than B: 1.0120x (1.0021-1.0220)"),
        (1.0, 0.98, 1.031, "no difference of more than 3.1% can be seen between A and B"),
        (1.0, 1 / 1.031, 1.02, "no difference of more than 3.1% can be seen between A and B"),
        (1.0, math.nan, math.nan, "too few samples to compare A with B"),
    ],
)
def test_verdict(ratio, low, high, sentence):
    assert _verdict(ratio, low, high, "A", "B") == sentence


def test_no_difference_with_itself():
    result = versus(wavy(1.0), wavy(1.0))
    assert not result.significant
    assert result.verdict == "no difference of more than 3.5% can be seen between small/onnxruntime and big/onnxruntime"


def test_more_processes_see_smaller_differences():
    one, two = versus(wavy(1.0), wavy(1.025)), versus(wavy(1.0, 20, (0, 1)), wavy(1.025, 20, (0, 1)))
    assert not one.significant
    assert two.significant


@pytest.mark.parametrize(("first", "second"), [([[1.0]], [[2.0]] * 9), ([], [[1.0]] * 9), ([[1.0], [1.0]], [[1.0]])])
def test_too_few_samples(first, second):
    result = versus(measured(first), measured(second))
    assert result.verdict == "too few samples to compare small/onnxruntime with big/onnxruntime"
    assert not result.significant
    assert math.isnan(result.low)
    assert math.isnan(result.high)
    assert math.isnan(result.ratio) if not first else result.ratio == pytest.approx(1.0 / second[0][0])


def test_slow_models_with_five_single_samples():
    result = versus(
        measured([[100.0], [103.0], [99.0], [104.0], [101.0]]), measured([[151], [150], [149], [155], [152]])
    )
    assert result.significant
    assert result.ratio == pytest.approx(0.67, abs=0.01)


def test_rounds_that_do_not_match_are_compared_unpaired():
    first = measured([[1.0 + 0.01 * (i % 3)] for i in range(9)], rounds=range(9))
    second = measured([[2.0 + 0.02 * (i % 3)] for i in range(9)], rounds=range(100, 109))
    result = versus(first, second)
    assert result.significant
    assert result.ratio == pytest.approx(0.5, rel=0.01)


def test_only_shared_rounds_are_paired():
    first, second = wavy(1.0, rounds=20), wavy(2.0, rounds=14)
    assert versus(first, second).ratio == pytest.approx(0.5, rel=1e-5)


def test_several_blocks_of_a_round_are_paired_in_order():
    rounds = [index // 2 for index in range(20)]
    first = measured([[1.0 + 0.1 * (r % 4)] * 3 for r in rounds], (0, 1), rounds)
    second = measured([[3.0 + 0.3 * (r % 4)] * 3 for r in rounds], (0, 1), rounds)
    assert versus(first, second).ratio == pytest.approx(1 / 3, rel=1e-5)


def test_an_interrupted_run_of_two_rounds():
    assert versus(simulate("quiet", 2, 30, 1.0, 1, 1), simulate("quiet", 2, 30, 2.0, 1, 2)).significant


def test_speedup_is_the_reciprocal():
    first, second = simulate("moderate", seed=1), simulate("moderate", seed=2, true_p50_ms=1.7)
    result, gain = versus(first, second), speedup(first, second)
    assert gain.value == pytest.approx(1 / result.ratio)
    assert gain.low == pytest.approx(1 / result.high)
    assert gain.high == pytest.approx(1 / result.low)
    assert gain.low < gain.value < gain.high
