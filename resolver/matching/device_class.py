"""Classes of PCI devices, by name or number. Pure."""

from __future__ import annotations

from typing import Final

from resolver.errors import UsageError
from resolver.suggest import did_you_mean

__all__ = ["DEVICE_CLASSES", "class_prefix"]

DEVICE_CLASSES: Final = {
    "accelerator": "12",
    "bridge": "06",
    "crypto": "10",
    "display": "03",
    "net": "02",
    "serial": "0c",
    "storage": "01",
}
"""Name to base class of a PCI device.

Source: Linux, include/linux/pci_ids.h, ``PCI_BASE_CLASS_*``.
"""


def class_prefix(text: str) -> str:
    """Return the leading digits of the PCI classes that a text selects.

    :param text: name of a class, or its leading digits: ``net``, ``02``, ``0x0200``.
    :raises UsageError: there is no such class.
    """
    if text in DEVICE_CLASSES:
        return DEVICE_CLASSES[text]
    digits = text.lower().removeprefix("0x")
    if len(digits) not in (2, 4, 6) or digits.strip("0123456789abcdef"):
        names = ", ".join(DEVICE_CLASSES)
        usage = f"use one of {names}, or 2, 4 or 6 hexadecimal digits"
        raise UsageError(
            f"unknown device class {text!r}",
            hint=did_you_mean(text, DEVICE_CLASSES, usage),
        )
    return digits
