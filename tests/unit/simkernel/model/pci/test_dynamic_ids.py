"""``new_id`` and ``remove_id``."""

from __future__ import annotations

from errno import EEXIST, EINVAL, ENODEV

import pytest

from simkernel.model.core.device import Driver
from simkernel.model.core.driver_spec import ANY_ID, DriverSpec, PciId
from simkernel.model.kernel import Kernel
from simkernel.model.pci import dynamic_ids
from tests.bench import GPU, bench, device, refusal_of

IDS = (
    PciId(vendor=0x1AF4, device=0x10, driver_data=5),
    PciId(vendor=0x1AF4, device=0x20, override_only=True),
)


def _driver(kernel: Kernel, *ids: PciId) -> Driver:
    driver = Driver(DriverSpec(name="d", ids=ids), None)
    kernel.pci.register_driver(driver)
    return driver


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((1, 2), PciId(vendor=1, device=2)),
        ((1, 2, 3), PciId(vendor=1, device=2, subvendor=3)),
        ((1, 2, 3, 4), PciId(vendor=1, device=2, subvendor=3, subdevice=4)),
        (
            (1, 2, 3, 4, 5, 6),
            PciId(vendor=1, device=2, subvendor=3, subdevice=4, class_=5, class_mask=6),
        ),
    ],
)
def test_fields_that_are_not_given_match_any(
    fields: tuple[int, ...], expected: PciId
) -> None:
    """Ids default to PCI_ANY_ID; class, mask and driver data to 0."""
    kernel = bench()
    driver = _driver(kernel)

    dynamic_ids.add(kernel.pci, driver, fields)

    assert driver.dynamic_ids == [expected]
    assert (expected.subvendor, ANY_ID)[len(fields) < 3] == expected.subvendor
    dynamic_ids.remove(driver, fields)
    assert driver.dynamic_ids == []


def test_seventh_field_is_driver_data() -> None:
    """An entry of the table must have the same."""
    kernel = bench()
    driver = _driver(kernel, *IDS)
    fields = (9, 9, 3, 4, 5, 6, 5)

    dynamic_ids.add(kernel.pci, driver, fields)

    assert driver.dynamic_ids[0].driver_data == 5
    wrong = (*fields[:6], 7)
    refusal = refusal_of(lambda: dynamic_ids.add(kernel.pci, driver, wrong))
    assert refusal == (EINVAL, "R-NEWID-3")


def test_new_id_offers_free_devices() -> None:
    """The driver binds what it now matches."""
    kernel = bench()
    driver = _driver(kernel)

    dynamic_ids.add(kernel.pci, driver, (0x1AF4, 2))

    assert device(kernel, GPU).driver is driver


def test_id_of_the_table_is_refused_unless_all_fields_are_given() -> None:
    """Override-only entries are no duplicates."""
    kernel = bench()
    driver = _driver(kernel, *IDS, PciId(vendor=7))

    for fields in ((0x1AF4, 0x10), (0x1AF4, 0x10, 0, 0, 0, 0), (7, 1)):
        refusal = refusal_of(
            lambda given=fields: dynamic_ids.add(  # type: ignore[misc]
                kernel.pci, driver, given
            )
        )
        assert refusal == (EEXIST, "R-NEWID-2")
    assert driver.dynamic_ids == []
    dynamic_ids.add(kernel.pci, driver, (0x1AF4, 0x10, ANY_ID, ANY_ID, 0, 0, 5))
    dynamic_ids.add(kernel.pci, driver, (0x1AF4, 0x20))
    assert len(driver.dynamic_ids) == 2


def test_driver_data_must_be_in_the_table() -> None:
    """A driver without a table accepts any."""
    kernel = bench()
    driver = _driver(kernel, IDS[0])

    refusal = refusal_of(lambda: dynamic_ids.add(kernel.pci, driver, (8, 8)))

    assert refusal == (EINVAL, "R-NEWID-3")


@pytest.mark.parametrize(
    ("release", "refuses"), [("5.10.223", False), ("6.12.0", True)]
)
def test_dynamic_id_is_refused_the_second_time(release: str, refuses: bool) -> None:
    """Since 5.16, unless all fields are given."""
    kernel = bench(release=release)
    driver = _driver(kernel)
    dynamic_ids.add(kernel.pci, driver, (8, 8))

    if refuses:
        refusal = refusal_of(lambda: dynamic_ids.add(kernel.pci, driver, (8, 8, 1)))
        assert refusal == (EEXIST, "R-NEWID-4")
        assert len(driver.dynamic_ids) == 1
    else:
        dynamic_ids.add(kernel.pci, driver, (8, 8, 1))
        assert len(driver.dynamic_ids) == 2
    count = len(driver.dynamic_ids)
    dynamic_ids.add(kernel.pci, driver, (8, 8, ANY_ID, ANY_ID, 0, 0, 0))
    assert len(driver.dynamic_ids) == count + 1


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((1, 2), 0),
        ((1, 2, 3), 0),
        ((1, 2, 3, 4), 0),
        ((1, 2, 3, 4, 0x020000, 0xFFFF00), 0),
        ((1, 2, 3, 5), 1),
        ((1, 2, 3, 4, 0x0200AB, 0xFFFF00), 0),
        ((1, 2, 3, 4, 0x030000, 0xFFFF00), 1),
        ((1, 2, 9), None),
        ((1, 2, ANY_ID, 9), None),
        ((9, 2), None),
        ((1, 9), None),
        ((1, 2, 3, 4, 0x040000, 0xFFFFFF), None),
    ],
)
def test_first_equal_id_is_removed(
    fields: tuple[int, ...], expected: int | None
) -> None:
    """Fields that are not given match any; nothing equal is ENODEV."""
    first = PciId(
        vendor=1, device=2, subvendor=3, subdevice=4, class_=0x020001, class_mask=-1
    )
    second = PciId(
        vendor=1,
        device=2,
        subvendor=3,
        subdevice=5 if len(fields) == 4 else 4,
        class_=0x030000,
    )
    driver = Driver(DriverSpec(name="d"), None, [first, second])

    if expected is None:
        refusal = refusal_of(lambda: dynamic_ids.remove(driver, fields))
        assert refusal == (ENODEV, "R-NEWID-6")
        assert driver.dynamic_ids == [first, second]
    else:
        dynamic_ids.remove(driver, fields)
        assert driver.dynamic_ids == [(second, first)[expected]]
