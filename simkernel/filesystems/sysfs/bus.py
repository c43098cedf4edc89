"""``/sys/bus``: buses and the directories of their drivers."""

from __future__ import annotations

from collections.abc import Callable
from errno import EINVAL, ENODEV
from typing import Any

from simkernel.errors import KernelRefusal
from simkernel.filesystems.node import (
    Attribute,
    Directory,
    Lifetime,
    Listing,
    Node,
    link,
)
from simkernel.filesystems.sysfs import text
from simkernel.filesystems.sysfs.modules import is_shown
from simkernel.model.core.bus import Bus
from simkernel.model.core.device import Device, Driver
from simkernel.model.core.kstrtox import kstrtouint
from simkernel.model.kernel import Kernel
from simkernel.model.pci import dynamic_ids
from simkernel.model.pci.bus import PciBus

__all__ = ["buses", "number_or_einval", "rescan"]


def buses(kernel: Kernel) -> Directory:
    """Return ``/sys/bus``."""
    return Directory({name: _entry(kernel, bus) for name, bus in kernel.buses.items()})


def _entry(kernel: Kernel, bus: Bus[Any]) -> Callable[[], Node]:
    return lambda: _bus(kernel, bus)


def _bus(kernel: Kernel, bus: Bus[Any]) -> Directory:
    """Return one bus.

    Source: drivers/base/bus.c bus_register(); drivers/pci/pci-sysfs.c. Rule: R-BUS-1.
    """
    base = f"/bus/{bus.name}"
    entries: dict[str, Callable[[], Node]] = {
        "devices": lambda: Directory({}, _device_links(bus, f"{base}/devices")),
        "drivers": lambda: Directory({}, _drivers(kernel, bus)),
        "drivers_autoprobe": lambda: Attribute(
            mode=0o644,
            show=lambda: b"%d\n" % bus.autoprobe,
            store=lambda data: _set_autoprobe(bus, data),
        ),
        "drivers_probe": lambda: Attribute(
            mode=0o200, store=lambda data: bus.attach_device(_device(bus, data))
        ),
        "uevent": lambda: _uevent_file(kernel, base, "bus"),
    }
    if isinstance(bus, PciBus):
        entries["rescan"] = lambda: rescan(bus.rescan)
        entries["resource_alignment"] = lambda: _resource_alignment(bus)
        entries["slots"] = Directory
    return Directory(entries)


def _resource_alignment(bus: PciBus) -> Attribute:
    """Return ``resource_alignment``, which keeps one line.

    Source: drivers/pci/pci.c resource_alignment_store(). Rule: R-BUS-3.
    """

    def show() -> bytes:
        line = bus.resource_alignment
        return b"" if line is None else line + b"\n"

    def store(data: bytes) -> None:
        bus.resource_alignment = text.override(data)

    return Attribute(mode=0o644, show=show, store=store)


def _set_autoprobe(bus: Bus[Any], data: bytes) -> None:
    """Set autoprobe by the first byte: ``0`` is off, anything else is on.

    Source: drivers/base/bus.c drivers_autoprobe_store(). Rule: R-AUTO-1.
    """
    bus.autoprobe = not data.startswith(b"0")


def rescan(scan: Callable[[], None]) -> Attribute:
    """Return a ``rescan`` file.

    :param scan: finds new functions.

    Source: drivers/pci/pci-sysfs.c rescan_store(), bus_rescan_store(). Rule:
    R-RESCAN-1.
    """

    def store(data: bytes) -> None:
        if number_or_einval(data):
            scan()

    return Attribute(mode=0o200, store=store)


def number_or_einval(data: bytes, *, bits: int = 64) -> int:
    """Return a number as most PCI files parse it.

    :raises KernelRefusal: EINVAL, not a number or too large: these files do not
        report ERANGE.

    Source: drivers/pci/pci-sysfs.c. Rule: R-TEXT-1.
    """
    try:
        return kstrtouint(data, bits=bits)
    except KernelRefusal:
        raise KernelRefusal(EINVAL, "R-TEXT-1") from None


def _device_links(bus: Bus[Any], base: str) -> Listing:
    def child(name: str) -> Node | None:
        device = bus.devices.get(name)
        return link(f"{base}/{name}", device.devpath) if device else None

    return Listing(lambda: list(bus.devices), child, Lifetime.DEVICE)


def _drivers(kernel: Kernel, bus: Bus[Any]) -> Listing:
    def child(name: str) -> Node | None:
        driver = bus.drivers.get(name)
        return _driver(kernel, bus, driver) if driver else None

    return Listing(lambda: list(bus.drivers), child)


def _driver(kernel: Kernel, bus: Bus[Any], driver: Driver) -> Directory:
    """Return the directory of a driver.

    Source: drivers/base/bus.c bus_add_driver(). Rule: R-BUS-2.
    """

    def alive() -> bool:
        return bus.drivers.get(driver.name) is driver

    def write_only(store: Callable[[bytes], None]) -> Callable[[], Node]:
        return lambda: Attribute(mode=0o200, store=store, alive=alive)

    entries: dict[str, Callable[[], Node]] = {
        "bind": write_only(lambda data: bus.bind(driver, _device(bus, data))),
        "unbind": write_only(lambda data: bus.unbind(driver, _device(bus, data))),
        "uevent": lambda: _uevent_file(kernel, driver.devpath, "drivers", alive),
    }
    if isinstance(bus, PciBus):
        entries["new_id"] = write_only(
            lambda data: dynamic_ids.add(bus, driver, text.pci_id_fields(data, 7))
        )
        entries["remove_id"] = write_only(
            lambda data: dynamic_ids.remove(driver, text.pci_id_fields(data, 6))
        )
    module = kernel.modules.find(driver.module.name) if driver.module else None
    if module is not None and is_shown(kernel, module):
        target = f"/module/{module.name}"
        entries["module"] = lambda: link(f"{driver.devpath}/module", target)
    return Directory(entries, _bound_devices(driver))


def _bound_devices(driver: Driver) -> Listing:
    def child(name: str) -> Node | None:
        device = driver.devices.get(name)
        return link(f"{driver.devpath}/{name}", device.devpath) if device else None

    return Listing(lambda: list(driver.devices), child)


def _device(bus: Bus[Any], data: bytes) -> Device:
    """Return the device that a write names.

    :raises KernelRefusal: ENODEV, the bus has no device of that name.

    Source: drivers/base/bus.c bus_find_device_by_name(). Rule: R-NAME-1.
    """
    device: Device | None = bus.devices.get(text.device_name(data))
    if device is None:
        raise KernelRefusal(ENODEV, "R-NAME-1")
    return device


def _uevent_file(
    kernel: Kernel,
    devpath: str,
    subsystem: str,
    alive: Callable[[], bool] = lambda: True,
) -> Attribute:
    """Return the ``uevent`` file of a bus or driver.

    Source: drivers/base/bus.c bus_uevent_store(), uevent_store(). Rule: R-UEV-3.
    """

    def store(data: bytes) -> None:
        action, variables = text.synthetic_uevent(data)
        kernel.uevents.emit(action, devpath, ("SUBSYSTEM", subsystem), *variables)

    return Attribute(mode=0o200, store=store, alive=alive)
