"""What is made of OpenVINO's counters, which show the mean of all inferences in whole microseconds."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from inferspeed_magic.runtimes.openvino import ProfiledOpenVinoSession

RUNS = 200


class Counters:
    """An infer request whose operator takes the given microseconds; counts as the CPU plugin does."""

    def __init__(self, times_us):
        self.times_us = list(times_us)
        self.sum_us = self.count = 0

    def infer(self, inputs, *, share_inputs):
        self.sum_us += int(self.times_us[self.count])
        self.count += 1
        return {}

    @property
    def profiling_info(self):
        mean_us = self.sum_us // self.count
        status = SimpleNamespace(name="EXECUTED" if mean_us else "NOT_RUN")
        took = timedelta(microseconds=mean_us)
        return [SimpleNamespace(node_name="dense/MatMul", node_type="MatMul", real_time=took, status=status)]


class Model:
    """A graph of nothing."""

    def get_ordered_ops(self):
        return []

    get_ops = get_ordered_ops


def taken_us(times_us):
    request = Counters(times_us)
    compiled = SimpleNamespace(create_infer_request=lambda: request, inputs=[], outputs=[], get_runtime_model=Model)
    session = ProfiledOpenVinoSession(compiled, Model())
    for _ in times_us:
        session.run([])
    (operator,) = session.operators()
    assert len(operator.latencies_ns) == len(times_us)
    return np.array(operator.latencies_ns) / 1000.0


@pytest.mark.parametrize("level_us", [0.4, 1.6, 12.3, 57.8, 2500.2])
@pytest.mark.parametrize("first_us", [3, 9000])
def test_a_steady_operator_takes_what_it_takes(level_us, first_us):
    draw = np.random.default_rng(0)
    times = np.maximum(0.0, draw.normal(level_us, 0.02 * level_us, RUNS))
    times[0] = first_us
    assert np.median(taken_us(times)) == pytest.approx(level_us, rel=0.03, abs=0.8)


def test_a_change_is_seen():
    times = [5000.0] + 99 * [50.0] + 100 * [90.0]
    found = taken_us(times)
    assert np.median(found[20:90]) == pytest.approx(50, abs=3)
    assert np.median(found[150:]) == pytest.approx(90, abs=3)


def test_one_disturbance_leaves_the_median_alone():
    times = np.full(RUNS, 20.0)
    times[100] = 4000.0
    assert np.median(taken_us(times)) == pytest.approx(20, abs=2.6)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_inferences_are_enough(count):
    assert taken_us([300.0] * count) == pytest.approx([300.5] * count, abs=2.5)
