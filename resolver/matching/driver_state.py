"""Rate the current driver of a device for VFIO. Pure."""

from __future__ import annotations

from typing import Final, Literal

from resolver.device import Device
from resolver.matching.generic import GENERIC_DRIVERS, GENERIC_MODULES
from resolver.matching.intree import PCI_VARIANTS
from resolver.matching.select import Choice

__all__ = ["REMARKABLE", "DriverState", "driver_state"]

DriverState = Literal[
    "none",
    "host",
    "vfio, the best driver",
    "vfio, not the best driver",
    "variant, but newer match exists",
    "vfio, by the vendor's driver",
    "vfio, no match",
]
"""``host``: bound to a host driver. ``vfio, not the best driver``: bound to the generic
driver, but a variant driver exists. ``variant, but newer match exists``: bound to a
variant driver, but another one matches more closely; a new kernel or package can add
one. ``vfio, by the vendor's driver``: its host driver registered a VFIO device
without any alias, as nvidia for vGPUs. ``vfio, no match``: bound to a VFIO driver, but
no alias matches."""

REMARKABLE: Final[tuple[DriverState, ...]] = (
    "vfio, not the best driver",
    "variant, but newer match exists",
    "vfio, no match",
)
"""States that the user should check."""


def driver_state(
    device: Device,
    module: str | None,
    choice: Choice | None,
    *,
    is_on_vfio: bool = False,
) -> DriverState:
    """Return the state of a device's driver.

    :param module: module of the bound driver; ``None`` if unknown.
    :param choice: best VFIO driver for the device; ``None`` if there is none.
    :param is_on_vfio: the driver registered a VFIO device.
    """
    driver = device.binding.driver
    if driver is None:
        return "none"
    name = module or driver.replace("-", "_")
    candidates = choice.candidates if choice else ()
    known = {candidate.entry.module for candidate in candidates}
    is_generic = driver in GENERIC_DRIVERS.values() or name in GENERIC_MODULES
    is_variant = name in PCI_VARIANTS or name in known - GENERIC_MODULES
    is_on_vfio = is_on_vfio or device.vfio_device is not None
    if not (is_on_vfio or is_generic or is_variant):
        return "host"
    if not (is_generic or is_variant):
        return "vfio, by the vendor's driver"
    if choice is None:
        return "vfio, no match"
    if choice.module == name:
        return "vfio, the best driver"
    if is_generic:
        return "vfio, not the best driver"
    return "variant, but newer match exists"
