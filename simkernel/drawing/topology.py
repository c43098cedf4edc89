"""The content of a picture: devices, groups and drivers.

Plain values; the other modules of the package draw them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simkernel.model.core.device import Device, Driver
from simkernel.model.kernel import Kernel
from simkernel.model.pci.function import PciDevice

__all__ = ["DeviceNode", "DriverNode", "Topology", "topology"]

_CLASSES = {
    "0106": "SATA controller",
    "0107": "SAS controller",
    "0108": "NVMe controller",
    "0200": "Ethernet controller",
    "0207": "InfiniBand controller",
    "0280": "network controller",
    "0300": "VGA controller",
    "0302": "3D controller",
    "0403": "audio device",
    "0600": "host bridge",
    "0604": "PCI bridge",
    "0880": "system peripheral",
    "0b40": "co-processor",
    "0c03": "USB controller",
    "1200": "accelerator",
}
"""Names of device classes that hosts often pass through, by class and subclass.

Source: include/linux/pci_ids.h.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceNode:
    """A device on a bus."""

    name: str
    bus: str
    id: str
    """``vendor:device`` on PCI, else in the bus's own form."""
    kind: str
    """Name of its class; empty: unknown."""
    group: str
    """Number of its IOMMU group; empty: it has none."""
    driver: str
    """Name of its driver; empty: it has none."""
    override: str
    """``driver_override``; empty: not set."""
    interface: str
    """Name of its network interface; empty: none."""
    parent: str
    """Name of the parent in the drawing: the physical function of a virtual function,
    else the bridge; empty: none."""
    virtual: bool
    """A virtual function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverNode:
    """A driver on a bus."""

    name: str
    bus: str
    module: str
    """Its module; empty: none."""
    vfio: bool
    devices: int
    """Number of devices bound to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """A host."""

    release: str
    devices: tuple[DeviceNode, ...]
    """In the order of the buses."""
    drivers: tuple[DriverNode, ...]
    modules: tuple[tuple[str, tuple[str, ...]], ...]
    """Loaded modules, oldest first, each with the modules that use it."""

    def groups(self) -> list[tuple[str, list[DeviceNode]]]:
        """Return the devices by group number; empty: no group."""
        found: dict[str, list[DeviceNode]] = {}
        for device in self.devices:
            found.setdefault(device.group, []).append(device)
        return list(found.items())


def topology(kernel: Kernel) -> Topology:
    """Return the current devices and drivers of a kernel."""
    devices = [
        _device(bus.name, device)
        for bus in kernel.buses.values()
        for device in bus.devices.values()
    ]
    return Topology(
        release=kernel.release,
        devices=tuple(_in_order(devices)),
        drivers=tuple(
            _driver(bus.name, driver)
            for bus in kernel.buses.values()
            for driver in bus.drivers.values()
        ),
        modules=tuple(
            (module.name, tuple(module.holders))
            for module in kernel.modules.loaded.values()
        ),
    )


def _device(bus: str, device: Device) -> DeviceNode:
    group, driver = device.iommu_group, device.driver
    override = (device.driver_override or b"").decode("latin-1")
    identity, kind, interface, parent, virtual = "", "", "", None, False
    if isinstance(device, PciDevice):
        function = device.function
        identity = f"{function.vendor:04x}:{function.device:04x}"
        kind = _CLASSES.get(f"{function.class_ >> 8:04x}", "")
        interface = device.netdev
        parent, virtual = device.physfn or device.parent, device.physfn is not None
    return DeviceNode(
        name=device.name,
        bus=bus,
        id=identity or str(getattr(device, "id", "")),
        kind=kind,
        group="" if group is None else str(group.number),
        driver="" if driver is None else driver.name,
        override=override,
        interface=interface,
        parent="" if parent is None else parent.name,
        virtual=virtual,
    )


def _driver(bus: str, driver: Driver) -> DriverNode:
    return DriverNode(
        name=driver.name,
        bus=bus,
        module="" if driver.module is None else driver.module.name,
        vfio=driver.spec.vfio,
        devices=len(driver.devices),
    )


def _in_order(devices: list[DeviceNode]) -> Iterator[DeviceNode]:
    """Yield each device, followed by its children in the drawing."""
    below: dict[tuple[str, str], list[DeviceNode]] = {}
    for device in devices:
        below.setdefault((device.bus, device.parent), []).append(device)
    buses = dict.fromkeys(device.bus for device in devices)
    pending = [one for bus in buses for one in below[bus, ""]][::-1]
    while pending:
        device = pending.pop()
        yield device
        pending += below.get((device.bus, device.name), [])[::-1]
