"""Does the 95% interval of the median hold the true median? Simulated, seeded: the shares below are exact repeats."""

import pytest

from inferspeed_magic.diagnosis import median_interval
from inferspeed_magic.diagnosis.simulation import simulate

RUNS = 300
CASES = [
    # scenario, rounds, latencies per block, processes
    ("quiet", 20, 30, 1),
    ("lognormal", 20, 30, 1),
    ("lognormal", 20, 1, 1),
    ("pareto_5", 20, 30, 1),
    ("pareto_10", 20, 30, 1),
    ("pareto_10", 20, 1, 1),
    ("bimodal", 20, 30, 1),
    ("ar_3", 20, 30, 1),
    ("ar_5", 20, 30, 1),
    ("ar_7", 20, 30, 1),
    ("linear_drift", 20, 30, 1),
    ("process_1", 20, 30, 2),
    ("process_2", 20, 30, 2),
    ("everything", 20, 30, 2),
    ("lognormal", 5, 1, 1),
    ("pareto_10", 6, 1, 1),
    ("ar_5", 8, 1, 1),
    ("linear_drift", 8, 1, 1),
]


@pytest.mark.parametrize(("scenario", "rounds", "per_block", "processes"), CASES)
def test_coverage(scenario, rounds, per_block, processes):
    intervals = [median_interval(simulate(scenario, rounds, per_block, 1.0, processes, seed)) for seed in range(RUNS)]
    covered = sum(interval.low <= 1.0 <= interval.high for interval in intervals)
    assert covered / RUNS >= 0.93
    assert all(interval.low <= interval.value <= interval.high for interval in intervals)
