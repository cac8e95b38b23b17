"""The load of the machine, from invented readings and from a process that is really busy."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from inferspeed_magic.measurement.load import LoadMeter, Reading, Spent, other_cores

ME, CHILD, NEW = (1, 0.0), (2, 0.0), (3, 0.0)


def reading(at_s, busy_s, ours, steal_s=0.0):
    return Reading(at_s, busy_s, steal_s, total_s=100 + 4 * at_s, ours=ours)


def test_what_we_spend_is_not_the_load_of_others():
    before = reading(0, 10, {ME: Spent(5, 0), CHILD: Spent(1, 0)})
    after = reading(2, 15, {ME: Spent(6, 0), CHILD: Spent(2, 0), NEW: Spent(1, 0)})
    assert other_cores(before, after) == pytest.approx((5 - 3) / 2)


def test_steal_counts_as_others():
    assert other_cores(reading(0, 0, {}), reading(2, 1, {}, steal_s=3)) == pytest.approx(2)


def test_a_buried_child_counts_for_the_interval_only():
    before = reading(0, 10, {ME: Spent(5, 0), CHILD: Spent(30, 0)})
    after = reading(2, 12, {ME: Spent(5, 31.5)})
    assert other_cores(before, after) == pytest.approx((2 - 1.5) / 2)


def test_a_child_that_came_and_went_counts_as_ours():
    assert other_cores(reading(0, 10, {ME: Spent(5, 0)}), reading(2, 12, {ME: Spent(5, 2)})) == pytest.approx(0)


def test_a_dead_child_that_the_system_does_not_bury_takes_nothing_off():
    before = reading(0, 10, {ME: Spent(5, 0), CHILD: Spent(30, 0)})
    assert other_cores(before, reading(2, 12, {ME: Spent(6, 0)})) == pytest.approx(0.5)


def test_ticks_that_do_not_agree_never_give_less_than_nothing():
    assert other_cores(reading(0, 10, {ME: Spent(5, 0)}), reading(1, 10.9, {ME: Spent(6, 0)})) == 0


def test_a_system_that_does_not_count_is_unknown():
    still = Reading(0, 0, 0, 0, {})
    assert other_cores(still, Reading(1, 0, 0, 0, {})) is None
    assert other_cores(reading(0, 0, {}), reading(0, 0, {})) is None


def test_unknown_without_a_beginning_or_without_the_kernels_numbers(monkeypatch):
    meter = LoadMeter()
    assert meter.stop() is None
    meter.start()

    def forbidden():
        raise PermissionError

    monkeypatch.setattr(psutil, "cpu_times", forbidden)
    assert meter.stop() is None


@pytest.fixture
def bystander():
    """Give a process that only sleeps: to a meter that counts it as ours, all of this test is somebody else's."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process.pid
        process.kill()


def measured_with(work, *owners):
    # All at once, so that whatever else runs on this machine weighs the same in each.
    meters = [LoadMeter(owner) for owner in owners]
    begin = time.monotonic()
    for meter in meters:
        meter.start()
    work()
    loads = [meter.stop() for meter in meters]
    return [load for load in loads if load is not None], time.monotonic() - begin


def test_a_busy_child_is_ours_or_a_stranger(bystander):
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as child:
        busy = psutil.Process(child.pid)
        spent = -busy.cpu_times().user
        (as_ours, as_strangers), elapsed = measured_with(lambda: time.sleep(0.7), None, [bystander])
        spent += busy.cpu_times().user
        child.kill()
    # About 1 on an idle machine; the child gets less where others compete for the cores, and then less is right.
    cores = spent / elapsed
    assert as_strangers > as_ours
    assert as_strangers - as_ours == pytest.approx(cores, rel=0.4, abs=0.1)


def test_a_child_that_dies_in_between_stays_ours(bystander):
    code = "import time\nwhile time.process_time() < 0.5: pass"

    with subprocess.Popen([sys.executable, "-c", code]) as child:
        (as_ours, as_strangers), elapsed = measured_with(child.wait, None, [bystander])
    assert (as_strangers - as_ours) * elapsed > 0.25
