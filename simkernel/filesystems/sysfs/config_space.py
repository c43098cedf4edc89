"""The configuration space of a PCI function.

Source: include/uapi/linux/pci_regs.h.
"""

from __future__ import annotations

import struct

from simkernel.model.kernel import Kernel
from simkernel.model.pci.function import PciDevice

__all__ = ["render", "size_of"]

_SIZE = 256
_EXPRESS_SIZE = 4096
_CAPABILITIES_LIST = 0x10
_PCI_EXPRESS = 0x10
_CAN_RESET = 1 << 28
"""PCI_EXP_DEVCAP_FLR."""
_MULTI_FUNCTION = 0x80
_VIRTUAL_IDS = (0xFFFF, 0xFFFF)


def size_of(device: PciDevice) -> int:
    """Return the size of a function's configuration space in bytes.

    Source: drivers/pci/probe.c pci_cfg_space_size(). Rule: R-PCI-8.
    """
    return _EXPRESS_SIZE if device.function.express else _SIZE


def render(kernel: Kernel, device: PciDevice) -> bytes:
    """Return ``config``; all ones if the hardware does not answer.

    Vendor and device id of a virtual function read as 0xffff; the kernel takes them
    from the physical function.

    Source: PCI Express SR-IOV specification, 3.4.1.1.
    """
    if not kernel.pci.answers(device):
        return b"\xff" * size_of(device)
    it = device.function
    vendor, identity = _VIRTUAL_IDS if device.physfn else (it.vendor, it.device)
    space = bytearray(size_of(device))
    status = _CAPABILITIES_LIST if it.express else 0
    struct.pack_into("<HHHH", space, 0x00, vendor, identity, 0, status)
    struct.pack_into("<I", space, 0x08, it.class_ << 8 | it.revision)
    header = _MULTI_FUNCTION | (1 if device.is_bridge else 0)
    space[0x0E] = header
    if device.is_bridge and it.secondary_bus is not None:
        own, behind = it.address.bus, it.secondary_bus
        struct.pack_into("<BBB", space, 0x18, own, behind, behind)
    else:
        struct.pack_into("<HH", space, 0x2C, it.subvendor, it.subdevice)
    if it.express:
        space[0x34] = 0x40
        capable = _CAN_RESET if "flr" in it.reset_methods else 0
        struct.pack_into("<BBHI", space, 0x40, _PCI_EXPRESS, 0, 0x0002, capable)
    return bytes(space)
