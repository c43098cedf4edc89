"""The spellings of devices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.device import (
    Binding,
    Device,
    InterfaceName,
    PciAddress,
    SysfsPath,
    VendorDevice,
    check_name,
    parse_kind,
    parse_spelling,
)
from resolver.errors import UsageError

addresses = st.builds(
    PciAddress,
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFF),
    st.integers(0, 0x1F),
    st.integers(0, 7),
)


@given(address=addresses)
def test_address_reads_back_as_it_is_printed(address: PciAddress) -> None:
    """Printing and parsing are inverse, in upper case too."""
    assert PciAddress.parse(str(address)) == address
    assert PciAddress.parse(str(address).upper()) == address


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("0000:3b:00.2", "0000:3b:00.2"),
        ("3b:00.2", "0000:3b:00.2"),
        ("3B:1F.7", "0000:3b:1f.7"),
        ("10000:01:00.0", "10000:01:00.0"),
        ("00000008:01:00.0", "0008:01:00.0"),
        ("pci_0000_3b_00_2", "0000:3b:00.2"),
        ("pci_10000_01_00_0", "10000:01:00.0"),
    ],
)
def test_addresses_in_every_spelling(text: str, name: str) -> None:
    """What comes out is what the kernel calls the device."""
    assert str(parse_spelling(text)) == name


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("15B3:101E", VendorDevice("15b3:101e")),
        ("/sys/class/net/eth0", SysfsPath("/sys/class/net/eth0")),
        ("enp59s0f0v2", InterfaceName("enp59s0f0v2")),
    ],
)
def test_other_spellings(text: str, spelling: object) -> None:
    """Kinds, paths and interfaces are told apart by their form."""
    assert parse_spelling(text) == spelling


@pytest.mark.parametrize(
    "text",
    [
        *("3b:00.8", "3b:20.0", "000:3b:00.2", "123456789:3b:00.2", "3b:00"),
        *("0000:3b:00.2\n", "15b3:101", "../../etc", "/etc/passwd", "", "a/b", "a\0"),
    ],
)
def test_text_that_is_no_spelling_is_a_usage_error(text: str) -> None:
    """Nothing of the kind ever becomes part of a path."""
    with pytest.raises(UsageError) as caught:
        parse_spelling(text)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", ""),
        ("../../x", "it is a path"),
        ("a/b", "it is a path"),
        ("..", "it is a path"),
        (".", "it is a path"),
        ("-f", "it starts with '-'"),
        ("a\0b", "it contains a NUL or a newline"),
        ("a\nb", "it contains a NUL or a newline"),
        ("x" * 256, "it is longer than 255 bytes"),
        ("é" * 128, "it is longer than 255 bytes"),
    ],
)
def test_names_that_could_leave_a_directory_are_refused(
    text: str, problem: str
) -> None:
    """The error says what is wrong with the name."""
    with pytest.raises(UsageError) as caught:
        check_name(text, "driver")
    message = f"invalid driver name {text[:80]!r}: {problem}"
    assert caught.value.message == (message if text else "empty driver name")


@pytest.mark.parametrize(
    "text", ["vfio-pci", "i6300ESB timer", "sim-b.explicit", "é", "x" * 255, "x" * 81]
)
def test_names_that_drivers_have_are_accepted(text: str) -> None:
    """Drivers have blanks and dots in their names."""
    assert check_name(text, "driver") == text


HINT = "use an address such as 0000:3b:00.2, or an id such as 15b3:101e"
NEITHER = "it is not an address, and not vendor:device"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("3b:00.8", "function numbers are 0-7"),
        ("0000:3B:00.F", "function numbers are 0-7"),
        ("00010000:3b:1f.9", "function numbers are 0-7"),
        ("3b:20.0", "device numbers are 00-1f"),
        ("0000:3b:FF.7", "device numbers are 00-1f"),
        ("0000:3b:20.8", NEITHER),
        ("000:3b:20.0", NEITHER),
        ("15b3:101", NEITHER),
        ("15b3:101g", NEITHER),
        ("x:y", NEITHER),
    ],
)
def test_error_names_the_number_that_is_too_high(text: str, problem: str) -> None:
    """The text is shown as it was written."""
    with pytest.raises(UsageError) as caught:
        parse_spelling(text)
    assert caught.value.message == f"invalid device {text!r}: {problem}"
    assert caught.value.hint == HINT


def test_interface_name_is_checked() -> None:
    """It becomes part of a path."""
    with pytest.raises(UsageError, match="invalid device name 'a/b': it is a path"):
        parse_spelling("a/b")


@pytest.mark.parametrize("text", ["", "15b3", "15b3:101", "15b3:101e0", "15b3:101e\n"])
def test_kind_is_vendor_and_device(text: str) -> None:
    """Four digits each; the result is in lower case."""
    assert parse_kind("15B3:101E") == "15b3:101e"
    with pytest.raises(UsageError) as caught:
        parse_kind(text)
    assert caught.value.message == f"invalid vendor:device {text!r}"
    assert caught.value.hint == "use an id such as 15b3:101e"


@pytest.mark.parametrize(
    ("device_class", "expected"),
    [
        (None, False),
        ("020000", False),
        ("060000", False),
        ("060400", True),
        ("060401", True),
        ("060700", True),
        ("060940", True),
    ],
)
def test_vfio_binds_no_bridges(device_class: str | None, expected: bool) -> None:
    """PCI, CardBus and semi-transparent ones; a host bridge is no bridge here."""
    device = Device(
        bus="pci",
        name="0000:3b:00.2",
        modalias=None,
        binding=Binding(None, None),
        device_class=device_class,
        vendor_device="15b3:101e" if device_class else None,
    )
    assert expected is device.is_bridge
    shown = "0000:3b:00.2 (15b3:101e)" if device_class else "0000:3b:00.2"
    assert str(device) == shown
