"""The machine as a whole."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from inferspeed_magic.measurement import gpu, machine
from inferspeed_magic.measurement.gpu import gpus, parse_nvidia_smi
from inferspeed_magic.measurement.virtualization import hypervisor_name
from inferspeed_magic.records.machine import Gpu

DMI = "sys/class/dmi/id"
CLOCKS = "sys/devices/system/clocksource/clocksource0/available_clocksource"


def test_describe_tells_the_truth_about_this_machine():
    here = machine.describe()
    assert here.cpu
    assert 1 <= here.cores_given <= here.cores_total
    assert here.memory_mb > 0
    assert not set(here.instruction_sets) & set(here.instruction_sets_missing)
    assert here.library_versions["numpy"]
    assert all(sentence.endswith(".") for sentence in here.disturbances)


@pytest.mark.skipif(sys.platform != "linux", reason="py-cpuinfo and sysctl take their time elsewhere")
def test_describe_is_quick(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)  # an NVIDIA driver may take seconds to wake up
    spent = []
    for _ in range(3):
        begin = time.perf_counter()
        machine.describe()
        spent.append(time.perf_counter() - begin)
    assert min(spent) < 0.5  # a sixth of a second where nobody else works; py-cpuinfo alone would take more than one


@pytest.mark.parametrize("system", ["Darwin", "Windows", "Linux"])
def test_the_operating_system_has_a_name_everywhere(monkeypatch, system):
    monkeypatch.setattr("platform.system", lambda: system)
    assert machine.operating_system()


def test_no_library_is_imported():
    heavy = ("tensorflow", "onnxruntime", "openvino", "pandas", "scipy", "cpuinfo")
    code = (
        "import sys; import inferspeed_magic.panel.machine; from inferspeed_magic.measurement import load, machine;"
        f"machine.describe(); print([name for name in {heavy} if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


@pytest.mark.parametrize(
    ("flagged", "files", "name"),
    [
        (True, {f"{DMI}/sys_vendor": "QEMU\n"}, "QEMU"),
        (True, {f"{DMI}/sys_vendor": "Microsoft Corporation", f"{DMI}/product_name": "Virtual Machine"}, "Hyper-V"),
        (True, {f"{DMI}/sys_vendor": "Microsoft Corporation", f"{DMI}/product_name": "Surface"}, "unknown hypervisor"),
        (True, {"proc/sys/kernel/osrelease": "5.15.90-microsoft-standard-WSL2"}, "Hyper-V (WSL)"),
        (True, {"sys/hypervisor/type": "xen\n"}, "Xen"),
        (True, {CLOCKS: "tsc kvm-clock \n"}, "KVM"),
        (True, {}, "unknown hypervisor"),
        (False, {f"{DMI}/sys_vendor": "Amazon EC2"}, None),
        (None, {f"{DMI}/sys_vendor": "Amazon EC2", f"{DMI}/product_name": "c7g.metal"}, None),
        (None, {f"{DMI}/sys_vendor": "Amazon EC2", f"{DMI}/product_name": "c7g.large"}, "Amazon EC2"),
        (None, {"proc/device-tree/hypervisor/compatible": "linux,kvm\0"}, "KVM"),
        (None, {}, None),
    ],
)
def test_the_hypervisor(tmp_path, flagged, files, name):
    for path, text in files.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert hypervisor_name(flagged=flagged, root=tmp_path) == name


def test_gpus_that_nvidia_smi_lists():
    text = "NVIDIA H100 80GB HBM3, 81559, 550.54.15\nNVIDIA GH200, odd, name, [N/A], 560.1\n\n"
    assert parse_nvidia_smi(text) == (
        Gpu("NVIDIA H100 80GB HBM3", 81559.0, "550.54.15"),
        Gpu("NVIDIA GH200, odd, name", 0.0, "560.1"),
    )


@pytest.mark.parametrize("script", ["exit 9", "sleep 30", "echo NVIDIA T4, 15360, 550.1"])
def test_nvidia_smi_never_stops_us(monkeypatch, tmp_path, script):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\nexec {script}\n" if script.startswith("sleep") else f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(gpu, "TIMEOUT_S", 0.5)
    monkeypatch.setattr("shutil.which", lambda name: str(program))
    monkeypatch.setattr("platform.system", lambda: "Linux")
    expected = (Gpu("NVIDIA T4", 15360.0, "550.1"),) if script.startswith("echo") else ()
    assert gpus("any", virtual=False) == expected


def test_the_gpu_of_a_mac(monkeypatch):
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert [found.name for found in gpus("Apple M3 Pro", virtual=False)] == ["Apple GPU"]
    assert gpus("Apple M3 Pro", virtual=True) == ()
    assert gpus("Intel(R) Core(TM) i7", virtual=False) == ()
