"""Recorded functions as devices of a scenario."""

from __future__ import annotations

import pytest

from simkernel.recording.devices import InterfaceNames


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ens1f0np0", "ens1f0np0"),
        ("enx525400123456", "net0"),
        ("a-name-of-16-char", "net0"),
        ("br{0}", "net0"),
    ],
)
def test_names_of_interfaces(name: str, expected: str) -> None:
    """Names with a MAC address, and invalid ones, are replaced."""
    assert InterfaceNames().name(name) == expected
