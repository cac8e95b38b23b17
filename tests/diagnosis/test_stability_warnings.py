import numpy as np
import pytest
from hand_made import measured

from inferspeed_magic.diagnosis.modes import two_modes
from inferspeed_magic.diagnosis.simulation import SCENARIOS, Noise, simulate
from inferspeed_magic.diagnosis.stability import warnings


def pooled(scenario, rounds, per_block, seed):
    blocks = simulate(scenario, rounds, per_block, 1.0, 1, seed).blocks
    return np.concatenate([block.latencies_ns for block in blocks]).astype(float)


@pytest.mark.parametrize("scenario", ["quiet", "lognormal", "pareto_5", "pareto_10", "process_1"])
@pytest.mark.parametrize("processes", [1, 2])
def test_nothing_to_say_about_ordinary_noise(scenario, processes):
    assert sum(bool(warnings(simulate(scenario, 20, 30, 1.0, processes, seed))) for seed in range(50)) <= 1


def test_drift():
    (sentence,) = warnings(simulate(Noise(drift=0.12, sample_sd=0.02), 20, 30, 1.0, 1, 0))
    assert sentence == "the machine's speed drifted: latency rose by 13% in the course of the run"
    falling = measured([[1.0 - 0.005 * index] * 5 for index in range(20)])
    assert any(sentence.startswith("the machine's speed drifted: latency fell by 9%") for sentence in warnings(falling))


def test_a_small_or_unsure_drift_is_not_told():
    assert warnings(simulate(Noise(drift=0.04), 20, 30, 1.0, 1, 0)) == ()
    assert warnings(measured([[1.0], [1.02], [1.04], [1.06], [1.08]])) == ()


def test_two_modes():
    (sentence,) = warnings(simulate("bimodal", 20, 50, 1.0, 1, 0))
    assert "two modes" in sentence
    assert sentence.startswith(
        "latency has two modes, and the median shows one of them at most: "
        "71% of inferences take about 0.99 ms, 29% about 1.23 ms"
    )


@pytest.mark.parametrize(("factor", "slow_share", "sd"), [(1.2, 0.3, 0.02), (1.3, 0.2, 0.03), (2.0, 0.5, 0.1)])
def test_two_modes_are_found(factor, slow_share, sd):
    noise = Noise(sample_sd=sd, second_mode_share=slow_share, second_mode_factor=factor)
    for seed in range(30):
        modes = two_modes(pooled(noise, 20, 30, seed))
        assert modes is not None
        assert modes.slow / modes.fast == pytest.approx(factor, rel=0.1)
        assert modes.slow_share == pytest.approx(slow_share, abs=0.1)


@pytest.mark.parametrize(
    "noise",
    [
        *(noise for name, noise in SCENARIOS.items() if name != "bimodal"),
        Noise(sample_sd=0.3),
        Noise(sample_sd=0.8),
        Noise(tail_share=0.2, tail_alpha=1.0),
        Noise(sample_sd=0.02, second_mode_share=0.05, second_mode_factor=1.5),
        Noise(sample_sd=0.02, second_mode_share=0.4, second_mode_factor=1.08),
    ],
)
@pytest.mark.parametrize(("rounds", "per_block"), [(40, 1), (20, 30)])
def test_one_mode_is_not_taken_for_two(noise, rounds, per_block):
    assert sum(two_modes(pooled(noise, rounds, per_block, seed)) is not None for seed in range(40)) <= 1


@pytest.mark.parametrize("latencies", [[], [1.0] * 39, [1.0] * 500, [0.0] * 100, [1.0] * 99 + [1e12]])
def test_no_modes_where_there_is_nothing_to_see(latencies):
    assert two_modes(np.array(latencies)) is None


def test_load():
    calm = simulate("quiet")
    assert warnings(calm, other_load=0.24) == ()
    assert warnings(calm, other_load=0.5) == (
        "other processes kept 0.50 cores busy during the run, close them and measure again",
    )


def test_too_few_samples():
    assert warnings(measured([[1.0]])) == (
        "too few samples: 1 sample cannot give an interval for the median; measure for longer",
    )
    assert warnings(measured([[1.0], [1.4], [0.8], [1.1]]))[0].startswith("too noisy, measure for longer: median ±")
    assert "0 samples cannot give" in warnings(measured([]))[0]


def test_processes_disagree():
    different = measured([[1.0 + 0.001 * (i % 3) + 0.1 * (i % 2)] * 9 for i in range(20)], (0, 1))
    assert warnings(different) == (
        "processes of the same candidate disagree: the slowest of 2 takes 10% longer than the fastest",
    )
    noisy = simulate(Noise(block_sd=0.2), 20, 9, 1.0, 2, 5)
    assert not any("processes disagree" in sentence for sentence in warnings(noisy))
    assert warnings(measured([[1.0] * 9] * 8, tuple(range(8)))) == ()


def test_subnormals():
    assert warnings(simulate("quiet"), subnormal_share=0.25) == (
        "25.0% of the numbers are subnormal, which many processors compute several times slower",
    )
    assert warnings(simulate("quiet"), subnormal_share=1e-5)[0].startswith("under 0.1% of the numbers")
