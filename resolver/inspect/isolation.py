"""How a machine comes to have an IOMMU that isolates its devices.

Pure: what the machine says about itself in, what to do out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = [
    "DRIVER_OPTIONS",
    "Machine",
    "cpu_vendor",
    "how_to_turn_on",
    "is_virtual",
]

_ARM = "CPU implementer"

_FIRMWARE: Final = {
    "Intel": ("DMAR", "VT-d"),
    "AMD": ("IVRS", "AMD-Vi (often called IOMMU)"),
    "Arm": ("IORT", "the SMMU"),
}
"""CPU to the ACPI table that describes its IOMMU, and its name in firmware setups.

Source: Linux, drivers/iommu/intel/dmar.c, drivers/iommu/amd/init.c and
drivers/acpi/arm64/iort.c.
"""

DRIVER_OPTIONS: Final = {
    "Intel": "INTEL_IOMMU",
    "AMD": "AMD_IOMMU",
    "Arm": "ARM_SMMU_V3",
}
"""CPU to the option of the kernel's configuration.

Source: Linux, drivers/iommu/Kconfig and those below it.
"""

_OFF: Final = ("iommu=off", "intel_iommu=off", "amd_iommu=off")
"""Words that turn the IOMMU off.

Source: Documentation/admin-guide/kernel-parameters.txt.
"""


class Machine(NamedTuple):
    """What a machine says about itself."""

    cpu: str = ""
    """``Intel``, ``AMD``, ``Arm`` or empty: another one, or unknown."""
    is_guest: bool = False
    """It is a virtual machine."""
    command_line: tuple[str, ...] = ()
    """Words of the kernel's command line."""
    firmware_tables: frozenset[str] = frozenset()
    """Names of the ACPI tables; none: unknown."""


def how_to_turn_on(machine: Machine, unconfigured: str = "") -> tuple[str, ...]:
    """Return what to do, one line a step, to have an IOMMU after the next boot.

    :param unconfigured: file that says that the kernel was built without the driver
        of the CPU's IOMMU; empty: it was not, or nobody knows.
    """
    return tuple(_steps(machine, unconfigured))


def _steps(machine: Machine, unconfigured: str) -> Iterator[str]:
    if machine.is_guest:
        yield "this is a virtual machine: its host must give it a virtual IOMMU"
    tables = machine.firmware_tables
    table, name = _FIRMWARE.get(machine.cpu, ("", "VT-d, AMD-Vi or the SMMU"))
    if tables and table and table not in tables:
        yield f"turn on {name} in the firmware setup: there is no ACPI table {table}"
    elif not tables:
        yield f"turn on {name} in the firmware setup"
    if unconfigured:
        option = DRIVER_OPTIONS[machine.cpu]
        yield f"boot a kernel with CONFIG_{option}=y: {unconfigured} has it not"
    unwanted = [word for word in _OFF if word in machine.command_line]
    if unwanted:
        yield f"take {' and '.join(unwanted)} from the kernel command line, and reboot"
    if not machine.cpu:
        yield "on Intel also add intel_iommu=on to the kernel command line, and reboot"
    if machine.cpu == "Intel" and "intel_iommu=on" not in machine.command_line:
        yield (
            "add intel_iommu=on to the kernel command line (with GRUB: to "
            "GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub or "
            "grub2-mkconfig -o /boot/grub2/grub.cfg), and reboot"
        )


def cpu_vendor(data: bytes) -> str:
    """Return ``Intel``, ``AMD`` or ``Arm``, whose IOMMUs differ; else nothing.

    :param data: content of ``/proc/cpuinfo``.

    Source: Linux, arch/x86/kernel/cpu/: ``c_ident``; Hygon's IOMMU is AMD's.
    """
    text = data.decode("utf-8", "replace")
    names = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD", "HygonGenuine": "AMD"}
    for ident, name in names.items():
        if ident in text:
            return name
    return "Arm" if _ARM in text else ""


def is_virtual(data: bytes) -> bool:
    """Return whether a hypervisor says that it is there.

    :param data: content of ``/proc/cpuinfo``.
    """
    for line in data.decode("utf-8", "replace").splitlines():
        if line.startswith("flags"):
            return "hypervisor" in line.split()
    return False
