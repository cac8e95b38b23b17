"""The processor as Linux tells it."""

from __future__ import annotations

import dataclasses
import platform
from typing import TYPE_CHECKING

from inferspeed_magic.measurement.cpu import ARM_SETS, X86_SETS, Cpu, sorted_out
from inferspeed_magic.measurement.system_files import ROOT, read

if TYPE_CHECKING:
    from pathlib import Path

# ARM kernels give numbers where x86 kernels give a name: (implementer, part).
ARM_CORES = {
    ("0x41", "0xd03"): "Arm Cortex-A53",
    ("0x41", "0xd08"): "Arm Cortex-A72",
    ("0x41", "0xd0b"): "Arm Cortex-A76",
    ("0x41", "0xd0c"): "Arm Neoverse N1",
    ("0x41", "0xd40"): "Arm Neoverse V1",
    ("0x41", "0xd49"): "Arm Neoverse N2",
    ("0x41", "0xd4f"): "Arm Neoverse V2",
    ("0xc0", "0xac3"): "Ampere-1",
}


def read_linux_cpu(root: Path = ROOT) -> Cpu | None:
    """Describe the processor, or return None where there is no ``/proc/cpuinfo``."""
    text = read(root / "proc/cpuinfo")
    return dataclasses.replace(parse_proc_cpuinfo(text), cache_kb=read_caches(root)) if text else None


def parse_proc_cpuinfo(text: str) -> Cpu:
    """Read the text of Linux's ``/proc/cpuinfo``."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            values.setdefault(key.strip(), value.strip())  # the first core speaks for all
    if "flags" in values:
        flags = set(values["flags"].split())
        present, missing = sorted_out(X86_SETS, flags)
        name = values.get("model name", "unknown x86 processor")
        return Cpu(name, present, missing, hypervisor="hypervisor" in flags)
    if "Features" in values:
        # 32-bit kernels say neon where 64-bit ones say asimd.
        present, missing = sorted_out(ARM_SETS, set(values["Features"].replace("neon", "asimd").split()))
        return Cpu(_arm_name(values), present, missing)
    return Cpu(values.get("model name") or values.get("cpu") or platform.processor() or "unknown")


def read_caches(root: Path = ROOT) -> dict[str, float]:
    """Return the size in KB of each data cache that the first core sees; virtual machines may hide them."""
    sizes: dict[str, float] = {}
    for index in sorted((root / "sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (read(index / name) for name in ("level", "type", "size"))
        if level and size and kind != "Instruction":
            unit = {"K": 1, "M": 1024}.get(size[-1])
            if unit and size[:-1].isdigit():
                sizes[f"L{level}" + ("d" if kind == "Data" else "")] = float(int(size[:-1]) * unit)
    return sizes


def _arm_name(values: dict[str, str]) -> str:
    implementer, part = values.get("CPU implementer", "?"), values.get("CPU part", "?")
    core = ARM_CORES.get((implementer, part), f"ARM implementer {implementer} part {part}")
    board = values.get("Model") or values.get("Hardware")
    return f"{board} ({core})" if board else values.get("model name") or core
