"""IOMMU groups: which devices VFIO can only have together. Only reads."""

from __future__ import annotations

from resolver.device import Device
from resolver.errors import NotFoundError
from resolver.inspect.devices import read_device
from resolver.linux import Host

__all__ = ["hindering", "is_on_vfio", "mates_of"]

_HARMLESS = frozenset({"pci-stub", "pcieport"})
"""Drivers that keep devices, or bridges, and do no DMA of their own.

Source: Linux, ``driver_managed_dma`` in drivers/pci/pci-stub.c and
drivers/pci/pcie/portdrv.c.
"""


def mates_of(host: Host, device: Device) -> tuple[Device, ...]:
    """Return the other members of a device's group, in the order of their names."""
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
            continue  # It went away after the directory was listed.
    return tuple(found)


def hindering(host: Host, device: Device) -> tuple[Device, ...]:
    """Return the other members that are bound to drivers of the host."""
    return tuple(
        mate
        for mate in mates_of(host, device)
        if mate.binding.driver not in (None, *_HARMLESS)
        and not mate.is_bridge
        and not is_on_vfio(host, mate)
    )


def is_on_vfio(host: Host, device: Device) -> bool:
    """Return whether a VFIO driver has a device.

    Kernels before 6.1 do not show it; there the driver's name has to say it.
    """
    if host.is_there(f"{host.sys}/class/vfio-dev"):
        return device.vfio_device is not None
    return "vfio" in (device.binding.driver or "")
