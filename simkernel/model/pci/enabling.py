"""Enabling PCI functions: a count, and the bridges above them.

Source of the whole: drivers/pci/pci.c.
"""

from __future__ import annotations

from simkernel.model.pci.function import PciDevice

__all__ = ["disable", "enable"]


def enable(device: PciDevice) -> None:
    """Increase a function's enable count; enable bridges above.

    Those bridges stay enabled.

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
    """Decrease a function's enable count.

    Source: drivers/pci/pci.c pci_disable_device().
    """
    device.enabled -= 1
