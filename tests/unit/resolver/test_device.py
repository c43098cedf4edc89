"""The spellings of devices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.device import (
    InterfaceName,
    PciAddress,
    SysfsPath,
    VendorDevice,
    check_name,
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
        ("", "empty"),
        ("../../x", "a path"),
        ("..", "a path"),
        ("-f", "starts with '-'"),
        ("a\0b", "a NUL"),
        ("a\nb", "a newline"),
        ("x" * 256, "longer than 255 bytes"),
        ("é" * 128, "longer than 255 bytes"),
    ],
)
def test_names_that_could_leave_a_directory_are_refused(
    text: str, problem: str
) -> None:
    """The error says what is wrong with the name."""
    with pytest.raises(UsageError, match=problem):
        check_name(text, "driver")


@pytest.mark.parametrize("text", ["vfio-pci", "i6300ESB timer", "sim-b.explicit", "é"])
def test_names_that_drivers_have_are_accepted(text: str) -> None:
    """Drivers have blanks and dots in their names."""
    assert check_name(text, "driver") == text
