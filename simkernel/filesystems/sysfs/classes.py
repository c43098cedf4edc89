"""``/sys/class``: links to the devices of each class."""

from __future__ import annotations

from collections.abc import Callable

from simkernel.filesystems.node import Directory, Listing, Node, link
from simkernel.filesystems.sysfs.bus import rescan
from simkernel.model.kernel import Kernel
from simkernel.model.pci.function import PciDevice

__all__ = ["classes"]


def classes(kernel: Kernel) -> Directory:
    """Return ``/sys/class``.

    Source: drivers/base/class.c.
    """
    always: dict[str, Callable[[], Node]] = {
        "net": lambda: _link_class("net", lambda: _netdevs(kernel)),
        "pci_bus": lambda: _pci_buses(kernel),
    }

    def of_vfio() -> dict[str, Callable[[], dict[str, str]]]:
        """Return the classes of VFIO, each with its links."""
        found: dict[str, Callable[[], dict[str, str]]] = {}
        if kernel.vfio.present:
            found["vfio"] = lambda: {
                one: f"/devices/virtual/vfio/{one}" for one in kernel.vfio.node_names()
            }
        if kernel.vfio.has_device_class:
            found["vfio-dev"] = lambda: {
                f"vfio{index}": f"{device.devpath}/vfio-dev/vfio{index}"
                for index, device in kernel.vfio.devices.items()
            }
        return found

    def child(name: str) -> Node | None:
        targets = of_vfio().get(name)
        return None if targets is None else _link_class(name, targets)

    return Directory(always, Listing(of_vfio, child))


def _netdevs(kernel: Kernel) -> dict[str, str]:
    return {
        name: f"{device.devpath}/net/{name}"
        for device in kernel.pci.devices.values()
        if (name := device.netdev)
    }


def _link_class(name: str, targets: Callable[[], dict[str, str]]) -> Directory:
    def child(entry: str) -> Node | None:
        target = targets().get(entry)
        return link(f"/class/{name}/{entry}", target) if target else None

    return Directory({}, Listing(targets, child))


def _pci_buses(kernel: Kernel) -> Directory:
    """Return ``/sys/class/pci_bus``, with ``rescan`` of each bus.

    Source: drivers/pci/pci-sysfs.c bus_rescan_store(). Rule: R-RESCAN-2.
    """

    def first_devices() -> dict[str, PciDevice]:
        devices = reversed(kernel.pci.devices.values())
        return {one.name[:-5]: one for one in devices}

    def child(name: str) -> Node | None:
        one = first_devices().get(name)
        if one is None:
            return None
        bus = one.function.address[:2]
        return Directory(
            {"rescan": lambda: rescan(lambda: kernel.pci.rescan_bus(bus, one.parent))}
        )

    return Directory({}, Listing(first_devices, child))
