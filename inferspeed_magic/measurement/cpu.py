"""What is told about a processor, and the instruction sets that matter for inference."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

# Name shown: the kernel's flag.
X86_SETS = {
    "AVX2": "avx2",
    "FMA": "fma",
    "AVX-512": "avx512f",
    "AVX-512 VNNI": "avx512_vnni",
    "AVX-VNNI": "avx_vnni",
    "AVX-512 BF16": "avx512_bf16",
    "AMX-INT8": "amx_int8",
    "AMX-BF16": "amx_bf16",
}
ARM_SETS = {"NEON": "asimd", "dotprod": "asimddp", "i8mm": "i8mm", "BF16": "bf16", "SVE": "sve"}


@dataclass(frozen=True)
class Cpu:
    """What the system tells about its processor.

    Attributes:
        name: the processor's name.
        present: instruction sets that matter for inference and are there.
        missing: those of the same architecture that are known not to be there; where nothing is known, both are empty.
        cache_kb: size by level, as one core sees it.
        hypervisor: whether the processor says that it runs under one; None where it does not say.

    """

    name: str
    present: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    cache_kb: dict[str, float] = field(default_factory=dict)
    hypervisor: bool | None = None


def architecture() -> str:
    """Return one name per architecture, whatever the system calls it."""
    machine = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)


def sorted_out(sets: dict[str, str], flags: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sort instruction sets into those whose flag is there and those whose flag is not."""
    present = tuple(name for name, flag in sets.items() if flag in flags)
    return present, tuple(name for name in sets if name not in present)
