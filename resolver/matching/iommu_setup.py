"""How to turn on the IOMMU of a machine.

Pure: facts about the machine in, steps out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = [
    "DRIVER_OPTIONS",
    "Machine",
    "cpu_vendor",
    "is_virtual",
    "setup_steps",
]

_ARM = "CPU implementer"

_FIRMWARE: Final = {
    "Intel": ("DMAR", "VT-d"),
    "AMD": ("IVRS", "AMD-Vi (often called IOMMU)"),
    "Arm": ("IORT", "the SMMU"),
}
"""CPU vendor to the ACPI table of its IOMMU, and its name in firmware setups.

Source: Linux, drivers/iommu/intel/dmar.c, drivers/iommu/amd/init.c and
drivers/acpi/arm64/iort.c.
"""

DRIVER_OPTIONS: Final = {
    "Intel": "INTEL_IOMMU",
    "AMD": "AMD_IOMMU",
    "Arm": "ARM_SMMU_V3",
}
"""CPU vendor to the kernel configuration option of its IOMMU driver.

Source: Linux, drivers/iommu/Kconfig and the files that it includes.
"""

_OFF: Final = ("iommu=off", "intel_iommu=off", "amd_iommu=off")
"""Kernel parameters that turn the IOMMU off.

Source: Documentation/admin-guide/kernel-parameters.txt.
"""


class Machine(NamedTuple):
    """The facts about a machine that its IOMMU depends on."""

    cpu: str = ""
    """``Intel``, ``AMD``, ``Arm``, or empty for another or unknown vendor."""
    is_guest: bool = False
    """The machine is a virtual machine."""
    command_line: tuple[str, ...] = ()
    """Words of the kernel command line."""
    firmware_tables: frozenset[str] = frozenset()
    """Names of the ACPI tables; empty if unknown."""


def setup_steps(machine: Machine, unconfigured: str = "") -> tuple[str, ...]:
    """Return the steps that turn the IOMMU on at the next boot.

    :param unconfigured: kernel configuration file in which the IOMMU driver of the
        CPU is off; empty if the driver is on or the configuration is unknown.
    """
    return tuple(_steps(machine, unconfigured))


def _steps(machine: Machine, unconfigured: str) -> Iterator[str]:
    if machine.is_guest:
        yield (
            "add a virtual IOMMU to this virtual machine on its host, or do without "
            "isolation: add 'options vfio enable_unsafe_noiommu_mode=1' to "
            "/etc/modprobe.d"
        )
        return
    tables = machine.firmware_tables
    table, name = _FIRMWARE.get(machine.cpu, ("", "VT-d, AMD-Vi or the SMMU"))
    if tables and table and table not in tables:
        yield f"turn on {name} in the firmware setup (ACPI table {table} is missing)"
    elif not tables:
        yield f"turn on {name} in the firmware setup"
    if unconfigured:
        option = DRIVER_OPTIONS[machine.cpu]
        yield f"boot a kernel with CONFIG_{option}=y (not set in {unconfigured})"
    unwanted = [word for word in _OFF if word in machine.command_line]
    if unwanted:
        words = " and ".join(unwanted)
        yield f"remove {words} from the kernel command line, and reboot"
    if not machine.cpu:
        yield "on Intel also add intel_iommu=on to the kernel command line, and reboot"
    if machine.cpu == "Intel" and "intel_iommu=on" not in machine.command_line:
        yield (
            "add intel_iommu=on to the kernel command line (with GRUB: to "
            "GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub or "
            "grub2-mkconfig -o /boot/grub2/grub.cfg), and reboot"
        )


def cpu_vendor(data: bytes) -> str:
    """Return ``Intel``, ``AMD`` or ``Arm``; empty for any other vendor.

    :param data: content of ``/proc/cpuinfo``.

    Source: Linux, arch/x86/kernel/cpu/: ``c_ident``. Hygon CPUs have AMD's IOMMU.
    """
    text = data.decode("utf-8", "replace")
    names = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD", "HygonGenuine": "AMD"}
    for ident, name in names.items():
        if ident in text:
            return name
    return "Arm" if _ARM in text else ""


def is_virtual(data: bytes) -> bool:
    """Return whether the CPU flags show a hypervisor.

    :param data: content of ``/proc/cpuinfo``.
    """
    for line in data.decode("utf-8", "replace").splitlines():
        if line.startswith("flags"):
            return "hypervisor" in line.split()
    return False
