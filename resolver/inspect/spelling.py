"""Find the device that a person means. Only reads."""

from __future__ import annotations

from resolver.device import (
    Device,
    InterfaceName,
    PciAddress,
    SysfsPath,
    VendorDevice,
    parse_spelling,
)
from resolver.errors import NotFoundError, UsageError
from resolver.inspect.devices import all_devices, read_device
from resolver.linux import Host

__all__ = ["find_device"]


def find_device(host: Host, text: str) -> Device:
    """Return the device that a person means.

    :param text: any spelling that ``device.parse_spelling`` knows.
    :raises UsageError: it is no spelling of a device, or fits several devices.
    :raises NotFoundError: the host has no such device.
    """
    spelling = parse_spelling(text)
    if isinstance(spelling, PciAddress):
        return read_device(host, "pci", str(spelling))
    if isinstance(spelling, VendorDevice):
        return _only_one_of_kind(host, spelling)
    if isinstance(spelling, SysfsPath):
        path = f"{host.sys}{spelling.path.removeprefix('/sys')}"
        return _device_at(host, path, "there is no device")
    assert isinstance(spelling, InterfaceName)
    return _device_at(
        host,
        f"{host.sys}/class/net/{spelling.name}/device",
        "there is no device, nor an interface of that name that has one",
    )


def _only_one_of_kind(host: Host, kind: VendorDevice) -> Device:
    devices = [d for d in all_devices(host) if d.vendor_device == kind.text]
    if not devices:
        raise NotFoundError(
            "there is no device of this kind",
            hint="resolver devices shows those there are",
        )
    if len(devices) > 1:
        names = ", ".join(device.name for device in devices)
        raise UsageError(
            f"{kind.text} fits {len(devices)} devices: {names}",
            hint=f"name one of them by its address, or say id:{kind.text} for all",
        )
    return devices[0]


# The nearest device at or above a path whose bus can keep a device for a driver:
# above a virtio interface this is the PCI function.
def _device_at(host: Host, path: str, problem: str) -> Device:
    at = host.real_path(path)
    root = host.real_path(host.sys)
    while host.is_there(at) and at.startswith(f"{root}/"):
        if host.is_there(f"{at}/driver_override"):
            bus = host.link_name(f"{at}/subsystem")
            if bus is not None:
                return read_device(host, bus, at.rpartition("/")[2])
        at = at.rpartition("/")[0]
    raise NotFoundError(problem, hint="resolver devices shows those there are")
