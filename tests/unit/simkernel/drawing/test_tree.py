"""Hosts drawn as a tree on a terminal."""

from __future__ import annotations

import io

from simkernel.drawing.topology import Topology, topology
from simkernel.drawing.tree import print_tree
from tests.bench import host_of
from tests.unit.simkernel.drawing.hosts import EMPTY, nic


def drawn(title: str, host: Topology) -> str:
    """Draw a host as text."""
    out = io.StringIO()
    print_tree(title, host, out)
    return out.getvalue()


def test_tree_has_functions_below_bridges_with_group_and_driver() -> None:
    """A virtual function is below its physical function; overrides are shown."""
    text = drawn("nic", nic())

    assert text.splitlines()[:8] == [
        "nic  kernel 6.12.117-amd64",
        "├── bus pci",
        "│   └── 0000:3a:00.0  8086:347a  PCI bridge  group 0  pcieport",
        "│       └── 0000:3b:00.0  15b3:101d  Ethernet controller  group 1  mlx5_core"
        "  ens1np0",
        "│           ├── 0000:3b:00.2  15b3:101e  Ethernet controller  VF  group 2"
        "  vfio-pci  override vfio-pci",
        "│           └── 0000:3b:00.3  15b3:101e  Ethernet controller  VF  group 3"
        "  mlx5_core  override vfio-pci  ens1v1",
        "├── drivers",
        "│   ├── pcieport  pci, 1 device  module pcieportdrv",
    ]
    assert "    └── vfio_pci\n" in text
    assert "vfio  used by vfio_pci_core" in text


def test_tree_has_every_device_of_every_bus() -> None:
    """Devices on buses other than PCI are part of the tree."""
    kernel = host_of("golden_lab").kernel

    text = drawn("lab", topology(kernel))

    for bus in kernel.buses.values():
        for name in bus.devices:
            assert name in text


def test_empty_host_has_only_a_title() -> None:
    """A host without devices is a valid tree."""
    assert drawn("empty", EMPTY) == "empty  kernel 6.1.0\n"
