"""Where an optimized model was saved, and what is different where it is loaded."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from inferspeed_magic.measurement.cpu import architecture
from inferspeed_magic.measurement.cpu_linux import read_linux_cpu
from inferspeed_magic.measurement.machine import library_versions, operating_system
from inferspeed_magic.version import __version__

if TYPE_CHECKING:
    from inferspeed_magic.runtimes.base import Runtime


def environment(runtime: Runtime) -> dict[str, Any]:
    """Describe this process and this machine, as far as it costs a few milliseconds; plain JSON.

    Args:
        runtime: that the model runs on.
    """
    cpu = read_linux_cpu()  # elsewhere the instruction sets take a second to find
    return {
        "inferspeed_magic": __version__,
        "python": platform.python_version(),
        "operating_system": operating_system(),
        "architecture": architecture(),
        "cpu": cpu.name if cpu else platform.processor(),
        "instruction_sets": list(cpu.present) if cpu else None,
        "runtime": {"distribution": runtime.distribution, "version": runtime.availability().version},
        "libraries": library_versions(),
    }


def differences(then: dict[str, Any], now: dict[str, Any]) -> tuple[str, ...]:
    """Say in sentences how an environment differs in what decides about speed and numbers.

    Args:
        then: what was noted, by whatever version of us.
        now: what is the case here.
    """
    notes = []
    old, new = _version(then), _version(now)
    if old != new:
        name = now["runtime"]["distribution"]
        notes.append(f"saved with {name} {old}, runs here on {new}: speed and the last digits may differ")
    cpu, sets = (then.get(key) for key in ("cpu", "instruction_sets"))
    here = now["instruction_sets"]
    if cpu != now["cpu"] or then.get("architecture") != now["architecture"]:
        lost = sorted(set(sets) - set(here)) if isinstance(sets, list) and isinstance(here, list) else []
        lacks = f" (without {', '.join(lost)})" if lost else ""
        notes.append(f"saved on {cpu}, runs here on {now['cpu']}{lacks}: measure it here before relying on its speed")
    elif isinstance(sets, list) and isinstance(here, list) and set(sets) != set(here):
        changed = ", ".join(sorted(set(sets) ^ set(here)))
        notes.append(f"the same CPU shows other instruction sets than when it was saved ({changed}): measure it here")
    return tuple(notes)


def _version(environment: dict[str, Any]) -> str:
    runtime = environment.get("runtime")
    return str(runtime.get("version")) if isinstance(runtime, dict) else "an unknown version"
