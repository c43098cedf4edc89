"""Devices and drivers of a host. Only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from resolver.device import Binding, Device
from resolver.errors import BlockedError, FailedError, NotFoundError
from resolver.inspect.modules import drivers_of_module, is_coming, is_loaded
from resolver.linux import TIMEOUT_S, Host
from resolver.matching import driver_name
from resolver.matching.modalias import Modalias, pci_modalias

__all__ = [
    "LIST_DEVICES",
    "ReadDevice",
    "all_devices",
    "bound_driver",
    "device_directory",
    "driver_directory",
    "find_driver",
    "glance",
    "has_driver",
    "has_vfio_device",
    "place_of",
    "read_binding",
    "read_device",
]

LIST_DEVICES = "run `resolver devices` to list the devices"
"""Hint of errors about a device that the host does not have."""

ReadDevice = Callable[[Host, str, str], Device]
"""Function that reads a device, given its bus and name."""

_READ_TIMEOUT_S = 2.0
"""Time to wait for an attribute while the kernel holds the device's lock."""


def device_directory(bus: str, name: str) -> str:
    """Return the directory of a device, relative to sysfs."""
    return f"bus/{bus}/devices/{name}"


def place_of(host: Host, device: Device) -> str:
    """Return the absolute directory of a device."""
    return device.path or f"{host.sys}/{device_directory(device.bus, device.name)}"


def driver_directory(bus: str, driver: str) -> str:
    """Return the directory of a driver, relative to sysfs."""
    return f"bus/{bus}/drivers/{driver}"


def read_device(host: Host, bus: str, name: str) -> Device:
    """Return a device as sysfs shows it.

    While the kernel holds the device's lock, ``driver_override`` cannot be read. The
    device is then busy and has no override.

    :raises NotFoundError: the host has no such device.
    """
    path = _place_of(host, bus, name)
    try:
        binding, is_busy = _binding_at(host, path, _READ_TIMEOUT_S), False
    except FailedError:
        binding, is_busy = Binding(host.link_name(f"{path}/driver"), None), True
    return replace(
        _device_in(host, path, bus, name, binding),
        interfaces=tuple(host.names(f"{path}/net")),
        vfio_device=next(iter(host.names(f"{path}/vfio-dev")), None),
        is_busy=is_busy,
    )


def glance(host: Host, bus: str, name: str) -> Device:
    """Return a device without override, interfaces and VFIO device.

    It reads fewer files, for callers that read the device again later.

    :raises NotFoundError: the host has no such device.
    """
    path = _place_of(host, bus, name)
    binding = Binding(host.link_name(f"{path}/driver"), None)
    return _device_in(host, path, bus, name, binding)


def all_devices(
    host: Host, bus: str = "pci", read: ReadDevice = read_device
) -> Iterator[Device]:
    """Yield every device of a bus, sorted by name."""
    for name in host.names(f"{host.sys}/bus/{bus}/devices"):
        try:
            yield read(host, bus, name)
        except NotFoundError:
            continue  # The device went away after the directory was listed.


def _device_in(host: Host, path: str, bus: str, name: str, binding: Binding) -> Device:
    text = host.attribute(f"{path}/modalias")
    if text is None and bus == "pci":
        text = _modalias_from_ids(host, path)
    vendor_device, device_class = _kind_at(host, path, bus, text)
    return Device(
        bus=bus,
        name=name,
        path=path,
        modalias=text,
        binding=binding,
        vendor_device=vendor_device,
        device_class=device_class,
        iommu_group=host.link_name(f"{path}/iommu_group"),
    )


_IDS = ("vendor", "device", "subsystem_vendor", "subsystem_device")


# Captured hosts may lack the file. Kernels print it from these ids.
def _modalias_from_ids(host: Host, path: str) -> str | None:
    ids = [host.attribute(f"{path}/{name}") for name in _IDS]
    device_class = host.attribute(f"{path}/class")
    found = [text for text in ids if text]
    if len(found) < len(ids) or not device_class:
        return None
    return pci_modalias(found, device_class)


# A PCI modalias contains all ids. Other devices have a file for each.
def _kind_at(
    host: Host, path: str, bus: str, text: str | None
) -> tuple[str | None, str | None]:
    if bus == "pci" and text is not None:
        described = Modalias(text, bus)
        if described.vendor_device is not None:
            return described.vendor_device, described.device_class
    vendor = host.attribute(f"{path}/vendor")
    device = host.attribute(f"{path}/device")
    class_text = host.attribute(f"{path}/class")
    return (
        f"{vendor[2:]}:{device[2:]}" if vendor and device else None,
        class_text[2:] if class_text else None,
    )


def read_binding(host: Host, device: Device, timeout_s: float = TIMEOUT_S) -> Binding:
    """Return driver and override of a device, read now.

    An unset override reads ``(null)``, on some buses an empty line.

    :raises NotFoundError: the host has no such device.
    :raises FailedError: the kernel still holds the device's lock after that time.

    Source: Linux, drivers/base/bus.c, driver_override_show().
    """
    path = place_of(host, device)
    _require_there(host, path, device.bus)
    return _binding_at(host, path, timeout_s)


def _binding_at(host: Host, path: str, timeout_s: float) -> Binding:
    try:
        override = host.slow_attribute(f"{path}/driver_override", timeout_s)
    except BlockedError as problem:
        raise FailedError(
            f"the kernel holds the device's lock: {problem.message}",
            hint="try again when the running unbind or probe has ended",
        ) from problem
    return Binding(
        driver=host.link_name(f"{path}/driver"),
        override=None if override in ("", "(null)") else override,
    )


# Resolve the link from the bus once, instead of in every access to the device.
def _place_of(host: Host, bus: str, name: str) -> str:
    path = host.followed(f"{host.sys}/{device_directory(bus, name)}")
    _require_there(host, path, bus)
    return path


def _require_there(host: Host, path: str, bus: str) -> None:
    if not host.is_there(path):
        raise NotFoundError(
            f"no such device on bus {bus!r}",
            hint=LIST_DEVICES,
        )


def bound_driver(host: Host, device: Device) -> str | None:
    """Return the driver that a device is bound to; never waits."""
    return host.link_name(f"{place_of(host, device)}/driver")


def find_driver(host: Host, bus: str, name: str, bound: str | None) -> str | None:
    """Return the registered driver for a name.

    :param name: name of a driver or module.
    :param bound: driver that the device is bound to; preferred among several.
    :return: name of its directory; ``None`` without this driver and module, and while
        the module's init function runs.
    :raises NotFoundError: the module is loaded, but has no driver, or several that
        match equally.
    """
    for driver in driver_name.directory_names(name):
        if has_driver(host, bus, driver):
            return driver
    module = name.replace("-", "_")
    if not is_loaded(host, module) or is_coming(host, module):
        return None
    drivers = drivers_of_module(host, module, bus)
    driver = driver_name.pick_driver(module, drivers, bus=bus, bound=bound)
    if not has_driver(host, bus, driver):
        raise NotFoundError(
            f"module {module} lists the driver {driver!r}, but "
            f"{host.sys}/{driver_directory(bus, driver)} does not exist"
        )
    return driver


def has_driver(host: Host, bus: str, driver: str) -> bool:
    """Return whether a driver is registered."""
    return host.is_there(f"{host.sys}/{driver_directory(bus, driver)}")


def has_vfio_device(host: Host, device: Device) -> bool:
    """Return whether a device is registered with VFIO.

    Kernels that do not show it count as yes: ``/sys/class/vfio-dev`` exists since
    Linux kernel commit 3c28a76124b2 ("vfio: Add struct device to vfio_device") (in
    v6.1).
    """
    if host.names(f"{place_of(host, device)}/vfio-dev"):
        return True
    return not host.is_there(f"{host.sys}/class/vfio-dev")
