"""Every disturbance that is there is named, and none that is not."""

from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest

from inferspeed_magic.measurement import disturbances as subject
from inferspeed_magic.measurement import neighbours
from inferspeed_magic.measurement.system_files import numbers

CPU = "sys/devices/system/cpu"
QUIET = {
    f"{CPU}/cpu0/cpufreq/scaling_governor": "performance\n",
    f"{CPU}/cpu1/cpufreq/scaling_governor": "performance\n",
    f"{CPU}/intel_pstate/no_turbo": "1\n",
    f"{CPU}/cpu0/topology/thread_siblings_list": "0\n",
    f"{CPU}/cpu1/topology/thread_siblings_list": "1\n",
    "proc/meminfo": "MemTotal: 100 kB\nSwapTotal: 1000 kB\nSwapFree: 990 kB\n",
    "proc/stat": "cpu  500 0 100 9000 0 0 0 0 0 0\ncpu0 1 2 3\n",
}


@pytest.fixture
def calm(monkeypatch):
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None, raising=False)
    monkeypatch.setattr(subject, "load", lambda cpus: iter(()))


@pytest.fixture
def found(calm, tmp_path):
    def look(changes, cpus=(0, 1)):
        for path, text in (QUIET | changes).items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if text is not None:
                file.write_text(text)
        return subject.disturbances(cpus, virtual=False, root=tmp_path)

    return look


def test_a_quiet_machine_has_none(found):
    assert found({}) == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({f"{CPU}/cpu1/cpufreq/scaling_governor": "powersave\n"}, "powersave, not performance"),
        ({f"{CPU}/cpu1/cpufreq/scaling_governor": None}, "governor cannot be read"),
        ({f"{CPU}/intel_pstate/no_turbo": "0\n"}, "Turbo boost is on"),
        ({f"{CPU}/intel_pstate/no_turbo": None, f"{CPU}/cpufreq/boost": "1"}, "Turbo boost is on"),
        ({f"{CPU}/intel_pstate/no_turbo": None}, "Whether turbo boost is on cannot be read"),
        ({f"{CPU}/cpu{n}/topology/thread_siblings_list": "0-1\n" for n in (0, 1)}, "2 logical cores given are 1 phys"),
        ({f"{CPU}/cpu1/topology/thread_siblings_list": "1,33\n"}, "1 logical cores that are not ours"),
        ({"proc/meminfo": "SwapTotal: 2048 kB\nSwapFree: 1024 kB\nOdd:\n"}, "1 of 2 MB of swap"),
        ({"proc/stat": "cpu  500 0 100 9000 0 0 0 400 0 0\n"}, "given 4.0% of this machine's CPU time"),
    ],
)
def test_each_disturbance_has_one_sentence(found, changes, words):
    (sentence,) = found(changes)
    assert words in sentence
    assert sentence.endswith(".")


def test_a_quota_and_its_throttling_are_told(found):
    sentences = found(
        {
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            "sys/fs/cgroup/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/cpu.stat": "nr_periods 40\nnr_throttled 3\n",
        }
    )
    assert "1.5 cores' time on 2 logical cores" in sentences[0]
    assert "in 3 of 40 periods" in sentences[1]


def test_a_machine_that_says_nothing_is_not_called_quiet(calm, tmp_path):
    (sentence,) = subject.clock((0, 1), virtual=True, root=tmp_path)
    assert "governor and turbo boost cannot be read here (the host" in sentence


def test_battery(monkeypatch):
    monkeypatch.setattr(psutil, "sensors_battery", lambda: SimpleNamespace(power_plugged=False), raising=False)
    assert len(list(subject.battery())) == 1
    monkeypatch.delattr(psutil, "sensors_battery")
    assert list(subject.battery()) == []


@pytest.mark.parametrize(
    ("cores", "words"),
    [
        (0.1, None),
        (1.26, "used 1.3 cores when this was looked at; we may use 4; the busiest was hog"),
        (None, "cannot be read"),
    ],
)
def test_load(monkeypatch, cores, words):
    monkeypatch.setattr(neighbours, "LoadMeter", lambda: SimpleNamespace(start=lambda: None, stop=lambda: cores))
    monkeypatch.setattr(neighbours, "_busiest", lambda sample_s: "hog (process 7)")
    sentences = list(neighbours.load(4, sample_s=0.0))
    assert sentences == [] if words is None else words in sentences[0]


def test_many_processes_are_not_searched(monkeypatch):
    monkeypatch.setattr(psutil, "pids", lambda: list(range(neighbours.FEW_PROCESSES + 1)))
    assert neighbours._busiest(0.0) is None


def test_the_kernels_way_of_listing_cpus():
    assert numbers("0-2,8\n") == (0, 1, 2, 8)
    assert numbers("") == ()
