"""``/proc``."""

from __future__ import annotations

from simkernel.filesystems.node import Attribute
from simkernel.filesystems.procfs import procfs
from tests.bench import bench


def test_proc_modules_lists_the_newest_first() -> None:
    """Each line has name, size, references, users and state."""
    tree = procfs(bench("vfio_pci"))
    node = tree.lookup("modules")
    assert isinstance(node, Attribute)

    lines = tree.read(node).decode().splitlines()

    assert lines == [
        "vfio_pci 12288 0 - Live 0x0000000000000000",
        "vfio 12288 1 vfio_pci, Live 0x0000000000000000",
    ]
