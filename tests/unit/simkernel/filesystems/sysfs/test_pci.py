"""Directories of PCI functions."""

from __future__ import annotations

from errno import EINVAL, ERANGE

from simkernel.errors import KernelRefusal
from simkernel.filesystems.node import Attribute
from simkernel.filesystems.sysfs.root import sysfs
from simkernel.filesystems.tree import Tree
from tests.bench import NIC, bench, device
from tests.trees import names


def test_old_kernels_read_and_show_less() -> None:
    """5.10 has fewer files, knows no ``true``, and says ERANGE of large numbers."""
    found = {}
    for release in ("5.10.223", "6.1.176"):
        kernel = bench("host_nic", release=release)
        tree = sysfs(kernel)
        path = "devices/pci0000:02/0000:02:00.0"
        answers = [_answer(tree, f"{path}/sriov_numvfs", b"65536")]
        answers += [_answer(tree, f"{path}/sriov_drivers_autoprobe", b"true")]
        newer = {"power_state", "sriov_vf_total_msix"} & set(names(tree, path))
        found[release] = (answers, sorted(newer))

    assert found == {
        "5.10.223": ([ERANGE, EINVAL], []),
        "6.1.176": ([EINVAL, 0], ["power_state", "sriov_vf_total_msix"]),
    }


def _answer(tree: Tree, path: str, data: bytes) -> int:
    node = tree.lookup(path)
    assert isinstance(node, Attribute)
    try:
        tree.write(node, data)
    except KernelRefusal as refusal:
        return refusal.errno or 0
    return 0


def test_network_interface_goes_with_its_driver() -> None:
    """An interface is there while a host driver holds the function."""
    kernel = bench("host_nic")
    tree = sysfs(kernel)
    assert names(tree, "class/net") == ["eth0"]

    kernel.pci.release(device(kernel, NIC))

    assert names(tree, "class/net") == []
