"""``/sys/kernel/iommu_groups``."""

from __future__ import annotations

import pytest

from simkernel.filesystems.node import Attribute
from simkernel.filesystems.sysfs.root import sysfs
from tests.bench import GPU, NIC, bench
from tests.trees import names


def test_iommu_group_lists_its_members() -> None:
    """Functions of one group share a directory of links."""
    tree = sysfs(bench())

    expected = ["devices", "reserved_regions", "type"]
    assert expected == names(tree, "kernel/iommu_groups/7")
    assert names(tree, "kernel/iommu_groups/7/devices") == [NIC, GPU]
    assert tree.lookup("kernel/iommu_groups/07") is None


@pytest.mark.parametrize(
    ("cmdline", "release", "expected"),
    [
        ("quiet iommu=pt", "6.12.0", b"identity\n"),
        ("iommu.passthrough=1", "6.12.0", b"identity\n"),
        ("quiet", "6.12.0", b"DMA-FQ\n"),
        ("quiet intel_iommu=strict", "6.12.0", b"DMA\n"),
        ("quiet", "5.10.0", b"DMA\n"),
    ],
)
def test_type_of_a_group_follows_the_command_line(
    cmdline: str, release: str, expected: bytes
) -> None:
    """What the kernel was told at the start decides for every group."""
    kernel = bench(release=release)
    kernel.cmdline = cmdline
    tree = sysfs(kernel)
    node = tree.lookup("kernel/iommu_groups/7/type")
    assert isinstance(node, Attribute)

    assert expected == tree.read(node)
