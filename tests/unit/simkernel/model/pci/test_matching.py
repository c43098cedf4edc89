"""Which entry of a driver matches a function."""

from __future__ import annotations

import pytest

from simkernel.model.core.device import Driver
from simkernel.model.core.driver_spec import DriverSpec, PciId
from simkernel.model.pci.function import (
    PciAddress,
    PciDevice,
    PciFunction,
    SriovCapability,
)
from simkernel.model.pci.matching import match_device, match_one

FUNCTION = PciFunction(
    address=PciAddress(0, 1, 0),
    vendor=0x15B3,
    device=0x101E,
    subvendor=0x1234,
    subdevice=3,
    class_=0x020001,
    sriov=SriovCapability(total_vfs=2, offset=1, stride=1, vf_device=0x101E),
)
ANY = PciId()
CLOSE = PciId(vendor=0x15B3, device=0x101E)
ONLY = PciId(vendor=0x15B3, override_only=True)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (ANY, True),
        (CLOSE, True),
        (PciId(vendor=0x15B3, device=0x101E, subvendor=0x1234, subdevice=3), True),
        (PciId(vendor=0x15B4), False),
        (PciId(device=0x101D), False),
        (PciId(subvendor=0x1235), False),
        (PciId(subdevice=4), False),
        (PciId(class_=0x0200FF, class_mask=0xFFFF00), True),
        (PciId(class_=0x0200FF, class_mask=0xFFFFFF), False),
        (PciId(class_=0x020001, class_mask=0xFFFFFF), True),
        (PciId(class_=0x030001, class_mask=0xFF0000), False),
        (PciId(class_=0x030001), True),
    ],
)
def test_entry_matches_by_ids_and_masked_class(entry: PciId, expected: bool) -> None:
    """R-MATCH-1: every id that is not PCI_ANY_ID counts."""
    assert expected is match_one(entry, FUNCTION)


@pytest.mark.parametrize(
    ("override", "dynamic", "static", "expected"),
    [
        (None, [], (CLOSE, ANY), CLOSE),
        (None, [], (PciId(vendor=1), ANY), ANY),
        (None, [ANY], (CLOSE,), ANY),
        (None, [PciId(vendor=1), CLOSE], (ANY,), CLOSE),
        (None, [], (ONLY,), None),
        (None, [], (ONLY, CLOSE), CLOSE),
        (None, [], (), None),
        (b"d", [], (ONLY, CLOSE), ONLY),
        (b"d", [], (PciId(vendor=1),), ANY),
        (b"d", [], (), ANY),
        (b"other", [ANY], (ANY,), None),
        (b"", [ANY], (ANY,), None),
    ],
)
def test_first_entry_wins(
    override: bytes | None,
    dynamic: list[PciId],
    static: tuple[PciId, ...],
    expected: PciId | None,
) -> None:
    """R-MATCH-2 to R-MATCH-4: dynamic ids come first; the override opens entries."""
    device = PciDevice(FUNCTION, None)
    device.driver_override = override
    driver = Driver(DriverSpec(name="d", ids=static), None, dynamic)

    assert expected == match_device(driver, device)


def test_virtual_functions_without_autoprobe_need_the_override() -> None:
    """R-MATCH-5: sriov_drivers_autoprobe of the physical function decides."""
    physical = PciDevice(FUNCTION, None)
    virtual = PciDevice(FUNCTION, None, physfn=physical)
    driver = Driver(DriverSpec(name="d", ids=(ANY,)), None)
    assert physical.sriov is not None

    assert match_device(driver, virtual) is not None
    physical.sriov.drivers_autoprobe = False
    assert match_device(driver, virtual) is None
    assert match_device(driver, physical) is not None
    virtual.driver_override = b"d"
    assert match_device(driver, virtual) is not None
