"""Control file that plugs and unplugs synthetic functions.

On a real kernel, the module ``simpci`` has this file, so one script drives both.
A command is a line of hexadecimal numbers::

    add BUS SLOT FUNCTION VENDOR DEVICE SUBVENDOR SUBDEVICE CLASS FLAGS
    del BUS SLOT FUNCTION
"""

from __future__ import annotations

from errno import EINVAL, ENODEV, ENOENT

from simkernel.errors import KernelRefusal
from simkernel.filesystems.node import Attribute, Directory
from simkernel.model.kernel import Kernel
from simkernel.model.pci.function import PciAddress, PciFunction, SriovCapability

__all__ = ["hotplug"]

_ACS, _SRIOV, _FLR = 1, 2, 4
"""Flags of ``add``: own IOMMU group, eight virtual functions, function-level reset."""


def hotplug(kernel: Kernel) -> Directory:
    """Return the directory with the control file ``cmd``."""
    return Directory(
        {"cmd": lambda: Attribute(mode=0o200, store=lambda data: _store(kernel, data))}
    )


def _store(kernel: Kernel, data: bytes) -> None:
    """Carry out one command.

    :raises KernelRefusal: EINVAL, not a command; ENODEV, no such bus; ENOENT, ``del``
        of a function that does not exist. Rule: R-LAB-1.
    """
    verb, *words = data.decode("latin-1").split()
    try:
        numbers = [int(word, 16) for word in words]
    except ValueError:
        raise KernelRefusal(EINVAL, "R-LAB-1") from None
    if verb == "add" and len(numbers) == 9:
        _add(kernel, numbers)
    elif verb == "del" and len(numbers) == 3:
        bus, slot, function = numbers
        try:
            kernel.pci.unplug(str(PciAddress(0, bus, slot << 3 | function)))
        except (KeyError, ValueError):
            raise KernelRefusal(ENOENT, "R-LAB-1") from None
    else:
        raise KernelRefusal(EINVAL, "R-LAB-1")


def _add(kernel: Kernel, numbers: list[int]) -> None:
    bus, slot, function, vendor, device, subvendor, subdevice, class_, flags = numbers
    if not kernel.pci.has_bus(0, bus):
        raise KernelRefusal(ENODEV, "R-LAB-1")
    address = PciAddress(0, bus, slot << 3 | function)
    sriov = None
    if flags & _SRIOV:
        sriov = SriovCapability(total_vfs=8, offset=8, stride=1, vf_device=device + 1)
    kernel.pci.plug(
        PciFunction(
            address=address,
            vendor=vendor,
            device=device,
            subvendor=subvendor,
            subdevice=subdevice,
            class_=class_,
            iommu_label=address if flags & _ACS else (address.bus, slot),
            sriov=sriov,
            reset_methods=("flr",) if flags & _FLR else (),
            lost_with_bus=True,
        )
    )
