"""``/sys/devices``: every device below its parent."""

from __future__ import annotations

from simkernel.filesystems.node import (
    Attribute,
    Directory,
    Lifetime,
    Listing,
    Node,
    link,
)
from simkernel.filesystems.sysfs import text
from simkernel.filesystems.sysfs.other_device import other_device_directory
from simkernel.filesystems.sysfs.pci import IOMMU, root_bus
from simkernel.filesystems.sysfs.power import power
from simkernel.model.core.iommu import IommuGroup
from simkernel.model.kernel import Kernel
from simkernel.model.other_buses import OtherDevice
from simkernel.model.vfio.nodes import GROUP_MAJOR
from simkernel.model.vfio.uevents import group_variables

__all__ = ["devices"]


def devices(kernel: Kernel) -> Directory:
    """Return ``/sys/devices``: all devices of the host.

    A class has a directory in ``virtual`` while it has virtual devices.

    Source: drivers/base/core.c cleanup_glue_dir(). Rule: R-VFIO-3.
    """

    def classes() -> list[str]:
        return ["vfio"] if kernel.vfio.groups else []

    def child(name: str) -> Node | None:
        return _vfio_groups(kernel) if name in classes() else None

    iommu = {"iommu": lambda: Directory({IOMMU: Directory})}
    return Directory(
        {"virtual": lambda: Directory(iommu, Listing(classes, child))},
        _host_bridges(kernel),
        _others(kernel),
    )


def _host_bridges(kernel: Kernel) -> Listing:
    """List the host bridges that have devices; drivers' own are below functions."""
    roots = kernel.pci.roots

    def names() -> list[str]:
        paths = (path.removeprefix("/devices/") for path in roots if roots[path])
        return [name for name in paths if "/" not in name]

    def child(name: str) -> Node | None:
        below = roots.get(f"/devices/{name}")
        return root_bus(kernel, below) if below else None

    return Listing(names, child, Lifetime.DEVICE)


def _others(kernel: Kernel, base: str = "/devices") -> Listing:
    """List the next part of the devices' paths below a directory."""

    def parts() -> dict[str, OtherDevice | None]:
        found: dict[str, OtherDevice | None] = {}
        for bus in kernel.other_buses.values():
            for device in bus.devices.values():
                if device.devpath.startswith(f"{base}/"):
                    name, _, rest = device.devpath[len(base) + 1 :].partition("/")
                    found[name] = None if rest else device
        return found

    def child(name: str) -> Node | None:
        found = parts()
        if name not in found:
            return None
        device = found[name]
        if device is None:
            return Directory({}, _others(kernel, f"{base}/{name}"))
        bus = kernel.other_buses[device.bus_name]
        return other_device_directory(kernel, bus, device)

    return Listing(parts, child)


def _vfio_groups(kernel: Kernel) -> Directory:
    def child(name: str) -> Node | None:
        number = kernel.vfio.node_names().get(name)
        if number is None:
            return None
        return _vfio_group(kernel, kernel.iommu.by_number[number])

    return Directory({}, Listing(kernel.vfio.node_names, child))


def _vfio_group(kernel: Kernel, group: IommuGroup) -> Directory:
    """Return the directory of a group's device.

    Source: drivers/vfio/group.c vfio_group_alloc(). Rule: R-VFIO-3.
    """
    name = group.node_name
    base = f"/devices/virtual/vfio/{name}"
    variables = group_variables(group)
    lines = "".join(f"{key}={value}\n" for key, value in variables)

    def send(data: bytes) -> None:
        action, more = text.synthetic_uevent(data)
        kernel.vfio.emit_group(action, group, *more)

    return Directory(
        {
            "dev": lambda: Attribute(
                mode=0o444, show=lambda: f"{GROUP_MAJOR}:{group.number}\n".encode()
            ),
            "power": lambda: power(group.power, "control", "auto"),
            "subsystem": lambda: link(f"{base}/subsystem", "/class/vfio"),
            "uevent": lambda: Attribute(
                mode=0o644, show=lambda: lines.encode(), store=send
            ),
        }
    )
