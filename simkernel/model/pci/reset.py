"""Function-level reset of PCI functions.

Source of the whole: drivers/pci/pci.c pci_reset_fn_methods.
"""

from __future__ import annotations

from errno import EINVAL, ENOTTY

from simkernel.errors import KernelRefusal
from simkernel.model.pci.function import PciDevice

__all__ = ["choose", "find", "init_methods", "reset"]

_METHODS = ("device_specific", "acpi", "flr", "af_flr", "pm", "bus", "cxl_bus")
"""All methods, in the order in which the kernel tries them."""


def init_methods(device: PciDevice) -> None:
    """Set the reset methods of a new device.

    Source: drivers/pci/pci.c pci_init_reset_methods(). Rule: R-PCI-9.
    """
    device.reset_methods = find(device)
    device.can_reset = bool(device.reset_methods)


def find(device: PciDevice) -> tuple[str, ...]:
    """Return the methods that work for a function now.

    Source: drivers/pci/pci.c pci_init_reset_methods(). Rule: R-PCI-9.
    """
    return tuple(one for one in _METHODS if _works(device, one))


def choose(device: PciDevice, names: list[str]) -> None:
    """Choose reset methods and their order; none disables reset.

    :raises KernelRefusal: EINVAL, a method does not work for the function.

    Source: drivers/pci/pci.c reset_method_store(). Rule: R-PCI-6.
    """
    if any(not _works(device, one) for one in names) or len(names) >= len(_METHODS):
        raise KernelRefusal(EINVAL, "R-PCI-6")
    device.reset_methods = tuple(names)


def reset(device: PciDevice) -> None:
    """Reset a function by the first of its methods that works.

    :raises KernelRefusal: ENOTTY, none works.

    Source: drivers/pci/pci.c __pci_reset_function_locked(). Rule: R-PCI-5.
    """
    if not any(_works(device, one) for one in device.reset_methods):
        raise KernelRefusal(ENOTTY, "R-PCI-5")


def _works(device: PciDevice, method: str) -> bool:
    if method == "bus":
        return _is_alone(device)
    return method in device.function.reset_methods


def _is_alone(device: PciDevice) -> bool:
    """Tell whether a function is alone on its bus.

    A virtual function may have a bus number without a bridge.

    Source: drivers/pci/pci.c pci_parent_bus_reset(). Rule: R-PCI-9.
    """
    bridge, bus = device.parent, device.function.address.bus
    if bridge is None or device.is_bridge or bridge.function.secondary_bus != bus:
        return False
    return all(
        other is device or other.function.address.bus != bus
        for other in bridge.children.values()
    )
