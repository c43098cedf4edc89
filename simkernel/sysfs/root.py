"""``/sys`` as a whole."""

from __future__ import annotations

from collections.abc import Callable

from simkernel.model.kernel import Kernel
from simkernel.model.pci import PciDevice, root_devpath
from simkernel.model.vfio import GROUP_MAJOR
from simkernel.sysfs.bus import buses
from simkernel.sysfs.classes import classes
from simkernel.sysfs.groups import iommu_groups
from simkernel.sysfs.hotplug import hotplug
from simkernel.sysfs.modules import modules
from simkernel.sysfs.node import Attribute, Directory, Listing, Node, link
from simkernel.sysfs.pci import IOMMU, device_directory
from simkernel.sysfs.tree import Tree

__all__ = ["sysfs"]


def sysfs(kernel: Kernel) -> Tree:
    """Return the tree of ``/sys``."""
    return Tree(
        Directory(
            {
                "bus": lambda: buses(kernel),
                "class": lambda: classes(kernel),
                "devices": lambda: _devices(kernel),
                "kernel": lambda: _kernel(kernel),
                "module": lambda: modules(kernel),
            }
        ),
        kernel.faults,
    )


def _kernel(kernel: Kernel) -> Directory:
    """Return ``/sys/kernel``."""

    def controls() -> list[str]:
        loaded = kernel.modules.loaded.values()
        return [one.name for one in loaded if one.spec.hotplug_control]

    def child(name: str) -> Node | None:
        return hotplug(kernel) if name in controls() else None

    return Directory(
        {"iommu_groups": lambda: iommu_groups(kernel)}, Listing(controls, child)
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

    virtual: dict[str, Callable[[], Node]] = {
        "iommu": lambda: Directory({IOMMU: Directory}),
        "vfio": lambda: _vfio_groups(kernel),
    }
    return Directory({"virtual": lambda: Directory(virtual)}, Listing(roots, child))


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
