"""The machine that a run was measured on, described so that a reader can judge the numbers."""

from __future__ import annotations

import platform
from importlib import metadata

import psutil

from inferspeed_magic.measurement.allotment import cores_given, cpu_quota, cpus_allowed, memory_mb
from inferspeed_magic.measurement.cpu import architecture
from inferspeed_magic.measurement.cpu_elsewhere import read_cpu_elsewhere
from inferspeed_magic.measurement.cpu_linux import read_linux_cpu
from inferspeed_magic.measurement.disturbances import disturbances
from inferspeed_magic.measurement.gpu import gpus
from inferspeed_magic.measurement.virtualization import hypervisor_name
from inferspeed_magic.records.machine import Machine

LIBRARIES = (
    "tensorflow",
    "keras",
    "tf_keras",
    "onnxruntime",
    "onnx",
    "tf2onnx",
    "ai-edge-litert",
    "openvino",
    "numpy",
    "ipython",
    "ipywidgets",
)


def describe() -> Machine:
    """Describe this machine and what could disturb timing on it right now.

    Takes about a sixth of a second on Linux, most of it a sample of the load; a slow NVIDIA driver, and the first call
    on Windows, take longer.
    """
    cpu = read_linux_cpu() or read_cpu_elsewhere()
    cpus = cpus_allowed()
    hypervisor = hypervisor_name(flagged=cpu.hypervisor)
    return Machine(
        cpu=cpu.name,
        architecture=architecture(),
        cores_given=cores_given(len(cpus), cpu_quota()),
        cores_total=psutil.cpu_count() or len(cpus),
        memory_mb=memory_mb(),
        instruction_sets=cpu.present,
        instruction_sets_missing=cpu.missing,
        cache_kb=cpu.cache_kb,
        gpus=gpus(cpu.name, virtual=hypervisor is not None),
        operating_system=operating_system(),
        python=platform.python_version(),
        virtualized=hypervisor,
        disturbances=disturbances(cpus, virtual=hypervisor is not None),
        library_versions=library_versions(),
    )


def operating_system() -> str:
    """Name the system as its maker does, and its kernel."""
    kernel = f"{platform.system()} {platform.release()}"
    if platform.system() == "Darwin":
        return f"macOS {platform.mac_ver()[0]}, {kernel}"
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {kernel}"
    except (OSError, KeyError):
        return platform.platform() if platform.system() == "Windows" else kernel


def library_versions() -> dict[str, str]:
    """Return the versions of the installed libraries that take part, without importing any of them."""
    versions = {}
    for library in LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return versions
