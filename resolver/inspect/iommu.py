"""Why a device has no IOMMU group, and what to do about it. Only reads."""

from __future__ import annotations

from resolver.inspect.isolation import Machine, cpu_vendor, how_to_turn_on, is_virtual
from resolver.linux import Host

__all__ = ["advice"]


def advice(host: Host) -> str:
    """Return what to do so that a device gets an IOMMU group."""
    if host.names(f"{host.sys}/kernel/iommu_groups"):
        return "the IOMMU is on, but leaves this device out: VFIO cannot have it"
    steps = how_to_turn_on(_machine(host))
    if not steps:
        return "the kernel found no IOMMU; resolver doctor says more"
    return "; ".join(steps)


def _machine(host: Host) -> Machine:
    cpu = host.read_if_there(f"{host.proc}/cpuinfo") or b""
    words = host.read_if_there(f"{host.proc}/cmdline") or b""
    return Machine(
        cpu=cpu_vendor(cpu),
        is_guest=is_virtual(cpu),
        command_line=tuple(words.decode("utf-8", "replace").split()),
        firmware_tables=frozenset(host.names(f"{host.sys}/firmware/acpi/tables")),
    )
