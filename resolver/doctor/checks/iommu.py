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
    yield from _groups(facts)


def _groups(facts: Facts) -> Iterator[Finding]:
    """Yield what keeps VFIO from using groups, or groups from isolating."""
    if facts.reserved:
        yield Finding(
            id="memory-reserved",
            severity="warning",
            message="the firmware reserves memory for these devices (RMRR, IVMD), so "
            f"VFIO cannot open their groups: {', '.join(set(facts.reserved.values()))}",
            advice=("look for a firmware setting that ends the reservation",),
            devices=tuple(facts.reserved),
        )
    if facts.split_by:
        yield Finding(
            id="groups-split",
            severity="warning",
            message=f"{facts.split_by} splits IOMMU groups: devices of different "
            "groups may still reach each other",
            advice=("give devices of one slot or switch to one guest",),
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
