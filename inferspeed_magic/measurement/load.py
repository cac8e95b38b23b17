"""How much of the machine others used while we measured."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# A process is its number and its start: numbers are used again.
Identity = tuple[int, float]


@dataclass(frozen=True)
class Spent:
    """CPU seconds of one process, and of those of its children that it has buried."""

    own_s: float
    buried_s: float


@dataclass(frozen=True)
class Reading:
    """The machine's CPU seconds at one moment.

    Attributes:
        at_s: when, on a clock that only runs forward.
        busy_s: CPU time of all processes since the machine started.
        steal_s: time that the hypervisor gave to other guests.
        total_s: all CPU time, idle time included; that it advances shows that the system counts at all.
        ours: what each of our processes has spent.

    """

    at_s: float
    busy_s: float
    steal_s: float
    total_s: float
    ours: Mapping[Identity, Spent]


class LoadMeter:
    """Measures how many cores the processes of others kept busy over an interval, the hypervisor's steal included.

    The kernel counts in hundredths of a second, per core: over 100 ms the answer is good to about a tenth of a core,
    over a second to a hundredth.
    """

    def __init__(self, own: Iterable[int] | None = None) -> None:
        """Count as ours the processes of these numbers and all that descend from them; by default this process."""
        self._roots = (os.getpid(),) if own is None else tuple(own)
        self._processes: dict[Identity, psutil.Process] = {}
        self._before: Reading | None = None

    def start(self) -> None:
        """Begin an interval."""
        self._processes = {}
        self._before = self._read()

    def stop(self) -> float | None:
        """End the interval; return the mean number of cores that others kept busy, or None where it is unknown."""
        before, self._before = self._before, None
        after = self._read()
        return None if before is None or after is None else other_cores(before, after)

    def _read(self) -> Reading | None:
        # Processes known from before stay ours when their parent dies and they pass to another.
        for root in self._roots:
            self._processes |= _family(root)
        try:
            ours = {identity: spent for identity, one in self._processes.items() if (spent := _spent(one))}
            times: Any = psutil.cpu_times()
        except (OSError, psutil.Error, RuntimeError, ValueError):
            return None
        # Guest time is part of user time on Linux, interrupts are part of system time on Windows, and waiting for a
        # disk is no work.
        kinds = ("user", "nice", "system", "irq", "softirq")
        busy = sum(getattr(times, kind, 0.0) for kind in kinds)
        steal = getattr(times, "steal", 0.0)
        waiting = times.idle + getattr(times, "iowait", 0.0)
        return Reading(time.monotonic(), busy, steal, busy + steal + waiting, ours)


def other_cores(before: Reading, after: Reading) -> float | None:
    """Return the mean number of cores that others kept busy between two readings.

    A child that died in between lives on in the time its parent has buried, which then holds its whole life: what the
    child had spent before the interval is taken off again. Where the system keeps no such time (macOS, Windows), the
    last moments of a dead child are lost and count as another's.
    """
    elapsed = after.at_s - before.at_s
    if elapsed <= 0 or after.total_s <= before.total_s:
        return None
    nothing = Spent(0.0, 0.0)
    ours = buried = 0.0
    for identity, spent in after.ours.items():
        ours += spent.own_s - before.ours.get(identity, nothing).own_s
        buried += spent.buried_s - before.ours.get(identity, nothing).buried_s
    dead = [spent.own_s + spent.buried_s for identity, spent in before.ours.items() if identity not in after.ours]
    ours += max(0.0, buried - sum(dead))
    others = (after.busy_s - before.busy_s) - ours + (after.steal_s - before.steal_s)
    return max(0.0, others / elapsed)


def _family(root: int) -> dict[Identity, psutil.Process]:
    try:
        parent = psutil.Process(root)
        members = [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return {}
    known = {}
    for member in members:
        try:
            known[member.pid, member.create_time()] = member
        except psutil.Error:  # died while we were looking
            continue
    return known


def _spent(process: psutil.Process) -> Spent | None:
    try:
        if not process.is_running():  # its number may belong to another by now
            return None
        times: Any = process.cpu_times()
    except psutil.Error:
        return None
    return Spent(times.user + times.system, times.children_user + times.children_system)
