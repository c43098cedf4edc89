"""IOMMU groups, and how to get a device into one. Only reads."""

from __future__ import annotations

from resolver.device import Device
from resolver.errors import NotFoundError
from resolver.inspect.devices import read_device
from resolver.linux import Host
from resolver.matching.iommu_setup import Machine, cpu_vendor, is_virtual, setup_steps

__all__ = ["advice", "hindering", "is_on_vfio", "mates_of"]

_HARMLESS = frozenset({"pci-stub", "pcieport"})
"""Drivers that do no DMA, so a group with them stays usable.

Source: Linux, ``driver_managed_dma`` in drivers/pci/pci-stub.c and
drivers/pci/pcie/portdrv.c.
"""


def mates_of(host: Host, device: Device) -> tuple[Device, ...]:
    """Return the other devices of a device's group, sorted by name."""
    if device.iommu_group is None:
        return ()
    found = []
    members = f"{host.sys}/kernel/iommu_groups/{device.iommu_group}/devices"
    for name in host.names(members):
        bus = host.link_name(f"{members}/{name}/subsystem")
        if bus is None or (bus, name) == (device.bus, device.name):
            continue
        try:
            found.append(read_device(host, bus, name))
        except NotFoundError:
            continue  # The device went away after the directory was listed.
    return tuple(found)


def hindering(host: Host, device: Device) -> tuple[Device, ...]:
    """Return the other devices of the group that are bound to host drivers."""
    return tuple(
        mate
        for mate in mates_of(host, device)
        if mate.binding.driver not in (None, *_HARMLESS)
        and not mate.is_bridge
        and not is_on_vfio(host, mate)
    )


def is_on_vfio(host: Host, device: Device) -> bool:
    """Return whether a device is bound to a VFIO driver.

    Kernels before 6.1 do not show it; there "vfio" in the driver's name decides.
    """
    if host.is_there(f"{host.sys}/class/vfio-dev"):
        return device.vfio_device is not None
    return "vfio" in (device.binding.driver or "")


def advice(host: Host) -> str:
    """Return how to get a device into an IOMMU group."""
    if host.names(f"{host.sys}/kernel/iommu_groups"):
        return "use another device: the IOMMU is on, but does not isolate this one"
    steps = setup_steps(_machine(host))
    if not steps:
        return "run `resolver doctor` for details: the kernel found no IOMMU"
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
