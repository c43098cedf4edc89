"""Check that an IOMMU isolates every device.

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding
from resolver.matching import iommu_setup

__all__ = ["check"]


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what is wrong with the IOMMU."""
    if facts.parameters.get("vfio.enable_unsafe_noiommu_mode") == "Y":
        yield Finding(
            id="noiommu-mode",
            severity="warning",
            message="VFIO works without an IOMMU: a device can write to all memory of "
            "the host",
            advice=(
                "run `echo N > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode`",
            ),
        )
    if not facts.iommu_groups:
        yield Finding(
            id="iommu-off",
            severity="problem",
            message="no device is in an IOMMU group, so VFIO cannot be used",
            advice=_setup_steps(facts),
        )
        return
    alone = [one.device.name for one in facts.wanted if not one.device.iommu_group]
    if alone:
        yield Finding(
            id="iommu-leaves-out",
            severity="warning",
            message="the IOMMU is on, but does not isolate these devices: VFIO cannot "
            "use them",
            devices=tuple(alone),
        )


def _setup_steps(facts: Facts) -> tuple[str, ...]:
    """Return the steps that turn the IOMMU on at the next boot."""
    option = iommu_setup.DRIVER_OPTIONS.get(facts.cpu)
    config = facts.config
    is_lacking = option and config and not config.is_on(option)
    machine = iommu_setup.Machine(
        facts.cpu, facts.is_guest, facts.command_line, facts.firmware_tables
    )
    return iommu_setup.setup_steps(
        machine, config.path if config and is_lacking else ""
    )
