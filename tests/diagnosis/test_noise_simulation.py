import numpy as np
import pytest

from inferspeed_magic.diagnosis.simulation import SCENARIOS, Noise, simulate


def log_levels(measurement):
    return np.log([np.median(block.latencies_ns) for block in measurement.blocks])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_same_seed_gives_the_same_measurement(scenario):
    assert simulate(scenario, seed=3) == simulate(scenario, seed=3)
    assert simulate(scenario, seed=3) != simulate(scenario, seed=4)


def test_shape():
    measurement = simulate("quiet", rounds=5, per_block=7, processes=2)
    assert [block.round for block in measurement.blocks] == [0, 1, 2, 3, 4]
    assert [block.process for block in measurement.blocks] == [0, 1, 0, 1, 0]
    assert all(len(block.latencies_ns) == 7 for block in measurement.blocks)
    assert all(block.wall_ns == sum(block.latencies_ns) for block in measurement.blocks)


@pytest.mark.parametrize("scenario", ["lognormal", "pareto_10", "bimodal"])
def test_true_median(scenario):
    latencies = simulate(scenario, 1, 100_000, 3.0, 1, 9).blocks[0].latencies_ns
    assert np.median(latencies) == pytest.approx(3e6, rel=0.002)


def test_candidates_of_a_run_share_the_machine():
    noise = Noise(sample_sd=0.001, machine_sd=0.1, machine_rho=0.5)
    first, second = (log_levels(simulate(noise, seed=seed, machine_seed=7)) for seed in (1, 2))
    other = log_levels(simulate(noise, seed=2))
    assert np.corrcoef(first, second)[0, 1] > 0.99
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.9


def test_machine_is_stationary_and_correlated():
    noise = Noise(sample_sd=0.0001, machine_sd=0.03, machine_rho=0.7)
    levels = log_levels(simulate(noise, rounds=5000, per_block=1))
    assert np.std(levels) == pytest.approx(0.03, rel=0.1)
    assert np.corrcoef(levels[1:], levels[:-1])[0, 1] == pytest.approx(0.7, abs=0.05)
