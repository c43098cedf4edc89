"""``/dev``."""

from __future__ import annotations

from errno import EAGAIN

import pytest

from simkernel.errors import KernelRefusal
from simkernel.filesystems.devtmpfs import devtmpfs
from simkernel.filesystems.node import Attribute, DeviceNode
from simkernel.filesystems.sysfs.root import sysfs
from tests.bench import GPU, bench, device
from tests.trees import names, on_vfio


def test_vfio_nodes_come_and_go_with_the_device() -> None:
    """Group node, device node and class entries appear together."""
    kernel = on_vfio(GPU)
    tree, dev = sysfs(kernel), devtmpfs(kernel)

    assert names(dev, "vfio") == ["7", "devices", "vfio"]
    node = dev.lookup("vfio/7")
    assert isinstance(node, DeviceNode)
    assert node.mode == 0o600
    assert names(dev, "vfio/devices") == ["vfio0"]
    assert names(tree, f"devices/pci0000:01/{GPU}/vfio-dev") == ["vfio0"]
    assert names(tree, "class/vfio") == ["7"]

    kernel.pci.release(device(kernel, GPU))

    assert names(dev, "vfio") == ["vfio"]
    assert names(tree, "class/vfio") == []


def test_device_without_iommu_gets_a_group_while_bound_if_that_is_allowed() -> None:
    """The artificial group is named, its node says noiommu, and both go again."""
    kernel = bench("vfio_pci", iommu=False)
    gpu = device(kernel, GPU)
    gpu.driver_override = b"vfio-pci"
    kernel.pci.attach_device(gpu)
    assert gpu.driver is None

    kernel.modules.loaded["vfio"].set_parameter("enable_unsafe_noiommu_mode", b"1")
    kernel.pci.attach_device(gpu)
    tree, dev = sysfs(kernel), devtmpfs(kernel)

    assert names(dev, "vfio") == ["noiommu-0", "vfio"]
    assert "name" in names(tree, "kernel/iommu_groups/0")
    assert "iommu_group" in names(tree, f"devices/pci0000:01/{GPU}")

    kernel.pci.release(gpu)

    assert names(dev, "vfio") == ["vfio"]
    assert names(tree, "kernel/iommu_groups") == []


def test_dev_vfio_is_there_only_with_the_module() -> None:
    """No vfio, no directory."""
    assert devtmpfs(bench()).lookup("vfio") is None


def test_kernel_log_has_been_read() -> None:
    """A reader of the log is told to come again."""
    tree = devtmpfs(bench())
    node = tree.lookup("kmsg")
    assert isinstance(node, Attribute)

    with pytest.raises(KernelRefusal) as refusal:
        tree.read(node)

    assert refusal.value.errno == EAGAIN
