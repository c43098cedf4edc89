"""What doctor makes of the texts that a host has about itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.doctor import parsing


def test_kernel_settings_has_values_and_what_is_not_set() -> None:
    """A configuration file says y, m, a text, or in a comment that a thing is off."""
    off = b"# CONFIG_MLX5_VFIO_PCI is not set\n"
    data = b"#\n# VFIO\n#\nCONFIG_VFIO=m\n" + off + b'CONFIG_S="a=b"\n'
    expected = {"VFIO": "m", "MLX5_VFIO_PCI": "n", "S": '"a=b"'}
    assert expected == parsing.kernel_settings(data)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none [integrity] confidentiality", "integrity"),
        ("none integrity [confidentiality]", "confidentiality"),
        ("[none] integrity confidentiality", ""),
        ("", ""),
    ],
)
def test_lockdown_is_the_word_in_brackets(text: str, expected: str) -> None:
    """The kernel marks the level that holds; none is no lockdown."""
    assert expected == parsing.active_lockdown(text)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x06\0\0\0\x01", True),
        (b"\x06\0\0\0\0", False),
        (b"\x06\0\0\0", None),
        (None, None),
    ],
)
def test_secure_boot_is_the_byte_after_the_attributes(
    data: bytes | None, expected: bool | None
) -> None:
    """efivarfs puts four bytes before the value; anything else says nothing."""
    assert expected is parsing.is_secure_boot(data)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'SUBSYSTEM=="vfio", GROUP="vfio", MODE="0660"', True),
        (b'SUBSYSTEM=="vfio", TAG+="uaccess"', True),
        (b'#SUBSYSTEM=="vfio", GROUP="vfio"', False),
        (b'SUBSYSTEM=="vfio", TAG+="systemd"', False),
        (b'SUBSYSTEM=="vfio", MODE=="0660", TAG+="systemd"', False),
        (b'SUBSYSTEM=="net", GROUP="x"', False),
    ],
)
def test_rules_about_nodes_give_them_to_somebody(line: bytes, expected: bool) -> None:
    """A rule that only matches, or that is about other devices, grants nothing."""
    assert expected is parsing.mentions_vfio(line)


@given(st.binary())
def test_no_content_is_too_strange(data: bytes) -> None:
    """Whatever is in the files, reading them ends without an error."""
    parsing.kernel_settings(data)
    parsing.is_secure_boot(data)
    parsing.mentions_vfio(data)
    parsing.active_lockdown(data.decode("latin-1"))
