"""``/sys/devices``: every device in the place where it hangs."""

from __future__ import annotations

from collections.abc import Callable

from simkernel.model.device import Device
from simkernel.model.kernel import Kernel
from simkernel.model.other_buses import OtherDevice
from simkernel.model.pci import PciDevice
from simkernel.model.vfio import GROUP_MAJOR
from simkernel.sysfs.node import Attribute, Directory, Listing, Node, link
from simkernel.sysfs.other_device import other_device_directory
from simkernel.sysfs.pci import IOMMU, device_directory

__all__ = ["devices"]


def devices(kernel: Kernel) -> Directory:
    """Return ``/sys/devices``: host bridges, other buses, and what is no hardware."""
    virtual: dict[str, Callable[[], Node]] = {
        "iommu": lambda: Directory({IOMMU: Directory}),
        "vfio": lambda: _vfio_groups(kernel),
    }
    return Directory(
        {"virtual": lambda: Directory(virtual)}, _below(kernel, "/devices", "virtual")
    )


def _below(kernel: Kernel, base: str, *but: str) -> Listing:
    """Return the entries of a directory above devices: the next part of their paths."""

    def parts() -> dict[str, Device | None]:
        found: dict[str, Device | None] = {}
        for device in _topmost(kernel):
            if device.devpath.startswith(f"{base}/"):
                name, _, rest = device.devpath[len(base) + 1 :].partition("/")
                found[name] = None if rest else device
        return found

    def child(name: str) -> Node | None:
        if name in but or name not in (found := parts()):
            return None
        device = found[name]
        if device is None:
            return Directory({}, _below(kernel, f"{base}/{name}"))
        return _directory(kernel, device)

    return Listing(parts, child)


def _topmost(kernel: Kernel) -> list[Device]:
    """Return the devices that no other device's directory holds."""
    found: list[Device] = [
        one for one in kernel.pci.devices.values() if one.parent is None
    ]
    for bus in kernel.other_buses.values():
        found += bus.devices.values()
    return found


def _directory(kernel: Kernel, device: Device) -> Directory:
    if isinstance(device, OtherDevice):
        bus = kernel.other_buses[device.bus_name]
        return other_device_directory(kernel, bus, device)
    if isinstance(device, PciDevice):
        return device_directory(kernel, device)
    raise TypeError(f"no directory for {type(device).__name__}")


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
