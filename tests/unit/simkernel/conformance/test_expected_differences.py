"""The document lists the expected differences."""

from __future__ import annotations

from pathlib import Path

from simkernel.conformance.expected_differences import (
    is_not_compared,
    is_not_modelled,
    listing,
)

DOCUMENT = Path(__file__).parents[4] / "docs" / "supported-kernel.md"
DEVICE = "/sys/devices/pci0000:3a/0000:3a:00.0"


def test_document_lists_all_that_is_left_out() -> None:
    """The lists are equal, word for word."""
    assert listing() in DOCUMENT.read_text()


def test_only_whole_names_are_left_out() -> None:
    """A longer name is compared."""
    assert is_not_modelled(f"{DEVICE}/resource0")
    assert is_not_modelled(f"{DEVICE}/power/runtime_status")
    assert is_not_compared(f"{DEVICE}/config")
    for name in ("resource_alignment", "romx", "power/control", "driver_override"):
        assert not is_not_modelled(f"{DEVICE}/{name}"), name
        assert not is_not_compared(f"{DEVICE}/{name}"), name
