"""Matching of PCI functions with the id tables of drivers.

Source of the whole: drivers/pci/pci-driver.c, drivers/pci/pci.h.
"""

from __future__ import annotations

from typing import NamedTuple

from simkernel.model.core.device import Driver
from simkernel.model.core.driver_spec import ANY_ID, PciId
from simkernel.model.pci.function import PciDevice

__all__ = ["Ids", "match_device", "match_one"]

_ANY = PciId()
"""The entry that probe gets if only ``driver_override`` matched (pci_device_id_any)."""


class Ids(NamedTuple):
    """The ids of a function that drivers match."""

    vendor: int
    device: int
    subvendor: int
    subdevice: int
    class_: int


def match_one(entry: PciId, ids: Ids) -> bool:
    """Tell whether one table entry matches a function.

    Source: drivers/pci/pci.h pci_match_one_device(). Rule: R-MATCH-1.
    """
    return (
        entry.vendor in (ANY_ID, ids.vendor)
        and entry.device in (ANY_ID, ids.device)
        and entry.subvendor in (ANY_ID, ids.subvendor)
        and entry.subdevice in (ANY_ID, ids.subdevice)
        and not (entry.class_ ^ ids.class_) & entry.class_mask
    )


def match_device(driver: Driver, device: PciDevice) -> PciId | None:
    """Return the entry by which a driver matches a function; None: it does not.

    ``driver_override`` excludes other drivers; then dynamic ids count; then the
    static table, whose override-only entries need the override. A virtual function
    whose physical function has ``sriov_drivers_autoprobe`` 0 needs the override.

    Source: drivers/pci/pci-driver.c pci_match_device(), pci_bus_match().
    Rules: R-MATCH-2, R-MATCH-3, R-MATCH-4, R-MATCH-5.
    """
    override = device.driver_override
    if override is None:
        physfn = device.physfn
        if physfn and physfn.sriov and not physfn.sriov.drivers_autoprobe:
            return None
    elif override != driver.name.encode():
        return None
    it = device.function
    ids = Ids(it.vendor, it.device, it.subvendor, it.subdevice, it.class_)
    for entry in driver.dynamic_ids:
        if match_one(entry, ids):
            return entry
    for entry in driver.spec.ids:
        if (override is not None or not entry.override_only) and match_one(entry, ids):
            return entry
    return None if override is None else _ANY
