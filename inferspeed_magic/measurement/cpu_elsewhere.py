"""The processor as macOS and Windows tell it."""

from __future__ import annotations

import functools
import platform
import subprocess

from inferspeed_magic.measurement.cpu import X86_SETS, Cpu, architecture, sorted_out

# macOS answers for each of these with 0 or 1, or not at all.
MAC_KEYS = {
    "AVX2": "hw.optional.avx2_0",
    "FMA": "hw.optional.fma",
    "AVX-512": "hw.optional.avx512f",
    "AVX-512 VNNI": "hw.optional.avx512vnni",
    "NEON": "hw.optional.AdvSIMD",
    "dotprod": "hw.optional.arm.FEAT_DotProd",
    "i8mm": "hw.optional.arm.FEAT_I8MM",
    "BF16": "hw.optional.arm.FEAT_BF16",
}
MAC_CACHES = {"L1d": "hw.l1dcachesize", "L2": "hw.l2cachesize", "L3": "hw.l3cachesize"}

# py-cpuinfo asks the processor about these; of the others its silence says nothing.
KNOWN_TO_PY_CPUINFO = ("AVX2", "FMA", "AVX-512", "AVX-512 VNNI")


def read_cpu_elsewhere() -> Cpu:
    """Describe the processor by the quickest means that the system has."""
    return parse_sysctl(_sysctl()) if platform.system() == "Darwin" else _by_py_cpuinfo()


def parse_sysctl(text: str) -> Cpu:
    """Read the output of macOS's ``sysctl hw machdep.cpu kern.hv_vmm_present``."""
    values = {key: value.strip() for key, colon, value in (line.partition(":") for line in text.splitlines()) if colon}
    caches = {level: values.get(key, "") for level, key in MAC_CACHES.items()}
    return Cpu(
        name=values.get("machdep.cpu.brand_string") or platform.processor() or "unknown",
        present=tuple(name for name, key in MAC_KEYS.items() if values.get(key) == "1"),
        missing=tuple(name for name, key in MAC_KEYS.items() if values.get(key) == "0"),
        cache_kb={level: int(size) / 1024 for level, size in caches.items() if size.isdigit() and int(size)},
        hypervisor={"0": False, "1": True}.get(values.get("kern.hv_vmm_present", "")),
    )


def _sysctl() -> str:
    try:
        return subprocess.run(
            ["/usr/sbin/sysctl", "hw", "machdep.cpu", "kern.hv_vmm_present"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,  # one unknown name makes the status 1, and the other answers still count
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


@functools.cache  # it takes more than a second, and no processor changes under a running process
def _by_py_cpuinfo() -> Cpu:
    import cpuinfo

    try:
        known = cpuinfo.get_cpu_info()
    except Exception:  # noqa: BLE001 - py-cpuinfo raises bare Exceptions where it does not know the architecture
        known = {}
    name = known.get("brand_raw") or platform.processor() or "unknown"
    if architecture() != "x86_64" or "flags" not in known:
        return Cpu(name)
    flags = {flag.replace("_", "") for flag in known["flags"]}
    sets = {name: X86_SETS[name].replace("_", "") for name in KNOWN_TO_PY_CPUINFO}
    present, missing = sorted_out(sets, flags)
    caches = {"L2": known.get("l2_cache_size"), "L3": known.get("l3_cache_size")}
    # Some systems answer with text such as "1.5 MB"; only numbers (bytes) are beyond doubt.
    return Cpu(name, present, missing, {level: size / 1024 for level, size in caches.items() if isinstance(size, int)})
