"""The kernel as one object, which connects the subsystems."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simkernel.model.core.bus import Bus
from simkernel.model.core.faults import Faults
from simkernel.model.core.features import Features
from simkernel.model.core.services import Services
from simkernel.model.modules.spec import DeviceSpec
from simkernel.model.modules.table import Functions, Modules
from simkernel.model.other_buses import OtherBus, OtherDevice
from simkernel.model.pci.bus import PciBus
from simkernel.model.vfio.core import Vfio

__all__ = ["Kernel"]


class Kernel:
    """A running kernel.

    :param release: as ``uname -r`` prints it; it decides the features.
    :param cdev: built with ``CONFIG_VFIO_DEVICE_CDEV``.
    :param cmdline: text of ``/proc/cmdline``, without newline.
    :param boot_id: UUID of this boot.
    :param buses: buses other than PCI, of those in :data:`BUS_KINDS`.
    :param lockdown: ``integrity`` or ``confidentiality``; empty: not locked down.
    :raises ValueError: ``release`` does not begin with ``<major>.<minor>``.
    """

    def __init__(
        self,
        release: str,
        *,
        cdev: bool = False,
        cmdline: str = "",
        boot_id: str = "",
        buses: Iterable[str] = ("platform",),
        lockdown: str = "",
    ) -> None:
        self.release = release
        self.cmdline = cmdline
        self.lockdown = lockdown
        self.boot_id = boot_id
        self.services = Services(Features.of_release(release))
        self.features = self.services.features
        self.clock = self.services.clock
        self.uevents = self.services.uevents
        self.notifier = self.services.notifier
        self.iommu = self.services.iommu
        self.vfio = Vfio(self.services, cdev=cdev)
        self.pci = PciBus(self.services, self.vfio)
        self.other_buses = {
            name: OtherBus(self.services, self.vfio, name) for name in buses
        }
        self.buses: dict[str, Bus[Any]] = {"pci": self.pci, **self.other_buses}
        """All buses by name."""
        self.modules = Modules(
            self.services,
            self.buses,
            self.add_other_device,
            functions={"vfio": Functions(self.vfio.init, self.vfio.exit)},
            cmdline=cmdline,
            lockdown=lockdown,
        )
        self.faults = Faults(self.hot_unplug)

    def add_other_device(self, spec: DeviceSpec) -> OtherDevice:
        """Add a device to a bus other than PCI and probe it.

        :raises KeyError: the kernel has no such bus.
        """
        bus = self.other_buses[spec.bus]
        return bus.add(spec.name, spec.id, iommu=spec.iommu)

    def hot_unplug(self, name: str) -> None:
        """Remove a PCI function from the hardware, and its device.

        Source: drivers/pci/hotplug/pciehp_pci.c pciehp_unconfigure_device().
        """
        device = self.pci.devices.get(name)
        if device is None:
            return
        if device.physfn is None:
            self.pci.unplug(name)
        self.pci.stop_and_remove(device)
