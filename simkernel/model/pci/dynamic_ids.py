"""Dynamic ids of a driver: ``new_id`` and ``remove_id``.

Source of the whole: drivers/pci/pci-driver.c.
"""

from __future__ import annotations

from errno import EEXIST, EINVAL, ENODEV
from typing import Any

from simkernel.errors import KernelRefusal
from simkernel.model.core.bus import Bus
from simkernel.model.core.device import Driver
from simkernel.model.core.driver_spec import ANY_ID, PciId
from simkernel.model.pci.matching import match_one

__all__ = ["add", "remove"]


def add(bus: Bus[Any], driver: Driver, fields: tuple[int, ...]) -> None:
    """Add a dynamic id and offer the driver every free device.

    :param fields: 2 to 7 numbers: vendor, device, subvendor, subdevice, class,
        class mask, driver data.
    :raises KernelRefusal: EEXIST, the driver has the id already; EINVAL, no entry
        of its table has this driver data.

    Source: drivers/pci/pci-driver.c new_id_store(). Rules: R-NEWID-2, R-NEWID-3,
    R-NEWID-4, R-NEWID-5.
    """
    vendor, device, subvendor, subdevice, class_, mask, data = (
        *fields,
        *(ANY_ID, ANY_ID, 0, 0, 0)[len(fields) - 2 :],
    )
    entry = PciId(
        vendor=vendor,
        device=device,
        subvendor=subvendor,
        subdevice=subdevice,
        class_=class_,
        class_mask=mask,
        driver_data=data,
    )
    refuses_duplicates = bus.services.features.new_id_refuses_duplicates
    _check(driver, entry, all_given=len(fields) == 7, dynamic=refuses_duplicates)
    driver.dynamic_ids.append(entry)
    bus.attach_driver(driver)


def _check(driver: Driver, entry: PciId, *, all_given: bool, dynamic: bool) -> None:
    """Refuse an id that the driver cannot add.

    :param all_given: the write had all seven fields; then duplicates are allowed.
    :param dynamic: compare with the dynamic ids, too.
    """
    table = driver.spec.ids
    static = [one for one in table if not one.override_only]
    if not all_given and any(match_one(one, entry) for one in static):
        raise KernelRefusal(EEXIST, "R-NEWID-2")
    if table and all(one.driver_data != entry.driver_data for one in table):
        raise KernelRefusal(EINVAL, "R-NEWID-3")
    compared = driver.dynamic_ids if dynamic and not all_given else []
    if any(match_one(one, entry) for one in compared):
        raise KernelRefusal(EEXIST, "R-NEWID-4")


def remove(driver: Driver, fields: tuple[int, ...]) -> None:
    """Remove the first dynamic id that equals the given one.

    :param fields: 2 to 6 numbers, as for :func:`add`.
    :raises KernelRefusal: ENODEV, there is none.

    Source: drivers/pci/pci-driver.c remove_id_store(). Rule: R-NEWID-6.
    """
    vendor, device, subvendor, subdevice, class_, mask = (
        *fields,
        *(ANY_ID, ANY_ID, 0, 0)[len(fields) - 2 :],
    )
    for entry in driver.dynamic_ids:
        if (
            entry.vendor == vendor
            and entry.device == device
            and subvendor in (ANY_ID, entry.subvendor)
            and subdevice in (ANY_ID, entry.subdevice)
            and not (entry.class_ ^ class_) & mask
        ):
            driver.dynamic_ids.remove(entry)
            return
    raise KernelRefusal(ENODEV, "R-NEWID-6")
