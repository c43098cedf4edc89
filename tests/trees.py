"""Look-ups in simulated trees, for tests of the file systems."""

from __future__ import annotations

from simkernel.filesystems.node import Directory, Link
from simkernel.filesystems.tree import Tree
from simkernel.model.kernel import Kernel
from tests.bench import bench, device

__all__ = ["names", "on_vfio", "target"]


def names(tree: Tree, path: str) -> list[str]:
    """Return the sorted names in a directory."""
    node = tree.lookup(path)
    assert isinstance(node, Directory)
    return sorted(node.names())


def target(tree: Tree, path: str) -> str:
    """Return the text of a link."""
    node = tree.lookup(path)
    assert isinstance(node, Link)
    return node.target


def on_vfio(name: str) -> Kernel:
    """Return the bench's kernel with a device bound to vfio-pci."""
    kernel = bench("vfio_pci")
    device(kernel, name).driver_override = b"vfio-pci"
    kernel.pci.attach_device(device(kernel, name))
    return kernel
