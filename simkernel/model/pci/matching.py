"""Matching of PCI functions with the id tables of drivers.

Source of the whole: drivers/pci/pci-driver.c, drivers/pci/pci.h.
"""

from __future__ import annotations

from simkernel.model.core.device import Driver
from simkernel.model.core.driver_spec import ANY_ID, PciId
from simkernel.model.pci.function import PciDevice, PciFunction

__all__ = ["match_device", "match_one"]

_ANY = PciId()
"""The entry that probe gets if only ``driver_override`` matched (pci_device_id_any)."""


def match_one(entry: PciId, ids: PciFunction | PciId) -> bool:
    """Tell whether one table entry matches a function.

    :param ids: the function, or a new id in its place.

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
    """Return the id entry that matches a function; None: no match.

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
    function = device.function
    for entry in driver.dynamic_ids:
        if match_one(entry, function):
            return entry
    for entry in driver.spec.ids:
        is_open = override is not None or not entry.override_only
        if is_open and match_one(entry, function):
            return entry
    return None if override is None else _ANY
