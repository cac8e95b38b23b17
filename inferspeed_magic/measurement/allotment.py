"""The part of the machine that this process was given: CPUs, CPU quota, memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from inferspeed_magic.measurement.system_files import ROOT, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BYTES_PER_MB = 2**20


@dataclass(frozen=True)
class Throttling:
    """How often the kernel stopped this control group for having used up its CPU quota, since the group began."""

    periods: int
    throttled: int


def cpus_allowed() -> tuple[int, ...]:
    """Return the numbers of the logical CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(psutil.cpu_count() or 1))


def cores_given(allowed: int, quota: float | None) -> int:
    """Return how many cores to count on.

    A quota of 1.5 cores counts as one: a second thread would be stopped halfway through every period.
    """
    return allowed if quota is None else max(1, min(allowed, int(quota)))


def cpu_quota(root: Path = ROOT) -> float | None:
    """Return the least CPU quota of the control groups that this process is in, in cores; None without one."""
    quotas = []
    for folder in _folders(root, "cpu"):
        if whole := read(folder / "cpu.max"):
            quota, _, period = whole.partition(" ")
        else:
            quota, period = read(folder / "cpu.cfs_quota_us") or "", read(folder / "cpu.cfs_period_us") or ""
        if quota.isdigit() and period.isdigit() and int(period):  # "max" and "-1" mean no quota
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def memory_mb(root: Path = ROOT) -> float:
    """Return the memory that this process may use: the machine's, or the least limit of its control groups."""
    limits = [float(psutil.virtual_memory().total)]
    for folder in _folders(root, "memory"):
        limit = read(folder / "memory.max") or read(folder / "memory.limit_in_bytes") or ""
        if limit.isdigit():
            limits.append(float(limit))
    return min(limits) / BYTES_PER_MB


def throttling(root: Path = ROOT) -> Throttling | None:
    """Return the throttling of the innermost control group that counts it."""
    for folder in _folders(root, "cpu"):
        pairs = (line.split() for line in (read(folder / "cpu.stat") or "").splitlines())
        counts = {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}  # noqa: PLR2004 - key and value
        if "nr_throttled" in counts:
            return Throttling(counts.get("nr_periods", 0), counts["nr_throttled"])
    return None


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """Yield this process's control groups for a controller, innermost first, in version 2 and version 1 hierarchies.

    A container sees its own group mounted as the root while ``/proc/self/cgroup`` may name the path outside it:
    folders that do not exist cost nothing, since their files read as None.
    """
    paths = {}
    for line in (read(root / "proc/self/cgroup") or "").splitlines():
        _, _, group_line = line.partition(":")
        controllers, _, path = group_line.partition(":")
        paths.update(dict.fromkeys(controllers.split(","), path))
    for line in (read(root / "proc/self/mountinfo") or "").splitlines():
        mount, _, source = line.partition(" - ")
        fields, kind = mount.split(), source.split()
        if len(fields) < 5 or not kind:  # noqa: PLR2004 - the fifth is where it is mounted
            continue
        if kind[0] == "cgroup2":
            path = paths.get("", "/")
        elif kind[0] == "cgroup" and controller in kind[-1].split(","):
            path = paths.get(controller, "/")
        else:
            continue
        top = root / fields[4].lstrip("/")
        group = top / path.lstrip("/")
        if ".." in group.parts:  # a group outside this namespace: only the mounted one can be seen
            group = top
        while group != top:
            yield group
            group = group.parent
        yield top
