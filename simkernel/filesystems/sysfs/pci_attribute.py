"""What a file in a PCI function's directory is described by."""

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
    """One file."""

    mode: int
    show: Show | None = None
    """Text without the newline at its end; an empty one is shown without it."""
    store: Store | None = None
    present: Present = lambda kernel, device: True
    binary: Callable[[Kernel, PciDevice], bytes] | None = None
    """Content of a file that is not text."""
