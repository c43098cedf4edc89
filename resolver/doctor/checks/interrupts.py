"""Check that interrupt remapping isolates devices.

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding

__all__ = ["check"]

_REMAPPING = 1 << 3
_PARAMETER = "vfio_iommu_type1.allow_unsafe_interrupts"


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what is wrong with interrupt remapping.

    Source: Linux, drivers/vfio/vfio_iommu_type1.c, vfio_iommu_type1_attach_group();
    drivers/iommu/intel/iommu.h, ecap_ir_support();
    Documentation/admin-guide/kernel-parameters.txt, ``intremap=``.
    """
    if facts.parameters.get(_PARAMETER) == "Y":
        yield Finding(
            id="unsafe-interrupts",
            severity="warning",
            message="VFIO accepts devices without interrupt remapping: such a device "
            "can send any interrupt to the host",
            advice=(
                "remove allow_unsafe_interrupts from the options of vfio_iommu_type1, "
                "unless the hardware has no interrupt remapping and you trust its "
                "users",
            ),
        )
        return
    why = _why_not_remapped(facts)
    if facts.iommu_groups and why:
        yield Finding(
            id="interrupts-not-remapped",
            severity="problem",
            message=f"{why}: opening a device through VFIO fails with EPERM",
            advice=(
                "turn on interrupt remapping in the firmware setup (on Intel part of "
                "VT-d or x2APIC), and remove nointremap and intremap=off from the "
                "kernel command line",
                "if the hardware has none and you trust every user, add `options "
                "vfio_iommu_type1 allow_unsafe_interrupts=1` to /etc/modprobe.d",
            ),
        )


def _why_not_remapped(facts: Facts) -> str:
    for word in facts.command_line:
        if word in ("nointremap", "intremap=off"):
            return f"{word} on the kernel command line turns interrupt remapping off"
    capable = [one & _REMAPPING for one in facts.iommu_capabilities]
    if capable and not any(capable):
        return "the IOMMU cannot remap interrupts"
    return ""
