"""Ids that a driver is given at run time: ``new_id`` and ``remove_id``."""

from __future__ import annotations

from errno import EEXIST, EINVAL, ENODEV
from typing import TYPE_CHECKING

from simkernel.errors import KernelRefusal
from simkernel.model.core.driver import ANY_ID, Driver, PciId

if TYPE_CHECKING:
    from simkernel.model.pci.bus import PciBus

__all__ = ["add", "remove"]


def add(bus: PciBus, driver: Driver, fields: tuple[int, ...]) -> None:
    """Add an id at run time and offer the driver every free device.

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
    seen_as = (vendor, device, subvendor, subdevice, class_)
    whole = len(fields) == 7
    table = driver.spec.ids
    refuses_twins = bus.kernel.features.new_id_refuses_duplicates
    if not whole and any(one.fits(*seen_as) for one in table if not one.override_only):
        raise KernelRefusal(EEXIST, "R-NEWID-2")
    if table and all(one.driver_data != data for one in table):
        raise KernelRefusal(EINVAL, "R-NEWID-3")
    compared = driver.dynamic_ids if refuses_twins and not whole else []
    if any(one.fits(*seen_as) for one in compared):
        raise KernelRefusal(EEXIST, "R-NEWID-4")
    driver.dynamic_ids.append(
        PciId(
            vendor=vendor,
            device=device,
            subvendor=subvendor,
            subdevice=subdevice,
            class_=class_,
            class_mask=mask,
            driver_data=data,
        )
    )
    bus.attach_driver(driver)


def remove(driver: Driver, fields: tuple[int, ...]) -> None:
    """Remove the first id added at run time that equals the one given.

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
