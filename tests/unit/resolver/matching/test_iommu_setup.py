"""CPU vendors and hypervisors in /proc/cpuinfo."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.matching import iommu_setup


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"vendor_id\t: GenuineIntel\nflags\t\t: fpu hypervisor\n", ("Intel", True)),
        (b"vendor_id\t: AuthenticAMD\nflags\t\t: fpu\n", ("AMD", False)),
        (b"CPU implementer\t: 0x41\n", ("Arm", False)),
        (b"", ("", False)),
    ],
)
def test_cpu_says_vendor_and_hypervisor(
    data: bytes, expected: tuple[str, bool]
) -> None:
    """/proc/cpuinfo shows the vendor, and whether this is a guest."""
    assert expected == (iommu_setup.cpu_vendor(data), iommu_setup.is_virtual(data))


@given(st.binary())
def test_any_content_of_cpuinfo_is_read(data: bytes) -> None:
    """No content raises an error."""
    iommu_setup.cpu_vendor(data)
    iommu_setup.is_virtual(data)
