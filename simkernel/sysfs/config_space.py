"""The configuration space of a PCI function, as far as its identity goes.

Source: include/uapi/linux/pci_regs.h.
"""

from __future__ import annotations

import struct

from simkernel.model.kernel import Kernel
from simkernel.model.pci import PciDevice

__all__ = ["SIZE", "render"]

SIZE = 4096
"""Bytes of a PCI Express function's configuration space."""
_CAPABILITIES_LIST = 0x10
_PCI_EXPRESS = 0x10
_MULTI_FUNCTION = 0x80
_VIRTUAL_IDS = (0xFFFF, 0xFFFF)


def render(kernel: Kernel, device: PciDevice) -> bytes:
    """Return the 4096 bytes of ``config``; all ones if nothing answers any more.

    A virtual function answers 0xffff for vendor and device; the kernel takes its ids
    from the physical one (PCI Express SR-IOV specification, 3.4.1.1).
    """
    if not kernel.pci.answers(device):
        return b"\xff" * SIZE
    it = device.function
    vendor, identity = _VIRTUAL_IDS if device.physfn else (it.vendor, it.device)
    space = bytearray(SIZE)
    struct.pack_into("<HHHH", space, 0x00, vendor, identity, 0, _CAPABILITIES_LIST)
    struct.pack_into("<I", space, 0x08, it.class_ << 8 | it.revision)
    header = _MULTI_FUNCTION | (1 if device.is_bridge else 0)
    space[0x0E] = header
    if device.is_bridge and it.secondary_bus is not None:
        own, behind = it.address.bus, it.secondary_bus
        struct.pack_into("<BBB", space, 0x18, own, behind, behind)
    else:
        struct.pack_into("<HH", space, 0x2C, it.subvendor, it.subdevice)
    space[0x34] = 0x40
    struct.pack_into("<BBH", space, 0x40, _PCI_EXPRESS, 0, 0x0002)
    return bytes(space)
