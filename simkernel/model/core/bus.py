"""The driver core: binds devices to drivers, and releases them.

The hooks ``match``, ``uevent``, ``probe``, ``remove`` and ``dma_configure`` are those
of ``struct bus_type``: each bus overrides what differs from the driver core.

Source of the whole: drivers/base/bus.c, drivers/base/dd.c, include/linux/device/bus.h.
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY, EINVAL, ENODEV
from typing import Generic, TypeVar

from simkernel.errors import KernelRefusal
from simkernel.model.core.device import Device, Driver
from simkernel.model.core.driver_spec import PciId
from simkernel.model.core.lock import device_lock, wait_for_lock
from simkernel.model.core.notifier import Change, Kind
from simkernel.model.core.probe import ProbeFailure, play_probe, play_remove
from simkernel.model.core.services import Services

__all__ = ["Bus"]

_EPROBE_DEFER = 517
"""Kernel-internal errno: try again later (include/linux/errno.h)."""

AnyDevice = TypeVar("AnyDevice", bound=Device)


class Bus(Generic[AnyDevice]):
    """A bus with its devices and drivers."""

    def __init__(self, services: Services, name: str) -> None:
        self.services = services
        self.name = name
        self.devices: dict[str, AnyDevice] = {}
        """Devices by name, in the order in which they were added."""
        self.drivers: dict[str, Driver] = {}
        """Drivers by name, in the order in which they registered."""
        self.autoprobe = True
        """Value of ``drivers_autoprobe``."""

    # ---- hooks of the bus

    def match(self, driver: Driver, device: AnyDevice) -> PciId | None:
        """Return the id entry that matches a device; None: no match."""
        raise NotImplementedError

    def uevent(self, device: AnyDevice) -> tuple[tuple[str, str], ...]:
        """Return the bus's uevent variables, without ``MODALIAS``."""
        return ()

    def probe(self, driver: Driver, device: AnyDevice, entry: PciId) -> None:
        """Play the driver's probe function.

        :raises ProbeFailure: with the errno that probe returns.
        """
        play_probe(self.services.clock, driver, device, entry)

    def remove(self, driver: Driver, device: AnyDevice) -> None:
        """Play the driver's remove function."""
        play_remove(self.services.clock, driver, device)

    def dma_configure(self, driver: Driver, device: AnyDevice) -> None:
        """Prepare a device's DMA for a driver, before its probe function runs.

        :raises KernelRefusal: EBUSY, a user owns the DMA of the device's group.

        Source: drivers/pci/pci-driver.c pci_dma_configure(), drivers/base/platform.c
        platform_dma_configure(). Rule: R-IOMMU-2.
        """
        group = device.iommu_group
        if group is not None and not (driver.spec.managed_dma or driver.spec.vfio):
            group.use_default_domain()

    # ---- devices

    def add_device(self, device: AnyDevice) -> None:
        """Add a device to the bus, without a probe.

        Source: drivers/base/core.c device_add().
        """
        self.devices[device.name] = device
        self.notify(Change.ADDED, device)
        self.emit("add", device)

    def remove_device(self, device: AnyDevice) -> None:
        """Remove a device from the bus; its driver releases it first.

        Source: drivers/base/core.c device_del().
        """
        if device.driver is not None:
            self.release(device)
        device.dead = True
        del self.devices[device.name]
        self.services.iommu.remove(device)
        self.notify(Change.REMOVED, device)
        self.emit("remove", device)

    def notify(self, change: Change, device: AnyDevice) -> None:
        """Tell observers that a device came, went or changed its links.

        Source: drivers/base/bus.c bus_notify().
        """
        self.services.notifier.notify(change, Kind.DEVICE, device.devpath)

    def emit(self, action: str, device: AnyDevice, *more: tuple[str, str]) -> None:
        """Send a uevent of a device.

        Every event of a bound device has ``DRIVER``; every event but ``unbind`` has
        ``MODALIAS``.

        :param more: variables that user space added.

        Source: drivers/base/core.c dev_uevent(); observed on 6.12. Rule: R-UEV-1.
        """
        variables = [("SUBSYSTEM", self.name), *more]
        if device.driver is not None:
            variables.append(("DRIVER", device.driver.name))
        variables += self.uevent(device)
        if action != "unbind" and device.modalias:
            variables.append(("MODALIAS", device.modalias))
        self.services.uevents.emit(action, device.devpath, *variables)

    # ---- drivers

    def check_free(self, name: str) -> None:
        """Refuse a driver name that is taken.

        :raises KernelRefusal: EBUSY.

        Source: drivers/base/driver.c driver_register(). Rule: R-DRV-1.
        """
        if name in self.drivers:
            raise KernelRefusal(EBUSY, "R-DRV-1")

    def register_driver(self, driver: Driver) -> None:
        """Add a driver; with autoprobe on, offer it every free device.

        :raises KernelRefusal: EBUSY, its name is taken.

        Source: drivers/base/bus.c bus_add_driver(). Rule: R-DRV-2.
        """
        self.check_free(driver.name)
        self.drivers[driver.name] = driver
        self._announce_driver(Change.ADDED, driver)
        if self.autoprobe:
            self.attach_driver(driver)
        self._emit_driver("add", driver)

    def unregister_driver(self, driver: Driver) -> None:
        """Remove a driver; it releases its devices first, last bound first.

        No other driver is offered the devices.

        Source: drivers/base/dd.c driver_detach(). Rule: R-DRV-3.
        """
        while driver.devices:
            self.release(self.devices[next(reversed(driver.devices))])
        del self.drivers[driver.name]
        self._announce_driver(Change.REMOVED, driver)
        self._emit_driver("remove", driver)

    def _announce_driver(self, change: Change, driver: Driver) -> None:
        self.services.notifier.notify(change, Kind.DRIVER, driver.devpath)

    def _emit_driver(self, action: str, driver: Driver) -> None:
        subsystem = "SUBSYSTEM", "drivers"
        self.services.uevents.emit(action, driver.devpath, subsystem)

    def attach_driver(self, driver: Driver) -> None:
        """Offer a driver every free device, in device order; ignore failures.

        Source: drivers/base/dd.c driver_attach(). Rule: R-DRV-2.
        """
        for device in list(self.devices.values()):
            if device.driver is not None or device.dead:
                continue
            entry = self.match(driver, device)
            if entry is None:
                continue
            try:
                self._really_probe(driver, device, entry)
            except KernelRefusal:
                continue  # __driver_attach() returns 0 whatever the probe said

    # ---- bind, unbind, probe

    def bind(self, driver: Driver, device: AnyDevice) -> None:
        """Bind a device to one driver.

        :raises KernelRefusal: ENODEV, no match; EBUSY, already bound, or a user owns
            the group's DMA; EAGAIN, the probe defers; else the probe's errno.

        Source: drivers/base/bus.c bind_store(). Rules: R-BIND-2, R-BIND-3, R-BIND-4,
        R-BIND-5, R-BIND-6.
        """
        entry = self.match(driver, device)
        if entry is None:
            raise KernelRefusal(ENODEV, "R-BIND-2")
        try:
            self._really_probe(driver, device, entry)
        except KernelRefusal as refusal:
            if not self.services.features.bind_reports_probe_errno:
                raise KernelRefusal(ENODEV, "R-BIND-6") from None
            if refusal.errno == _EPROBE_DEFER:
                raise KernelRefusal(EAGAIN, "R-BIND-5") from None
            raise

    def unbind(self, driver: Driver, device: AnyDevice) -> None:
        """Release a device from the driver that it is bound to.

        :raises KernelRefusal: ENODEV, the device is not bound to this driver.

        Source: drivers/base/bus.c unbind_store(). Rule: R-UNBIND-1.
        """
        if device.driver is not driver:
            raise KernelRefusal(ENODEV, "R-UNBIND-1")
        self.release(device, only=driver)

    def attach_device(self, device: AnyDevice) -> None:
        """Offer a device to the drivers in registration order.

        Succeeds even if no driver binds.

        :raises KernelRefusal: EINVAL, a driver could not even be tried: a user owns
            the group's DMA.

        Source: drivers/base/bus.c drivers_probe_store(), dd.c __device_attach().
        Rule: R-PROBE-1.
        """
        wait_for_lock(self.services.clock, device)
        if device.driver is not None:
            return
        for driver in list(self.drivers.values()):
            entry = self.match(driver, device)
            if entry is None:
                continue
            try:
                self._really_probe(driver, device, entry)
            except ProbeFailure:
                continue
            except KernelRefusal:
                raise KernelRefusal(EINVAL, "R-PROBE-2") from None
            return

    def release(self, device: AnyDevice, *, only: Driver | None = None) -> None:
        """Release a bound device from its driver.

        :param only: do nothing if another driver has it meanwhile; None: any driver.

        Source: drivers/base/dd.c __device_release_driver(): both links go first,
        then the driver's remove function runs. Rule: R-UNBIND-2.
        """
        with device_lock(self.services.clock, device):
            driver = device.driver
            if driver is None or only not in (None, driver):
                return
            self._unlink(driver, device)
            self.remove(driver, device)
            self.notify(Change.CHANGED, device)
            self.emit("unbind", device)

    def _really_probe(self, driver: Driver, device: AnyDevice, entry: PciId) -> None:
        """Bind a matching device.

        Source: drivers/base/dd.c really_probe(). Rules: R-BIND-3, R-BIND-4.
        """
        with device_lock(self.services.clock, device):
            if device.dead:
                raise KernelRefusal(ENODEV, "R-BIND-1")
            if device.driver is not None:
                raise KernelRefusal(EBUSY, "R-BIND-3")
            self.dma_configure(driver, device)
            device.driver = driver
            driver.devices[device.name] = device
            self.notify(Change.CHANGED, device)
            try:
                self.probe(driver, device, entry)
            except KernelRefusal:
                self._unlink(driver, device)
                raise
            self.notify(Change.CHANGED, device)
            self.emit("bind", device)

    def _unlink(self, driver: Driver, device: AnyDevice) -> None:
        """Remove both links between a driver and a device."""
        del driver.devices[device.name]
        device.driver = None
        self.notify(Change.CHANGED, device)
