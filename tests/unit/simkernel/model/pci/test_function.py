"""Addresses of functions, and texts that sysfs derives from their ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkernel.model.core.device import Driver
from simkernel.model.core.driver_spec import DriverSpec
from simkernel.model.pci.function import (
    PciAddress,
    PciDevice,
    PciFunction,
    SriovCapability,
    root_devpath,
)

addresses = st.builds(
    PciAddress, st.integers(0, 0xFFFFFFFF), st.integers(0, 255), st.integers(0, 255)
)


@given(addresses)
def test_address_is_read_as_it_is_written(address: PciAddress) -> None:
    """parse() is the inverse of str()."""
    assert address == PciAddress.parse(str(address))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0000:3b:00.2", (0, 0x3B, 2)),
        ("0000:3b:1f.7", (0, 0x3B, 0xFF)),
        ("10000:01:02.0", (0x10000, 1, 16)),
    ],
)
def test_device_and_function_number_are_one_byte(
    text: str, expected: tuple[int, int, int]
) -> None:
    """Device number * 8 + function number."""
    assert expected == PciAddress.parse(text)
    assert text == str(PciAddress(*expected))


@pytest.mark.parametrize(
    "text",
    ["", "3b:00.2", "0000:3B:00.2", "0000:3b:20.0", "0000:3b:00.8", "0000:3b:00.2\n"],
)
def test_other_text_is_no_address(text: str) -> None:
    """Only the kernel's own spelling is valid; the message shows the text."""
    message = "is no PCI address: it must look like 0000:3b:00.2, with lower-case"
    with pytest.raises(ValueError, match=message) as caught:
        PciAddress.parse(text)
    assert str(caught.value).startswith(repr(text))


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (0, "0002:01:00.0"),
        (7, "0002:01:00.7"),
        (8, "0002:01:01.0"),
        (255, "0002:01:1f.7"),
        (256, "0002:02:00.0"),
        (515, "0002:03:00.3"),
    ],
)
def test_routing_id_carries_into_the_bus_number(offset: int, expected: str) -> None:
    """Virtual functions may be on the buses that follow."""
    assert expected == str(PciAddress(2, 1, 0).routing_id_plus(offset))


@given(addresses, st.integers(0, 0x100))
def test_routing_ids_add(address: PciAddress, offset: int) -> None:
    """The domain stays; bus and devfn are one number."""
    there = address.routing_id_plus(offset)

    assert there.domain == address.domain
    assert there.bus * 256 + there.devfn == address.bus * 256 + address.devfn + offset


def test_modalias_has_all_ids() -> None:
    """R-ALIAS-1: upper-case digits in fixed width."""
    function = PciFunction(
        address=PciAddress(0, 1, 2),
        vendor=0x15B3,
        device=0x101E,
        subvendor=0xABC,
        subdevice=0xD,
        class_=0x0C03FE,
    )

    device = PciDevice(function, None)

    expected = "pci:v000015B3d0000101Esv00000ABCsd0000000Dbc0Csc03iFE"
    assert expected == device.modalias


def test_new_device_has_nothing_yet() -> None:
    """It is under its bridge, not enabled, and without reset methods."""
    bridge = PciDevice(
        PciFunction(address=PciAddress(0, 0, 8), vendor=1, device=1, secondary_bus=1),
        None,
    )
    capability = SriovCapability(total_vfs=2, offset=3, stride=4, vf_device=5)
    function = PciFunction(
        address=PciAddress(0, 1, 0), vendor=1, device=2, sriov=capability
    )
    device = PciDevice(function, bridge, physfn=bridge)

    assert bridge.children == {"0000:01:00.0": device}
    assert (bridge.devpath, bridge.is_bridge, bridge.sriov) == (
        "/devices/pci0000:00/0000:00:01.0",
        True,
        None,
    )
    assert device.devpath == f"{bridge.devpath}/0000:01:00.0"
    assert (device.bus_name, device.name) == ("pci", "0000:01:00.0")
    assert (device.function, device.parent, device.physfn) == (function, bridge, bridge)
    assert not device.is_bridge
    assert (device.children, device.settings, device.reset_methods) == ({}, {}, ())
    assert device.enabled == 0
    assert device.can_reset is False
    state = device.sriov
    assert state is not None
    assert (state.offset, state.stride, state.virtual_functions) == (3, 4, [])
    assert state.drivers_autoprobe is True
    assert device.driver is device.driver_override is device.iommu_group is None
    assert device.vfio_index is None
    assert (device.power, device.is_locked, device.dead) == ({}, False, False)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (None, ""),
        (DriverSpec(name="host"), "eth0"),
        (DriverSpec(name="vfio-pci", vfio=True), ""),
    ],
)
def test_only_a_host_driver_registers_an_interface(
    spec: DriverSpec | None, expected: str
) -> None:
    """A VFIO driver hands the device to a guest."""
    function = PciFunction(
        address=PciAddress(0, 1, 0), vendor=1, device=1, netdev="eth0"
    )
    device = PciDevice(function, None)
    device.driver = Driver(spec, None) if spec else None

    assert expected == device.netdev


def test_host_bridge_has_domain_and_bus() -> None:
    """The directory of a root bus."""
    assert root_devpath(PciAddress(0x10000, 0xAB, 1)) == "/devices/pci10000:ab"
