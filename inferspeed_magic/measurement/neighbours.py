"""What others do on this machine while we measure: other processes, and other guests of its host."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psutil

from inferspeed_magic.measurement.load import LoadMeter
from inferspeed_magic.measurement.system_files import ROOT, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SAMPLE_S = 0.1
# A tick of the kernel's clock on each of two cores in 100 ms is 0.2 cores: less than this is within the error.
NOTABLE_CORES = 0.25
# Time stolen since the machine started, as a share: below it, a short run is unlikely to meet any.
NOTABLE_STEAL = 0.002
# Beyond this many processes, naming the busiest would take longer than the sample itself.
FEW_PROCESSES = 500


def steal(root: Path = ROOT) -> Iterator[str]:
    """Say how much time the hypervisor has given to other guests since the machine started."""
    first = (read(root / "proc/stat") or "").partition("\n")[0].split()
    kinds = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    ticks = {kind: int(field) for kind, field in zip(kinds, first[1:], strict=False)}  # guest time is in user time
    total = sum(ticks.values())
    stolen = ticks.get("steal", 0) / total if total else 0.0
    if stolen >= NOTABLE_STEAL:
        yield f"The hypervisor has given {stolen:.1%} of this machine's CPU time to other guests since it started."


def load(cpus: int, sample_s: float = SAMPLE_S) -> Iterator[str]:
    """Say how many cores others use; this waits for the time of the sample."""
    meter = LoadMeter()
    meter.start()
    time.sleep(sample_s)
    cores = meter.stop()
    if cores is None:
        yield "How busy other processes keep this machine cannot be read here."
    elif cores >= NOTABLE_CORES:
        # Looked for only now: on a quiet machine nobody need be named.
        name = _busiest(sample_s / 2)
        yield (
            f"Other processes, or other guests of the host, used {cores:.1f} cores when this was looked at; "
            f"we may use {cpus}" + (f"; the busiest was {name}." if name else ".")
        )


def _busiest(sample_s: float) -> str | None:
    if len(psutil.pids()) > FEW_PROCESSES:
        return None
    ours = {psutil.Process().pid, *(child.pid for child in psutil.Process().children(recursive=True))}
    before = _seconds_by_process()
    time.sleep(sample_s)
    after = _seconds_by_process()
    gains = {who: spent - before.get(who, 0.0) for who, spent in after.items() if who[0] not in ours}
    busiest = max(gains, key=gains.__getitem__, default=None)
    return f"{busiest[1]} (process {busiest[0]})" if busiest is not None and gains[busiest] > 0 else None


def _seconds_by_process() -> dict[tuple[int, str], float]:
    spent = {}
    for process in psutil.process_iter():
        try:
            times = process.cpu_times()
            spent[process.pid, process.name()] = times.user + times.system
        except psutil.Error:  # gone, or not ours to see
            continue
    return spent
