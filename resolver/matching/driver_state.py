"""How good the driver of a device is, for VFIO.

Pure: what has the device and what it could have come in, one word goes out.
"""

from __future__ import annotations

from typing import Final, Literal

from resolver.device import Device
from resolver.matching.generic import GENERIC_DRIVERS
from resolver.matching.intree import PCI_VARIANTS
from resolver.matching.select import Choice

__all__ = ["REMARKABLE", "DriverState", "driver_state"]

DriverState = Literal[
    "none",
    "host",
    "vfio, the best driver",
    "vfio, not the best driver",
    "variant, but newer match exists",
    "vfio, no match",
]
"""``host``: it has a driver that is not for VFIO. ``vfio, not the best driver``: the
generic one has it, and there is a variant. ``variant, but newer match exists``: a
variant has it, and another driver describes it more closely; a new kernel or package
may bring one. ``vfio, no match``: a VFIO driver has it, and none is known for it."""

REMARKABLE: Final[tuple[DriverState, ...]] = (
    "vfio, not the best driver",
    "variant, but newer match exists",
    "vfio, no match",
)
"""States that a person should look at."""


def driver_state(
    device: Device, module: str | None, choice: Choice | None
) -> DriverState:
    """Return how good the driver of a device is.

    :param module: module of the driver that has the device; ``None``: unknown.
    :param choice: its best VFIO driver; ``None``: there is none.
    """
    driver = device.binding.driver
    if driver is None:
        return "none"
    name = module or driver.replace("-", "_")
    candidates = choice.candidates if choice else ()
    known = {candidate.entry.module for candidate in candidates}
    generic = {one.replace("-", "_") for one in GENERIC_DRIVERS.values()}
    is_generic = driver in GENERIC_DRIVERS.values() or name in generic
    is_variant = name in PCI_VARIANTS or name in known - generic
    if not (device.vfio_device or is_generic or is_variant):
        return "host"
    if choice is None:
        return "vfio, no match"
    if choice.module == name:
        return "vfio, the best driver"
    if is_generic:
        return "vfio, not the best driver"
    return "variant, but newer match exists"
