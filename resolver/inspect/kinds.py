"""Classes of PCI devices, as people call them. Pure."""

from __future__ import annotations

from typing import Final

from resolver.errors import UsageError

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


def class_prefix(kind: str) -> str:
    """Return the first digits of the classes that a name or number stands for.

    :param kind: name of a class, or its first digits: ``net``, ``02``, ``0x0200``.
    :raises UsageError: there is no such class.
    """
    if kind in DEVICE_CLASSES:
        return DEVICE_CLASSES[kind]
    digits = kind.lower().removeprefix("0x")
    if len(digits) not in (2, 4, 6) or digits.strip("0123456789abcdef"):
        names = ", ".join(DEVICE_CLASSES)
        raise UsageError(
            f"{kind!r} is no class of devices",
            hint=f"it is one of {names}, or 2, 4 or 6 hexadecimal digits",
        )
    return digits
