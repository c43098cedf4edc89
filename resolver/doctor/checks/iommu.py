"""Is there an IOMMU, and does it isolate every device?

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding
from resolver.matching import iommu_setup

__all__ = ["check", "how_to_turn_on"]


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
    option = iommu_setup.DRIVER_OPTIONS.get(facts.cpu)
    config = facts.config
    is_lacking = option and config and not config.is_on(option)
    machine = iommu_setup.Machine(
        facts.cpu, facts.is_guest, facts.command_line, facts.firmware_tables
    )
    return iommu_setup.setup_steps(
        machine, config.path if config and is_lacking else ""
    )
