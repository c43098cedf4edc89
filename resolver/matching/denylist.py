"""The denylist of vfio-pci: devices that could harm the host. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["DENIED"]

DENIED: Final = {
    "8086:0435": "QuickAssist DH895xCC",
    "8086:0443": "QuickAssist DH895xCC virtual function",
    "8086:0b25": "DSA of Sapphire Rapids",
    "8086:0cfe": "IAA of Sapphire Rapids",
    "8086:19e2": "QuickAssist C3xxx",
    "8086:19e3": "QuickAssist C3xxx virtual function",
    "8086:37c8": "QuickAssist C62x",
    "8086:37c9": "QuickAssist C62x virtual function",
}
"""Vendor and device id to the name of the device.

Source: Linux, drivers/vfio/pci/vfio_pci.c, vfio_pci_dev_in_denylist();
include/linux/pci_ids.h. Variant drivers have no such list.
"""
