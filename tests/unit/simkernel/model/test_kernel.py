"""A kernel without a scenario."""

from __future__ import annotations

import pytest

from simkernel.model.kernel import Kernel


def test_kernel_has_its_settings() -> None:
    """Those of the command line and the build."""
    kernel = Kernel(
        "5.10.223",
        cdev=True,
        cmdline="quiet",
        boot_id="id",
        buses=["cdx"],
        lockdown="integrity",
    )

    assert (kernel.release, kernel.cmdline) == ("5.10.223", "quiet")
    assert (kernel.boot_id, kernel.lockdown) == ("id", "integrity")
    assert not kernel.features.vfio_dev
    assert list(kernel.buses) == ["pci", "cdx"]
    assert kernel.buses["pci"] is kernel.pci
    assert kernel.buses["cdx"] is kernel.other_buses["cdx"]


def test_kernel_has_a_platform_bus_unless_told_otherwise() -> None:
    """And no command line, no lockdown, no nodes of devices."""
    kernel = Kernel("6.12.0")

    assert list(kernel.buses) == ["pci", "platform"]
    assert (kernel.cmdline, kernel.boot_id, kernel.lockdown) == ("", "", "")
    device = kernel.other_buses["platform"].add("x", "x", iommu=True)
    assert not kernel.vfio.has_cdev(device)
    other = Kernel("6.12.0", cdev=True)
    assert other.vfio.has_cdev(other.other_buses["platform"].add("x", "x", iommu=True))


def test_text_that_is_no_release_is_refused() -> None:
    """The features depend on it."""
    with pytest.raises(ValueError, match="no kernel release"):
        Kernel("nonsense")
