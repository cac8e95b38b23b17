"""Whether this machine is a virtual one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferspeed_magic.measurement.system_files import ROOT, read

if TYPE_CHECKING:
    from pathlib import Path

# What firmware says of itself, in small letters: the name to show. The first that fits counts.
FIRMWARE = {
    "vmware": "VMware",
    "virtualbox": "VirtualBox",
    "innotek": "VirtualBox",
    "parallels": "Parallels",
    "apple virtualization": "Apple Virtualization",
    "microsoft corporation virtual machine": "Hyper-V",
    "amazon ec2": "Amazon EC2",
    "google compute engine": "Google Compute Engine",
    "alibaba cloud": "Alibaba Cloud",
    "digitalocean": "DigitalOcean",
    "openstack": "OpenStack",
    "xen": "Xen",
    "bochs": "Bochs",
    "qemu": "QEMU",
    "kvm": "KVM",
}

# Clocks that only a guest has.
CLOCKS = {"kvm-clock": "KVM", "hyperv": "Hyper-V", "xen": "Xen"}


def hypervisor_name(*, flagged: bool | None, root: Path = ROOT) -> str | None:
    """Name the hypervisor, or return None on bare metal and where it cannot be told.

    Args:
        flagged: whether the processor says that it runs under a hypervisor; None where it does not say (ARM), in which
            case only the firmware can tell.
        root: root of the file system.

    """
    if flagged is False:
        return None
    name = _by_firmware(root) or _by_kernel(root)
    return name or ("unknown hypervisor" if flagged else None)


def _by_firmware(root: Path) -> str | None:
    dmi = [read(root / "sys/class/dmi/id" / name) or "" for name in ("sys_vendor", "product_name", "bios_vendor")]
    firmware = " ".join(dmi).lower()
    if ".metal" in firmware:  # clouds put their name into the firmware of rented bare metal too
        return None
    return next((name for words, name in FIRMWARE.items() if words in firmware), None)


def _by_kernel(root: Path) -> str | None:
    if "microsoft" in (read(root / "proc/sys/kernel/osrelease") or "").lower():
        return "Hyper-V (WSL)"
    if kind := read(root / "sys/hypervisor/type") or read(root / "proc/device-tree/hypervisor/compatible"):
        return {"xen": "Xen", "linux,kvm": "KVM"}.get(kind, kind)
    clocks = read(root / "sys/devices/system/clocksource/clocksource0/available_clocksource") or ""
    return next((name for words, name in CLOCKS.items() if words in clocks), None)
