"""The GPUs that a driver reports."""

from __future__ import annotations

import platform
import shutil
import subprocess

from inferspeed_magic.records.machine import Gpu

QUERY = ("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits")
TIMEOUT_S = 5.0


def gpus(cpu: str, *, virtual: bool) -> tuple[Gpu, ...]:
    """List the GPUs.

    Args:
        cpu: the processor's name: every Mac with an Apple processor has its GPU, unless it is a virtual one.
        virtual: whether this is a virtual machine.

    """
    if platform.system() == "Darwin":
        apple = cpu.startswith("Apple") and not virtual
        return (Gpu("Apple GPU", memory_mb=0.0, driver="Metal"),) if apple else ()
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        command = [program, *QUERY]
        reply = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)  # noqa: S603 - all constants
    except (OSError, ValueError, subprocess.SubprocessError):  # no driver, no device, or one that hangs
        return ()
    return parse_nvidia_smi(reply.stdout)


def parse_nvidia_smi(text: str) -> tuple[Gpu, ...]:
    """Read the CSV reply; memory that the driver does not tell (``[N/A]``, shared with the host) counts as 0."""
    found = []
    for line in text.splitlines():
        fields = [part.strip() for part in line.rsplit(",", 2)]
        if len(fields) == len(("name", "memory", "driver")):
            name, memory, driver = fields
            found.append(Gpu(name, float(memory) if memory.replace(".", "", 1).isdigit() else 0.0, driver))
    return tuple(found)
