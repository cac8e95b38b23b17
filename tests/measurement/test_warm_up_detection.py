import subprocess
import sys
import time

import numpy as np
import pytest

from inferspeed_magic.diagnosis.simulation import simulate
from inferspeed_magic.measurement.warm_up import detect, settled

CALM = ("quiet", "lognormal", "pareto_10", "bimodal")


def steady(scenario, seed, count=100):
    return list(simulate(scenario, 1, count, 1.0, 1, seed).blocks[0].latencies_ns)


def settling(latencies):
    """How many latencies a loop takes that asks after each."""
    return next(count for count in range(1, len(latencies) + 1) if settled(latencies[:count]))


@pytest.mark.parametrize("scenario", CALM)
def test_a_steady_series_has_no_warm_up(scenario):
    assert sum(detect(steady(scenario, seed)) > 0 for seed in range(100)) <= 10


@pytest.mark.parametrize("factor", [1.3, 3, 200])
@pytest.mark.parametrize("leading", [3, 10, 30])
def test_a_slow_start_is_counted(factor, leading):
    for seed in range(20):
        latencies = [round(value * (factor if i < leading else 1)) for i, value in enumerate(steady("quiet", seed))]
        assert detect(latencies) == pytest.approx(leading, abs=2)


def test_one_slow_first_call():
    assert detect([100_000_000, *steady("quiet", 0)]) == 1


def test_a_decay_is_cut_where_it_drowns_in_the_noise():
    decay = 1.0 + 4.0 * np.exp(-np.arange(200) / 10.0)
    latencies = np.rint(np.array(steady("quiet", 1, 200)) * decay).astype(int).tolist()
    assert decay[detect(latencies)] - 1.0 < 0.02


@pytest.mark.parametrize("latencies", [[], [5], [9, 5], [5] * 50, [0] * 50])
def test_nothing_to_detect(latencies):
    assert detect(latencies) == 0


@pytest.mark.parametrize("scenario", CALM)
def test_a_steady_series_settles_quickly(scenario):
    counts = [settling(steady(scenario, seed)) for seed in range(100)]
    assert np.median(counts) <= 14
    assert max(counts) <= 40


@pytest.mark.parametrize(("height", "decay"), [(4, 3), (4, 10), (4, 50), (1, 20)])
@pytest.mark.parametrize("scenario", ["quiet", "pareto_5"])
def test_does_not_settle_while_falling(scenario, height, decay):
    for seed in range(10):
        excess = height * np.exp(-np.arange(700) / decay)
        latencies = np.rint(np.array(steady(scenario, seed, 700)) * (1.0 + excess)).astype(int).tolist()
        assert excess[settling(latencies)] < 0.05


def test_a_steady_fall_never_settles():
    latencies = np.rint(1e9 * 0.99 ** np.arange(500)).astype(int).tolist()
    assert not any(settled(latencies[:count]) for count in range(1, 501))


def test_one_slow_first_call_does_not_hold_it_up():
    assert settling([1_000_000_000, *([1_000_000] * 30)]) == 12


def test_rising_latencies_are_no_warm_up():
    assert settled([1_000_000 + 10_000 * index for index in range(20)])


def test_settled_is_quick():
    latencies = steady("pareto_10", 0, 2000)
    start = time.process_time()
    for _ in range(20):
        settled(latencies)
    assert (time.process_time() - start) / 20 < 0.001


def test_a_worker_loads_nothing_but_numpy():
    code = (
        "import sys; from inferspeed_magic.measurement.warm_up import detect, settled; "
        "print([name for name in sys.modules if name.startswith(('scipy', 'inferspeed_magic.records'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
