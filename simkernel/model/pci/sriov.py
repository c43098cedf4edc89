"""SR-IOV: virtual functions that a write creates and removes.

Source of the whole: drivers/pci/iov.c.
"""

from __future__ import annotations

from dataclasses import replace
from errno import EBUSY, EIO, ENOENT, ENOMEM, ERANGE
from typing import Protocol

from simkernel.errors import KernelRefusal
from simkernel.model.core.device import Driver
from simkernel.model.core.lock import device_lock
from simkernel.model.core.notifier import Change
from simkernel.model.core.services import Services
from simkernel.model.pci import vfio_pci
from simkernel.model.pci.function import PciDevice, PciFunction, SriovCapability

__all__ = ["SriovBus", "disable", "enable", "restore", "set_numvfs"]

_ALL_ONES = 0xFFFF
"""Value of a 16-bit register when no hardware answers."""


class SriovBus(Protocol):
    """What SR-IOV needs of the PCI bus."""

    services: Services

    def answers(self, device: PciDevice) -> bool:
        """Tell whether the hardware of a device answers."""

    def add_function(
        self,
        function: PciFunction,
        parent: PciDevice | None,
        *,
        physfn: PciDevice | None = None,
    ) -> PciDevice:
        """Add the device of a function, without a probe."""

    def start(self, device: PciDevice) -> None:
        """Probe a new device."""

    def stop_and_remove(self, device: PciDevice) -> None:
        """Remove a device."""

    def notify(self, change: Change, device: PciDevice) -> None:
        """Tell observers of a change of a device."""

    def emit(self, action: str, device: PciDevice) -> None:
        """Send a uevent of a device."""


def set_numvfs(bus: SriovBus, device: PciDevice, count: int) -> None:
    """Enable ``count`` virtual functions, by ``sriov_numvfs``.

    :raises KernelRefusal: ERANGE, more than the hardware has; ENOENT, no driver with
        ``sriov_configure``; EBUSY, a different number is enabled; else the driver's
        errno.

    Source: drivers/pci/iov.c sriov_numvfs_store(), in this order. Rules: R-SRIOV-1,
    R-SRIOV-2, R-SRIOV-3, R-SRIOV-4, R-SRIOV-5.
    """
    capability, state = device.function.sriov, device.sriov
    if capability is None or state is None:
        raise KernelRefusal(ENOENT, "R-SRIOV-1")
    if count > capability.total_vfs:
        raise KernelRefusal(ERANGE, "R-SRIOV-2")
    with device_lock(bus.services.clock, device):
        if count == len(state.virtual_functions):
            return
        driver = device.driver
        if driver is None or not driver.spec.sriov:
            raise KernelRefusal(ENOENT, "R-SRIOV-3")
        if count and state.virtual_functions:
            raise KernelRefusal(EBUSY, "R-SRIOV-4")
        _configure(bus, device, driver, count)


def _configure(bus: SriovBus, device: PciDevice, driver: Driver, count: int) -> None:
    """Play the driver's ``sriov_configure``.

    If the ``sriov_enable_parameter`` is off, it is ENOENT, as for vfio-pci.

    Source: drivers/vfio/pci/vfio_pci.c vfio_pci_sriov_configure(). Rule: R-SRIOV-5.
    """
    spec = driver.spec
    if spec.sriov_enable_parameter and not driver.parameter(
        spec.sriov_enable_parameter
    ):
        raise KernelRefusal(ENOENT, "R-SRIOV-5")
    result = driver.parameter(spec.sriov_result_parameter)
    if result < 0:
        raise KernelRefusal(-result, "R-SRIOV-5")
    if result > 0:
        return  # the driver enabled fewer functions; sysfs reports success
    if count == 0:
        disable(bus, device)
    else:
        enable(bus, device, count)


def enable(bus: SriovBus, device: PciDevice, count: int) -> None:
    """Create virtual functions and probe each.

    :raises KernelRefusal: EIO, the hardware does not answer: its registers read as
        all ones, more functions than it can have; ENOMEM, it did not answer at the
        last read, and no bus has the resulting number.

    Source: drivers/pci/iov.c sriov_enable(), pci_iov_add_virtfn(). Rules: R-SRIOV-6,
    R-SRIOV-9, R-SRIOV-10.
    """
    capability, state = device.function.sriov, device.sriov
    if capability is None or state is None:
        return
    if not bus.answers(device):
        raise KernelRefusal(EIO, "R-SRIOV-9")
    if state.offset == _ALL_ONES:
        raise KernelRefusal(ENOMEM, "R-SRIOV-10")
    for index in range(count):
        function = _virtual_function(device, capability, index)
        virtual = bus.add_function(function, device.parent, physfn=device)
        state.virtual_functions.append(virtual)
        bus.notify(Change.CHANGED, device)
        if device.driver is not None and device.driver.spec.vfio:
            vfio_pci.capture(device.driver, virtual)
        bus.emit("change", virtual)
        bus.start(virtual)
    bus.emit("change", device)


def _virtual_function(
    device: PciDevice, capability: SriovCapability, index: int
) -> PciFunction:
    """Return the hardware of one virtual function.

    Its configuration space has no ids; the kernel takes them from the capability.

    Source: drivers/pci/iov.c pci_iov_add_virtfn(), pci_iov_set_numvfs().
    """
    physical = device.function
    address = physical.address.routing_id_plus(
        capability.offset + index * capability.stride
    )
    subdevice = capability.vf_subdevice
    return replace(
        physical,
        address=address,
        device=capability.vf_device,
        subdevice=physical.subdevice if subdevice is None else subdevice,
        iommu_label=None if physical.iommu_label is None else address,
        iommu_number=None,
        sriov=None,
        reset_methods=("flr",),
        netdev=capability.vf_netdev.format(index=index),
    )


def disable(bus: SriovBus, device: PciDevice) -> None:
    """Remove all virtual functions, without a uevent of the PF.

    Source: drivers/pci/iov.c sriov_disable(). Rule: R-SRIOV-7.
    """
    if device.sriov is None or not device.sriov.virtual_functions:
        return
    while device.sriov.virtual_functions:
        virtual = device.sriov.virtual_functions.pop(0)
        bus.notify(Change.CHANGED, device)
        bus.stop_and_remove(virtual)
    _read_registers(bus, device)


def restore(bus: SriovBus, device: PciDevice) -> None:
    """Restore the capability after a reset.

    Source: drivers/pci/iov.c sriov_restore_state(): registers that read as all ones
    look as if the reset had not cleared them. Rule: R-SRIOV-10.
    """
    if bus.answers(device):
        _read_registers(bus, device)


def _read_registers(bus: SriovBus, device: PciDevice) -> None:
    """Read offset and stride; all ones if the hardware does not answer.

    Source: drivers/pci/iov.c pci_iov_set_numvfs(). Rule: R-SRIOV-10.
    """
    capability, state = device.function.sriov, device.sriov
    if capability is None or state is None:
        return
    state.offset, state.stride = capability.offset, capability.stride
    if not bus.answers(device):
        state.offset = state.stride = _ALL_ONES
