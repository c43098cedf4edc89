"""How a PCI function can be reset by itself.

Source of the whole: drivers/pci/pci.c pci_reset_fn_methods.
"""

from __future__ import annotations

from errno import EINVAL, ENOTTY
from typing import TYPE_CHECKING

from simkernel.errors import KernelRefusal

if TYPE_CHECKING:
    from simkernel.model.pci.function import PciDevice

__all__ = ["choose", "find", "reset"]

_METHODS = ("device_specific", "acpi", "flr", "af_flr", "pm", "bus", "cxl_bus")
"""All methods, in the order in which they are tried."""


def find(device: PciDevice) -> tuple[str, ...]:
    """Return the methods that work for a function now.

    Source: drivers/pci/pci.c pci_init_reset_methods(). Rule: R-PCI-9.
    """
    return tuple(one for one in _METHODS if _works(device, one))


def choose(device: PciDevice, names: list[str]) -> None:
    """Let a function be reset by some methods only, in that order; none is fine.

    :raises KernelRefusal: EINVAL, one does not work for it.

    Source: drivers/pci/pci.c reset_method_store(). Rule: R-PCI-6.
    """
    if any(not _works(device, one) for one in names) or len(names) >= len(_METHODS):
        raise KernelRefusal(EINVAL, "R-PCI-6")
    device.reset_methods = tuple(names)


def reset(device: PciDevice) -> None:
    """Reset a function by the first of its methods that works.

    :raises KernelRefusal: ENOTTY, none does.

    Source: drivers/pci/pci.c __pci_reset_function_locked(). Rule: R-PCI-5.
    """
    if not any(_works(device, one) for one in device.reset_methods):
        raise KernelRefusal(ENOTTY, "R-PCI-5")


def _works(device: PciDevice, method: str) -> bool:
    if method == "bus":
        return _is_alone(device)
    return method in device.function.reset_methods


def _is_alone(device: PciDevice) -> bool:
    """Tell whether nothing else is on the bus, so that its bridge can reset it.

    A virtual function may be on a bus number that no bridge has.

    Source: drivers/pci/pci.c pci_parent_bus_reset(). Rule: R-PCI-9.
    """
    bridge, bus = device.parent, device.function.address.bus
    if bridge is None or device.is_bridge or bridge.function.secondary_bus != bus:
        return False
    return all(
        other is device or other.function.address.bus != bus
        for other in bridge.children.values()
    )
