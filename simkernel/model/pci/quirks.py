"""Quirks of certain functions, applied when they are added.

Source of the whole: drivers/pci/quirks.c.
"""

from __future__ import annotations

from collections.abc import Mapping

from simkernel.model.pci.function import PciAddress, PciDevice

__all__ = ["apply_final"]

_ATI, _AMD, _NVIDIA = 0x1002, 0x1022, 0x10DE
_GPU_FUNCTIONS = {
    (1, 0x0403): (_ATI, _AMD, _NVIDIA),
    (2, 0x0C03): (_ATI, _NVIDIA),
    (3, 0x0C80): (_ATI, _NVIDIA),
}
"""Sound, USB and UCSI functions of graphics cards: function number and class, and the
vendors of the cards."""
_DISPLAY = 0x03


def apply_final(device: PciDevice, devices: Mapping[str, PciDevice]) -> None:
    """Allow runtime suspend of the functions beside a graphics card.

    :param devices: all functions by address.

    Source: drivers/pci/quirks.c pci_create_device_link(). Rule: R-PCI-11.
    """
    it = device.function
    slot, number = it.address.devfn & ~7, it.address.devfn & 7
    if it.vendor not in _GPU_FUNCTIONS.get((number, it.class_ >> 8), ()):
        return
    first = devices.get(str(PciAddress(it.address.domain, it.address.bus, slot)))
    if first is not None and first.function.class_ >> 16 == _DISPLAY:
        device.power["control"] = "auto"
