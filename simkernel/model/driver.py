"""Device drivers and their id tables as values, and the rules of matching.

Pure: reads no kernel state.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ANY_ID", "DriverSpec", "PciId"]

ANY_ID = 0xFFFFFFFF
"""``PCI_ANY_ID`` as the kernel compares it: 32 bits, all ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PciId:
    """One entry of a ``struct pci_device_id`` table; ids are 32-bit numbers.

    Source: include/linux/mod_devicetable.h.
    """

    vendor: int = ANY_ID
    device: int = ANY_ID
    subvendor: int = ANY_ID
    subdevice: int = ANY_ID
    class_: int = 0
    class_mask: int = 0
    driver_data: int = 0
    override_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSpec:
    """One driver that a module registers on a bus."""

    name: str
    """Directory name below ``/sys/bus/<bus>/drivers/``; need not resemble the module's."""
    bus: str = "pci"
    ids: tuple[PciId, ...] = ()
    vfio: bool = False
    """Registers a VFIO device for what it binds (group node, ``vfio-dev/``)."""
