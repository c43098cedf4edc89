"""Read devices and drivers from a host.

Only reads: nothing here changes the host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from resolver.device import Binding, Device
from resolver.errors import BlockedError, FailedError, NotFoundError
from resolver.inspect.modules import drivers_of_module, is_loaded
from resolver.linux import TIMEOUT_S, Host
from resolver.matching import driver_name
from resolver.matching.modalias import Modalias

__all__ = [
    "LIST_DEVICES",
    "Look",
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

Look = Callable[[Host, str, str], Device]
"""Reads a device, by its bus and name."""

_PATIENCE_S = 2.0
"""How long a look at a device waits for the kernel to be done with it."""


def device_directory(bus: str, name: str) -> str:
    """Return where a device is, below the root of sysfs."""
    return f"bus/{bus}/devices/{name}"


def place_of(host: Host, device: Device) -> str:
    """Return a device's directory, absolute."""
    return device.path or f"{host.sys}/{device_directory(device.bus, device.name)}"


def driver_directory(bus: str, driver: str) -> str:
    """Return where a driver is, below the root of sysfs."""
    return f"bus/{bus}/drivers/{driver}"


def read_device(host: Host, bus: str, name: str) -> Device:
    """Return what sysfs says about a device.

    Where the kernel is at work on it, that is said, and not to which driver it is
    kept: to read this would be to wait.

    :raises NotFoundError: the host has no such device.
    """
    path = _place_of(host, bus, name)
    try:
        binding, is_busy = _binding_at(host, path, _PATIENCE_S), False
    except FailedError:
        binding, is_busy = Binding(host.link_name(f"{path}/driver"), None), True
    return replace(
        _device_in(host, path, bus, name, binding),
        interfaces=tuple(host.names(f"{path}/net")),
        vfio_device=next(iter(host.names(f"{path}/vfio-dev")), None),
        is_busy=is_busy,
    )


def glance(host: Host, bus: str, name: str) -> Device:
    """Return what tells a device from others, for those who read it again later.

    What it is kept for is not read, nor what its driver made of it.

    :raises NotFoundError: the host has no such device.
    """
    path = _place_of(host, bus, name)
    binding = Binding(host.link_name(f"{path}/driver"), None)
    return _device_in(host, path, bus, name, binding)


def all_devices(
    host: Host, bus: str = "pci", look: Look = read_device
) -> Iterator[Device]:
    """Yield every device of a bus, in the order of their names."""
    for name in host.names(f"{host.sys}/bus/{bus}/devices"):
        try:
            yield look(host, bus, name)
        except NotFoundError:
            continue  # It went away after the directory was listed.


def _device_in(host: Host, path: str, bus: str, name: str, binding: Binding) -> Device:
    text = host.attribute(f"{path}/modalias")
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


# The modalias has them all; files of their own are read where it says nothing.
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
    """Return to which driver a device is bound and kept for, right now.

    An override that was never set reads ``(null)``, on some buses an empty line.

    :raises NotFoundError: the host has no such device.
    :raises FailedError: the kernel is at work on it, and not done in that time.

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
            f"the kernel is at work on the device: {problem.message}",
            hint="an unbind or a probe of it is under way; try again when it is over",
        ) from problem
    return Binding(
        driver=host.link_name(f"{path}/driver"),
        override=None if override in ("", "(null)") else override,
    )


# The bus has a link to each of its devices; whoever looks at many files of one need
# not have it followed for each of them.
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
    """Return to which driver a device is bound; this never waits."""
    return host.link_name(f"{place_of(host, device)}/driver")


def find_driver(host: Host, bus: str, name: str, bound: str | None) -> str | None:
    """Return the driver that a name means, if it is registered now.

    :param name: name of a driver or of a module.
    :param bound: driver that the device is bound to; it decides between several.
    :return: name of its directory; ``None``: no such driver, and no such module.
    :raises NotFoundError: the module is there, and which driver is meant is not
        clear, or it has none.
    """
    for driver in driver_name.directory_names(name):
        if has_driver(host, bus, driver):
            return driver
    module = name.replace("-", "_")
    if not is_loaded(host, module):
        return None
    drivers = drivers_of_module(host, module, bus)
    driver = driver_name.pick_driver(module, drivers, bus=bus, bound=bound)
    if not has_driver(host, bus, driver):
        raise NotFoundError(
            f"module {module} says that its driver is {driver!r}, but there is no "
            f"{host.sys}/{driver_directory(bus, driver)}"
        )
    return driver


def has_driver(host: Host, bus: str, driver: str) -> bool:
    """Return whether a driver is registered."""
    return host.is_there(f"{host.sys}/{driver_directory(bus, driver)}")


def has_vfio_device(host: Host, device: Device) -> bool:
    """Return whether a device is registered with VFIO.

    Kernels that do not show it are taken at their word: ``/sys/class/vfio-dev`` is
    there since Linux kernel commit 3c28a76124b2 ("vfio: Add struct device to
    vfio_device") (in v6.1).
    """
    if host.names(f"{place_of(host, device)}/vfio-dev"):
        return True
    return not host.is_there(f"{host.sys}/class/vfio-dev")
