"""Description of one file in a PCI function's directory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simkernel.model.kernel import Kernel
from simkernel.model.pci.function import PciDevice

__all__ = ["PciAttribute"]

Show = Callable[[Kernel, PciDevice], str]
Store = Callable[[Kernel, PciDevice, bytes], None]
Present = Callable[[Kernel, PciDevice], bool]


@dataclass(frozen=True, slots=True)
class PciAttribute:
    """One file.

    Source: include/linux/device.h struct device_attribute.
    """

    mode: int
    show: Show | None = None
    """Returns the text without its newline; an empty text has no newline."""
    store: Store | None = None
    present: Present = lambda kernel, device: True
    binary: Callable[[Kernel, PciDevice], bytes] | None = None
    """Returns the content of a binary file."""
