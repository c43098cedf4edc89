"""Is there an IOMMU, and does it isolate every device?

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding

__all__ = ["check", "how_to_turn_on"]

_FIRMWARE: Final = {
    "Intel": ("DMAR", "VT-d"),
    "AMD": ("IVRS", "AMD-Vi (often called IOMMU)"),
    "Arm": ("IORT", "the SMMU"),
}
"""CPU to the ACPI table that describes its IOMMU, and its name in firmware setups.

Source: Linux, drivers/iommu/intel/dmar.c, drivers/iommu/amd/init.c and
drivers/acpi/arm64/iort.c.
"""

_DRIVERS: Final = {"Intel": "INTEL_IOMMU", "AMD": "AMD_IOMMU", "Arm": "ARM_SMMU_V3"}
"""CPU to the option of the kernel's configuration.

Source: Linux, drivers/iommu/Kconfig and those below it.
"""

_OFF: Final = ("iommu=off", "intel_iommu=off", "amd_iommu=off")
"""Words that turn the IOMMU off.

Source: Documentation/admin-guide/kernel-parameters.txt.
"""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what is wrong with the IOMMU."""
    if facts.parameters.get("vfio.enable_unsafe_noiommu_mode") == "Y":
        yield Finding(
            id="noiommu-mode",
            severity="warning",
            message="VFIO does without an IOMMU: who has a device can write to all "
            "of the host's memory",
            advice=("echo N > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode",),
        )
    if not facts.iommu_groups:
        yield Finding(
            id="iommu-off",
            severity="problem",
            message="no device has an IOMMU group, so VFIO can isolate none",
            advice=how_to_turn_on(facts),
        )
        return
    alone = [one.device.name for one in facts.wanted if not one.device.iommu_group]
    if alone:
        yield Finding(
            id="iommu-leaves-out",
            severity="warning",
            message="the IOMMU is on and leaves these devices out: VFIO cannot "
            "have them",
            devices=tuple(alone),
        )


def how_to_turn_on(facts: Facts) -> tuple[str, ...]:
    """Return what to do, one line a step, to have an IOMMU after the next boot."""
    steps = []
    if facts.is_guest:
        steps.append("this is a virtual machine: its host must give it a virtual IOMMU")
    table, name = _FIRMWARE.get(facts.cpu, ("", "VT-d, AMD-Vi or the SMMU"))
    if facts.firmware_tables and table and table not in facts.firmware_tables:
        steps.append(
            f"turn on {name} in the firmware setup: there is no ACPI table {table}"
        )
    elif not facts.firmware_tables:
        steps.append(f"turn on {name} in the firmware setup")
    option = _DRIVERS.get(facts.cpu)
    if option and facts.config and not facts.config.is_on(option):
        steps.append(
            f"boot a kernel with CONFIG_{option}=y: {facts.config.path} has it not"
        )
    steps.extend(_command_line_steps(facts))
    return tuple(steps)


def _command_line_steps(facts: Facts) -> Iterator[str]:
    unwanted = [word for word in _OFF if word in facts.command_line]
    if unwanted:
        yield f"take {' and '.join(unwanted)} from the kernel command line, and reboot"
    if facts.cpu == "Intel" and "intel_iommu=on" not in facts.command_line:
        yield (
            "add intel_iommu=on to the kernel command line (with GRUB: to "
            "GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub or "
            "grub2-mkconfig -o /boot/grub2/grub.cfg), and reboot"
        )
