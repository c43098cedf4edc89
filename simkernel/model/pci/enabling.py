"""Enabling PCI functions: a count, and the bridges above.

Source of the whole: drivers/pci/pci.c.
"""

from __future__ import annotations

from simkernel.model.pci.function import PciDevice

__all__ = ["disable", "enable"]


def enable(device: PciDevice) -> None:
    """Enable a function once more; the first time, the bridges above it as well.

    A bridge that was enabled so stays enabled.

    Source: drivers/pci/pci.c pci_enable_device_flags(), pci_enable_bridge().
    Rule: R-PCI-10.
    """
    device.enabled += 1
    if device.enabled == 1 and device.parent is not None:
        _enable_bridge(device.parent)


def _enable_bridge(bridge: PciDevice) -> None:
    if bridge.parent is not None:
        _enable_bridge(bridge.parent)
    if not bridge.enabled:
        enable(bridge)


def disable(device: PciDevice) -> None:
    """Take back one enabling.

    Source: drivers/pci/pci.c pci_disable_device().
    """
    device.enabled -= 1
