"""What loading and removing vfio-pci comes to on each kernel, as was observed."""

from __future__ import annotations

import pytest

from simkernel.scenario.render import load
from tests.simulated import session


@pytest.mark.parametrize(
    ("release", "loaded", "left"),
    [
        ("5.10.223", {"vfio_virqfd", "vfio_pci"}, set()),
        ("6.1.176", {"vfio_virqfd", "vfio_pci_core", "vfio_pci"}, {"vfio_virqfd"}),
        ("6.12.117", {"vfio_pci_core", "vfio_pci"}, set()),
    ],
)
def test_modprobe_of_vfio_pci_and_back(
    release: str, loaded: set[str], left: set[str]
) -> None:
    """vfio and its IOMMU driver stay; of vfio_virqfd it depends on who needed it."""
    always = {"vfio", "vfio_iommu_type1"}
    with session(load("golden_lab", {"release": release})) as host:
        before = set(host.modules)
        host.kmod("modprobe", "vfio-pci")
        after = set(host.modules) - before
        host.kmod("modprobe", "-r", "vfio-pci")
        remaining = set(host.modules) - before

    assert after == always | loaded
    assert remaining == always | left
