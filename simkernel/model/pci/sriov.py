"""SR-IOV: virtual functions that a write brings and takes away."""

from __future__ import annotations

from dataclasses import replace
from errno import EBUSY, EIO, ENOENT, ENOMEM, ERANGE
from typing import TYPE_CHECKING

from simkernel.errors import KernelRefusal
from simkernel.model.core.lock import device_lock
from simkernel.model.core.notifier import Change
from simkernel.model.pci.function import PciDevice, PciFunction, SriovCapability

if TYPE_CHECKING:
    from simkernel.model.core.device import Device
    from simkernel.model.core.driver import Driver
    from simkernel.model.kernel import Kernel

__all__ = ["disable", "driver_gone", "enable", "restore", "set_numvfs"]

_ALL_ONES = 0xFFFF
"""What a register of 16 bits reads as when nothing answers."""


def set_numvfs(kernel: Kernel, device: PciDevice, count: int) -> None:
    """Have ``count`` virtual functions, as a write to ``sriov_numvfs`` asks.

    :raises KernelRefusal: ERANGE, more than the hardware has; ENOENT, no driver that
        can; EBUSY, another number than 0 is enabled; else the driver's errno.

    Source: drivers/pci/iov.c sriov_numvfs_store(): in this order. Rules: R-SRIOV-1,
    R-SRIOV-2, R-SRIOV-3, R-SRIOV-4, R-SRIOV-5.
    """
    capability, state = device.function.sriov, device.sriov
    if capability is None or state is None:
        raise KernelRefusal(ENOENT, "R-SRIOV-1")
    if count > capability.total_vfs:
        raise KernelRefusal(ERANGE, "R-SRIOV-2")
    with device_lock(kernel, device):
        if count == len(state.virtual_functions):
            return
        driver = device.driver
        if driver is None or not driver.spec.sriov:
            raise KernelRefusal(ENOENT, "R-SRIOV-3")
        if count and state.virtual_functions:
            raise KernelRefusal(EBUSY, "R-SRIOV-4")
        _configure(kernel, device, driver, count)


def _configure(kernel: Kernel, device: PciDevice, driver: Driver, count: int) -> None:
    """Play the driver's ``sriov_configure``.

    A driver whose ``sriov_enable_parameter`` is off answers ENOENT, as vfio-pci does
    (drivers/vfio/pci/vfio_pci.c vfio_pci_sriov_configure()). Rule: R-SRIOV-5.
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
        return  # the driver enabled fewer than asked; that is no error
    if count == 0:
        disable(kernel, device)
    else:
        enable(kernel, device, count)


def enable(kernel: Kernel, device: PciDevice, count: int) -> None:
    """Create virtual functions and probe each.

    :raises KernelRefusal: EIO, the hardware is gone: its registers read as all ones,
        which is more than it can have; ENOMEM, it was gone when they were last read,
        and so there is no bus with the numbers that come out.

    Source: drivers/pci/iov.c sriov_enable(), pci_iov_add_virtfn(). Rules: R-SRIOV-6,
    R-SRIOV-9, R-SRIOV-10.
    """
    capability, state = device.function.sriov, device.sriov
    if capability is None or state is None:
        return
    bus = kernel.pci
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
            kernel.vfio.capture(device.driver, virtual)
        bus.emit("change", virtual)
        bus.start(virtual)
    bus.emit("change", device)


def _virtual_function(
    device: PciDevice, capability: SriovCapability, index: int
) -> PciFunction:
    """Return the hardware of one virtual function.

    Its configuration space shows no ids of its own; the kernel takes them from the
    capability (drivers/pci/iov.c pci_iov_set_numvfs(), virtfn setup).
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


def disable(kernel: Kernel, device: PciDevice) -> None:
    """Take all virtual functions away; no uevent says so of the physical one.

    Source: drivers/pci/iov.c sriov_disable(). Rule: R-SRIOV-7.
    """
    if device.sriov is None or not device.sriov.virtual_functions:
        return
    while device.sriov.virtual_functions:
        virtual = device.sriov.virtual_functions.pop(0)
        kernel.pci.notify(Change.CHANGED, device)
        kernel.pci.remove(virtual)
    _read_place(kernel, device)


def restore(kernel: Kernel, device: PciDevice) -> None:
    """Bring the capability to what it was before a reset.

    Source: drivers/pci/iov.c sriov_restore_state(): all ones look as if nothing had
    been lost. Rule: R-SRIOV-10.
    """
    if device.sriov is not None and kernel.pci.answers(device):
        _read_place(kernel, device)


def _read_place(kernel: Kernel, device: PciDevice) -> None:
    """Read where virtual functions are; of hardware that is gone, all ones.

    Source: drivers/pci/iov.c pci_iov_set_numvfs(). Rule: R-SRIOV-10.
    """
    capability, state = device.function.sriov, device.sriov
    if capability is None or state is None:
        return
    state.offset, state.stride = capability.offset, capability.stride
    if not kernel.pci.answers(device):
        state.offset = state.stride = _ALL_ONES


def driver_gone(kernel: Kernel, driver: Driver, device: Device) -> None:
    """Play what the remove function of a physical function's driver does.

    A driver disables SR-IOV; one with its ``keeps_vfs_parameter`` on leaves the
    virtual functions behind. Rule: R-SRIOV-8.
    """
    if isinstance(device, PciDevice) and not driver.parameter(
        driver.spec.keeps_vfs_parameter
    ):
        disable(kernel, device)
