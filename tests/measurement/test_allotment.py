"""What part of the machine a control group gives."""

from __future__ import annotations

import psutil
import pytest

from inferspeed_magic.measurement.allotment import Throttling, cores_given, cpu_quota, memory_mb, throttling

V2_MOUNT = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
V1_MOUNTS = (
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)


def machine(root, groups, mounts, files):
    for path, text in {"proc/self/cgroup": groups, "proc/self/mountinfo": mounts, **files}.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_the_tightest_group_on_the_way_up_counts(tmp_path):
    root = machine(
        tmp_path,
        "0::/user/session\n",
        V2_MOUNT,
        {
            "sys/fs/cgroup/user/session/cpu.max": "max 100000\n",
            "sys/fs/cgroup/user/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/user/session/memory.max": "max\n",
            "sys/fs/cgroup/user/memory.max": str(2**30),
            "sys/fs/cgroup/user/session/cpu.stat": "usage_usec 5\nnr_periods 40\nnr_throttled 3\n",
        },
    )
    assert cpu_quota(root) == 1.5
    assert memory_mb(root) == 1024
    assert throttling(root) == Throttling(periods=40, throttled=3)


def test_version_1_in_a_container_that_sees_its_group_as_the_root(tmp_path):
    root = machine(
        tmp_path,
        "4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n",
        V1_MOUNTS,
        {
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": str(2**29),
        },
    )
    assert cpu_quota(root) == 2
    assert memory_mb(root) == 512


def test_no_limits(tmp_path):
    files = {
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    }
    root = machine(tmp_path, "4:memory:/\n1:cpu,cpuacct:/\n", V1_MOUNTS, files)
    assert cpu_quota(root) is None
    assert memory_mb(root) == psutil.virtual_memory().total / 2**20
    assert throttling(root) is None


@pytest.mark.parametrize(("groups", "mounts"), [("", ""), ("0::/../other\n", V2_MOUNT), ("nonsense\n", "short line\n")])
def test_odd_files_are_survived(tmp_path, groups, mounts):
    root = machine(tmp_path, groups, mounts, {})
    assert cpu_quota(root) is None
    assert memory_mb(root) > 0


@pytest.mark.parametrize(
    ("allowed", "quota", "given"), [(8, None, 8), (8, 4.0, 4), (8, 1.5, 1), (8, 0.5, 1), (2, 64.0, 2)]
)
def test_a_broken_core_is_not_counted_on(allowed, quota, given):
    assert cores_given(allowed, quota) == given
