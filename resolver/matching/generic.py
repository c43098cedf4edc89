"""The generic VFIO driver of each bus, and aliases that describe every device."""

from __future__ import annotations

import functools
from typing import Final

from resolver.matching.glob import Glob, compile_pattern

__all__ = ["GENERIC_DRIVERS", "GENERIC_MODULES", "GENERIC_PATTERN", "describes_all"]

GENERIC_DRIVERS: Final = {
    "ap": "vfio_ap",
    "cdx": "vfio-cdx",
    "css": "vfio_ccw",
    "fsl-mc": "vfio-fsl-mc",
    "pci": "vfio-pci",
    "platform": "vfio-platform",
}
"""Bus to the VFIO driver that takes any of its devices, as Linux names them."""

GENERIC_MODULES: Final = frozenset(
    driver.replace("-", "_") for driver in GENERIC_DRIVERS.values()
)

GENERIC_PATTERN: Final = "vfio_pci:v*d*sv*sd*bc*sc*i*"
"""The alias of vfio-pci. Source: Linux, drivers/vfio/pci/vfio_pci.c, vfio_pci_table."""

_OPPOSITES: Final = tuple(
    "vfio_pci:v{0}d{0}sv{0}sd{0}bc{1}sc{1}i{1}".format(digit * 8, digit * 2)
    for digit in "0F"
)
"""Two devices that have no digit in common. No pattern with an id fits both."""


@functools.lru_cache(maxsize=1024)
def describes_all(pattern: str) -> bool:
    """Return whether a pattern describes every PCI device."""
    if len(Glob(pattern).prefix) > len("vfio_pci:v"):
        return False
    fits = compile_pattern(pattern).fullmatch
    return all(fits(device) is not None for device in _OPPOSITES)
