"""What could disturb timing on this machine: one honest sentence each, and none where all is known to be quiet.

What cannot be read is said too: silence would pass for "nothing to fear".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from inferspeed_magic.measurement.allotment import BYTES_PER_MB, cpu_quota, throttling
from inferspeed_magic.measurement.neighbours import load, steal
from inferspeed_magic.measurement.system_files import ROOT, numbers, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

CPUS = "sys/devices/system/cpu"
# Share of the swap space in use.
HEAVY_SWAP = 0.5


def disturbances(cpus: Sequence[int], *, virtual: bool, root: Path = ROOT) -> tuple[str, ...]:
    """Look for all that could disturb timing; takes about a sixth of a second, most of it the sample of the load.

    Args:
        cpus: the logical CPUs that this process may use.
        virtual: whether this is a virtual machine.
        root: root of the file system.

    """
    found = (
        *clock(cpus, virtual=virtual, root=root),
        *siblings(cpus, root),
        *quota(len(cpus), root),
        *swap(root),
        *battery(),
        *steal(root),
        *load(len(cpus)),
    )
    return tuple(found)


def clock(cpus: Sequence[int], *, virtual: bool, root: Path = ROOT) -> Iterator[str]:
    """Say what the clock frequency may do."""
    governors = {read(root / CPUS / f"cpu{number}/cpufreq/scaling_governor") for number in cpus}
    boost = _boost(root)
    if None in governors:
        why = " (the host of a virtual machine decides)" if virtual else ""
        what = "The frequency governor" + (" and turbo boost" if boost is None else "")
        yield f"{what} cannot be read here{why}: the clock may change during a run."
    else:
        names = ", ".join(sorted(str(name) for name in governors - {"performance"}))
        if names:
            yield f"The frequency governor is {names}, not performance: the clock may stay low or rise late."
        if boost is None:
            yield "Whether turbo boost is on cannot be read here: the clock may fall as the chip warms up."
    if boost:
        yield "Turbo boost is on: the clock depends on heat and on how many cores work, and early runs may be faster."


def _boost(root: Path) -> bool | None:
    no_turbo = read(root / CPUS / "intel_pstate/no_turbo")
    if no_turbo is not None:
        return no_turbo == "0"
    boost = read(root / CPUS / "cpufreq/boost")
    return None if boost is None else boost == "1"


def siblings(cpus: Sequence[int], root: Path = ROOT) -> Iterator[str]:
    """Say which of the CPUs are two threads of one physical core."""
    cores = {cpu: numbers(read(root / CPUS / f"cpu{cpu}/topology/thread_siblings_list") or str(cpu)) for cpu in cpus}
    physical = len(set(cores.values()))
    if physical < len(cores):
        yield (
            f"The {len(cores)} logical cores given are {physical} physical cores: "
            "two threads on one core (SMT) slow each other."
        )
    strangers = {cpu for core in cores.values() for cpu in core} - set(cpus)
    if strangers:
        yield (
            f"{len(strangers)} logical cores that are not ours share physical cores with ours (SMT): "
            "what runs there slows us."
        )


def quota(cpus: int, root: Path = ROOT) -> Iterator[str]:
    """Say whether the control group limits CPU time, and how often it has."""
    cores = cpu_quota(root)
    if cores is not None and cores < cpus:
        yield (
            f"A quota gives this process {cores:g} cores' time on {cpus} logical cores: "
            "more busy threads than that are stopped until the next period."
        )
    counts = throttling(root)
    if counts is not None and counts.throttled:
        yield (
            f"The kernel has stopped this control group for using up its CPU quota in {counts.throttled} "
            f"of {counts.periods} periods so far."
        )


def swap(root: Path = ROOT) -> Iterator[str]:
    """Say whether much of the swap space is in use."""
    total, used = _swap_bytes(root)
    if total and used / total >= HEAVY_SWAP:
        yield (
            f"{used / BYTES_PER_MB:.0f} of {total / BYTES_PER_MB:.0f} MB of swap are in use: "
            "memory that must be read back from disk makes single runs slow."
        )


def _swap_bytes(root: Path) -> tuple[float, float]:
    # Not psutil on Linux: it warns where /proc/vmstat is incomplete, as in some containers.
    text = read(root / "proc/meminfo")
    if text is None:
        try:
            known = psutil.swap_memory()
        except (OSError, RuntimeError):
            return 0.0, 0.0
        return known.total, known.used
    pairs = (line.split()[:2] for line in text.splitlines())
    sizes = {pair[0]: int(pair[1]) for pair in pairs if pair[1:] and pair[1].isdigit()}
    total, free = (1024.0 * sizes.get(name, 0) for name in ("SwapTotal:", "SwapFree:"))
    return total, total - free


def battery() -> Iterator[str]:
    """Say whether the machine runs on its battery."""
    sensor = getattr(psutil, "sensors_battery", None)  # psutil lacks it on some systems
    try:
        state = sensor() if sensor else None
    except (OSError, RuntimeError, ValueError):
        state = None
    if state is not None and state.power_plugged is False:
        yield "The machine runs on its battery: it may hold the clock down."
