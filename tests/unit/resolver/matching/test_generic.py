"""Aliases that describe every device."""

from __future__ import annotations

import pytest

from resolver.matching.generic import GENERIC_PATTERN, describes_all


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (GENERIC_PATTERN, True),
        ("*", True),
        ("vfio_pci:*", True),
        ("vfio_pci:v*", True),
        ("vfio_pci:v[0-9A-F]*", True),
        ("vfio_pci:v????????d*", True),
        ("vfio_pci:v0*", False),
        ("vfio_pci:vF*", False),
        ("vfio_pci:v*d*sv*sd*bc02sc*i*", False),
        ("vfio_pci:v[0-8]*", False),
        ("vfio_pci:v[1-F]*", False),
        ("vfio_pci:v*i00", False),
        ("vfio_pci:v*iFF", False),
        ("vfio_pci:v*i*x", False),
        ("vfio_cdx:v*", False),
        ("vfio_pci:", False),
        ("", False),
    ],
)
def test_pattern_without_id_describes_every_device(
    pattern: str, expected: bool
) -> None:
    """Any id, class or fixed digit excludes some."""
    assert expected is describes_all(pattern)
