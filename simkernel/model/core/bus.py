"""The driver core: which driver a device gets, and how it loses it.

One bus with its devices and drivers. How ids match is each bus's own rule.

Source of the whole: drivers/base/bus.c, drivers/base/dd.c.
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY, EINVAL, ENODEV
from typing import TYPE_CHECKING, Generic, TypeVar

from simkernel.errors import KernelRefusal
from simkernel.model.core import probe
from simkernel.model.core.device import Device
from simkernel.model.core.driver import Driver
from simkernel.model.core.lock import device_lock, wait_for_lock
from simkernel.model.core.notifier import Change, Kind

if TYPE_CHECKING:
    from simkernel.model.core.driver import PciId
    from simkernel.model.kernel import Kernel

__all__ = ["Bus"]

_EPROBE_DEFER = 517
"""Kernel-internal errno: try again later (include/linux/errno.h)."""

AnyDevice = TypeVar("AnyDevice", bound=Device)


class Bus(Generic[AnyDevice]):
    """A bus of the driver core."""

    def __init__(self, kernel: Kernel, name: str) -> None:
        self.kernel = kernel
        self.name = name
        self.devices: dict[str, AnyDevice] = {}
        """Devices by name, in the order in which they were added."""
        self.drivers: dict[str, Driver] = {}
        """Drivers by name, in the order in which they registered."""
        self.autoprobe = True
        """What ``drivers_autoprobe`` reads."""

    def match(self, driver: Driver, device: AnyDevice) -> PciId | None:
        """Return the id entry by which the driver takes the device, None: it won't."""
        raise NotImplementedError

    # ---- devices

    def add_device(self, device: AnyDevice) -> None:
        """Make a device known; it is not probed yet."""
        self.devices[device.name] = device
        self.notify(Change.ADDED, device)
        self.emit("add", device)

    def remove_device(self, device: AnyDevice) -> None:
        """Forget a device; its driver lets go of it first."""
        if device.driver is not None:
            self.release(device)
        device.dead = True
        del self.devices[device.name]
        self.kernel.iommu.remove(device)
        self.notify(Change.REMOVED, device)
        self.emit("remove", device)

    def notify(self, change: Change, device: Device) -> None:
        """Tell observers of a device that came, went or changed its links.

        Source: drivers/base/bus.c bus_notify().
        """
        self.kernel.notifier.notify(change, Kind.DEVICE, device.devpath)

    def emit(self, action: str, device: Device, *more: tuple[str, str]) -> None:
        """Send a uevent of a device.

        ``DRIVER`` is in every event of a bound device, ``MODALIAS`` in every one
        but ``unbind``.

        Source: drivers/base/core.c dev_uevent(); observed on 6.12. Rule: R-UEV-1.
        """
        variables = [("SUBSYSTEM", self.name), *more]
        if device.driver is not None:
            variables.append(("DRIVER", device.driver.name))
        variables += device.uevent_variables()
        if action != "unbind" and device.modalias:
            variables.append(("MODALIAS", device.modalias))
        self.kernel.uevents.emit(action, device.devpath, *variables)

    # ---- drivers

    def check_free(self, name: str) -> None:
        """Refuse a driver name that is taken.

        :raises KernelRefusal: EBUSY.

        Source: drivers/base/driver.c driver_register(). Rule: R-DRV-1.
        """
        if name in self.drivers:
            raise KernelRefusal(EBUSY, "R-DRV-1")

    def register_driver(self, driver: Driver) -> None:
        """Add a driver; with autoprobe on, it gets every free device that it matches.

        Source: drivers/base/bus.c bus_add_driver(). Rule: R-DRV-2.
        """
        self.check_free(driver.name)
        self.drivers[driver.name] = driver
        self._notify_driver(Change.ADDED, driver)
        if self.autoprobe:
            self.attach_driver(driver)
        self.kernel.uevents.emit("add", driver.devpath, ("SUBSYSTEM", "drivers"))

    def unregister_driver(self, driver: Driver) -> None:
        """Take a driver away; its devices are released, last bound first.

        No other driver is offered the devices.

        Source: drivers/base/dd.c driver_detach(). Rule: R-DRV-3.
        """
        while driver.devices:
            self.release(list(driver.devices.values())[-1])
        del self.drivers[driver.name]
        self._notify_driver(Change.REMOVED, driver)
        self.kernel.uevents.emit("remove", driver.devpath, ("SUBSYSTEM", "drivers"))

    def _notify_driver(self, change: Change, driver: Driver) -> None:
        self.kernel.notifier.notify(change, Kind.DRIVER, driver.devpath)

    def attach_driver(self, driver: Driver) -> None:
        """Offer a driver every free device, in device order; failures are ignored.

        Source: drivers/base/dd.c driver_attach(). Rule: R-DRV-2.
        """
        for device in list(self.devices.values()):
            if device.driver is not None or device.dead:
                continue
            entry = self.match(driver, device)
            if entry is None:
                continue
            try:
                self._attach(driver, device, entry)
            except KernelRefusal:
                continue  # __driver_attach() returns 0 whatever the probe said

    # ---- bind, unbind, probe

    def bind(self, driver: Driver, device: AnyDevice) -> None:
        """Bind a device to one driver.

        :raises KernelRefusal: ENODEV, no match; EBUSY, bound already or the group's
            DMA is a user's; EAGAIN, the probe defers; else the probe's errno.

        Source: drivers/base/bus.c bind_store(). Rules: R-BIND-2, R-BIND-3, R-BIND-4,
        R-BIND-5, R-BIND-6.
        """
        entry = self.match(driver, device)
        if entry is None:
            raise KernelRefusal(ENODEV, "R-BIND-2")
        try:
            self._attach(driver, device, entry)
        except KernelRefusal as refusal:
            if not self.kernel.features.bind_reports_probe_errno:
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

    def probe(self, device: AnyDevice) -> None:
        """Offer a device to the drivers in registration order.

        Succeeds also when nothing binds.

        :raises KernelRefusal: EINVAL, a driver could not even be tried: the group's
            DMA is a user's.

        Source: drivers/base/bus.c drivers_probe_store(), dd.c __device_attach().
        Rule: R-PROBE-1.
        """
        wait_for_lock(self.kernel, device)
        if device.driver is not None:
            return
        for driver in list(self.drivers.values()):
            entry = self.match(driver, device)
            if entry is None:
                continue
            try:
                self._attach(driver, device, entry)
            except probe.ProbeFailure:
                continue
            except KernelRefusal:
                raise KernelRefusal(EINVAL, "R-PROBE-2") from None
            return

    def release(self, device: Device, *, only: Driver | None = None) -> None:
        """Take a bound device from its driver.

        :param only: from this driver; None: whichever it is.

        Source: drivers/base/dd.c __device_release_driver(): both links go first,
        then the driver's remove function runs. Rule: R-UNBIND-2.
        """
        with device_lock(self.kernel, device):
            driver = device.driver
            if driver is None or only not in (None, driver):
                return
            del driver.devices[device.name]
            device.driver = None
            self.notify(Change.CHANGED, device)
            probe.remove(self.kernel, driver, device)
            self.notify(Change.CHANGED, device)
            self.emit("unbind", device)

    def _attach(self, driver: Driver, device: AnyDevice, entry: PciId) -> None:
        """Bind a matching device.

        Source: drivers/base/dd.c really_probe(). Rules: R-BIND-3, R-BIND-4.
        """
        with device_lock(self.kernel, device):
            if device.dead:
                raise KernelRefusal(ENODEV, "R-BIND-1")
            if device.driver is not None:
                raise KernelRefusal(EBUSY, "R-BIND-3")
            group = device.iommu_group
            if group is not None and not (driver.spec.managed_dma or driver.spec.vfio):
                group.use_default_domain()
            device.driver = driver
            driver.devices[device.name] = device
            self.notify(Change.CHANGED, device)
            try:
                probe.probe(self.kernel, driver, device, entry)
            except KernelRefusal:
                del driver.devices[device.name]
                device.driver = None
                self.notify(Change.CHANGED, device)
                raise
            self.notify(Change.CHANGED, device)
            self.emit("bind", device)
