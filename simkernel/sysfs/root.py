"""``/sys`` as a whole, and what stands beside it: ``/proc/modules``, ``/dev/vfio``."""

from __future__ import annotations

from collections.abc import Callable

from simkernel.model.kernel import Kernel
from simkernel.model.pci import PciDevice, root_devpath
from simkernel.model.vfio import CDEV_MAJOR, GROUP_MAJOR
from simkernel.sysfs.bus import buses, rescan
from simkernel.sysfs.modules import modules, proc_modules
from simkernel.sysfs.node import (
    Attribute,
    CharacterDevice,
    Directory,
    Link,
    Listing,
    Node,
    link,
)
from simkernel.sysfs.pci import device_directory
from simkernel.sysfs.tree import Tree

__all__ = ["proc_modules", "sysfs", "vfio_nodes"]


def sysfs(kernel: Kernel) -> Tree:
    """Return the tree of ``/sys``."""
    return Tree(
        Directory(
            {
                "bus": lambda: buses(kernel),
                "class": lambda: _classes(kernel),
                "devices": lambda: _devices(kernel),
                "kernel": lambda: Directory({"iommu_groups": lambda: _groups(kernel)}),
                "module": lambda: modules(kernel),
            }
        ),
        kernel.faults,
    )


# ---- /sys/devices


def _devices(kernel: Kernel) -> Directory:
    """Return ``/sys/devices``: host bridges, and what is no hardware."""

    def roots() -> dict[str, list[PciDevice]]:
        found: dict[str, list[PciDevice]] = {}
        for device in kernel.pci.devices.values():
            if device.parent is None:
                name = root_devpath(device.function.address).removeprefix("/devices/")
                found.setdefault(name, []).append(device)
        return found

    def child(name: str) -> Node | None:
        below = roots().get(name)
        if below is None:
            return None
        return Directory({one.name: _maker(kernel, one) for one in below})

    return Directory(
        {"virtual": lambda: Directory({"vfio": lambda: _vfio_groups(kernel)})},
        Listing(roots, child),
    )


def _maker(kernel: Kernel, device: PciDevice) -> Callable[[], Node]:
    return lambda: device_directory(kernel, device)


def _vfio_groups(kernel: Kernel) -> Directory:
    def child(name: str) -> Node | None:
        if not name.isdecimal() or int(name) not in kernel.vfio.groups:
            return None
        base = f"/devices/virtual/vfio/{name}"
        return Directory(
            {
                "dev": lambda: Attribute(
                    mode=0o444, show=lambda: f"{GROUP_MAJOR}:{name}\n".encode()
                ),
                "subsystem": lambda: link(f"{base}/subsystem", "/class/vfio"),
            }
        )

    return Directory({}, Listing(lambda: map(str, kernel.vfio.groups), child))


# ---- /sys/kernel/iommu_groups


def _groups(kernel: Kernel) -> Directory:
    """Return the IOMMU groups.

    Source: Documentation/ABI/testing/sysfs-kernel-iommu_groups. Rule: R-IOMMU-3.
    """

    def child(name: str) -> Node | None:
        group = kernel.iommu.by_number.get(int(name)) if name.isdecimal() else None
        if group is None or str(group.number) != name:
            return None
        base = f"/kernel/iommu_groups/{name}/devices"

        def member(device_name: str) -> Link | None:
            device = group.devices.get(device_name)
            return link(f"{base}/{device_name}", device.devpath) if device else None

        entries: dict[str, Callable[[], Node]] = {
            "devices": lambda: Directory({}, Listing(lambda: group.devices, member)),
            "reserved_regions": lambda: Attribute(
                mode=0o444,
                show=lambda: b"0x00000000fee00000 0x00000000feefffff msi\n",
            ),
            "type": lambda: Attribute(mode=0o644, show=lambda: b"DMA\n"),
        }
        if group.name:
            entries["name"] = lambda: Attribute(
                mode=0o444, show=lambda: f"{group.name}\n".encode()
            )
        return Directory(entries)

    return Directory({}, Listing(lambda: map(str, kernel.iommu.by_number), child))


# ---- /sys/class


def _classes(kernel: Kernel) -> Directory:
    entries: dict[str, Callable[[], Node]] = {
        "net": lambda: _link_class("net", lambda: _netdevs(kernel)),
        "pci_bus": lambda: _pci_buses(kernel),
    }
    if kernel.vfio.present:
        entries["vfio"] = lambda: _link_class(
            "vfio",
            lambda: {
                str(one): f"/devices/virtual/vfio/{one}" for one in kernel.vfio.groups
            },
        )
    if kernel.vfio.has_device_class:
        entries["vfio-dev"] = lambda: _link_class(
            "vfio-dev",
            lambda: {
                f"vfio{index}": f"{device.devpath}/vfio-dev/vfio{index}"
                for index, device in kernel.vfio.devices.items()
            },
        )
    return Directory(entries)


def _netdevs(kernel: Kernel) -> dict[str, str]:
    return {
        name: f"{device.devpath}/net/{name}"
        for device in kernel.pci.devices.values()
        if (name := kernel.netdev_of(device))
    }


def _link_class(name: str, targets: Callable[[], dict[str, str]]) -> Directory:
    def child(entry: str) -> Node | None:
        target = targets().get(entry)
        return link(f"/class/{name}/{entry}", target) if target else None

    return Directory({}, Listing(targets, child))


def _pci_buses(kernel: Kernel) -> Directory:
    """Return ``/sys/class/pci_bus``; of a bus, only its ``rescan`` is modelled."""

    def names() -> set[str]:
        return {device.name[:-5] for device in kernel.pci.devices.values()}

    def child(name: str) -> Node | None:
        if name not in names():
            return None
        return Directory({"rescan": lambda: rescan(kernel.pci)})

    return Directory({}, Listing(names, child))


# ---- /dev/vfio


def vfio_nodes(kernel: Kernel) -> Directory | None:
    """Return ``/dev/vfio``, None while VFIO is not there.

    Source: drivers/vfio/group.c, device_cdev.c; observed on 6.12. Rule: R-VFIO-6.
    """
    if not kernel.vfio.present:
        return None
    entries: dict[str, Callable[[], Node]] = {
        "vfio": lambda: CharacterDevice(mode=0o666, major=10, minor=196)
    }
    if kernel.vfio.cdev and kernel.vfio.devices:
        entries["devices"] = lambda: _cdevs(kernel)

    def child(name: str) -> Node | None:
        if not name.isdecimal() or int(name) not in kernel.vfio.groups:
            return None
        return CharacterDevice(mode=0o600, major=GROUP_MAJOR, minor=int(name))

    return Directory(entries, Listing(lambda: map(str, kernel.vfio.groups), child))


def _cdevs(kernel: Kernel) -> Directory:
    def child(name: str) -> Node | None:
        number = name.removeprefix("vfio")
        if not number.isdecimal() or int(number) not in kernel.vfio.devices:
            return None
        return CharacterDevice(mode=0o600, major=CDEV_MAJOR, minor=int(number))

    return Directory(
        {}, Listing(lambda: [f"vfio{one}" for one in kernel.vfio.devices], child)
    )
