"""Suggestions for misspelled names."""

from __future__ import annotations

import pytest

from simkernel.suggest import did_you_mean

DRIVERS = ["vfio_pci", "mlx5_vfio_pci", "qat_vfio_pci", "nvme"]


@pytest.mark.parametrize(
    ("word", "known", "text"),
    [
        ("mlx5_vfio_pc", DRIVERS, "; did you mean mlx5_vfio_pci?"),
        ("vfio-pci", DRIVERS, "; did you mean vfio_pci?"),
        ("vsf", ["release", "vfs"], "; did you mean vfs?"),
        ("Iommu", ["iommu", "buses"], "; did you mean iommu?"),
        ("mlx5", DRIVERS, "; did you mean mlx5_vfio_pci?"),
        ("6.13", ["6.12.117-amd64", "6.1.0-57-amd64"], ""),
        ("gpu", DRIVERS, ""),
        ("", DRIVERS, ""),
        ("vfs", [], ""),
    ],
)
def test_suggests_the_closest_name(word: str, known: list[str], text: str) -> None:
    """A message names one close name, and none if no name is close."""
    assert text == did_you_mean(word, known)
