"""``/sys/bus``."""

from __future__ import annotations

from simkernel.filesystems.node import Attribute
from simkernel.filesystems.sysfs.root import sysfs
from tests.bench import NIC, bench
from tests.trees import names, target


def test_bus_directory() -> None:
    """PCI has what every bus has, and three files more."""
    expected = (
        "devices drivers drivers_autoprobe drivers_probe rescan resource_alignment "
        "slots uevent"
    )

    assert expected.split() == names(sysfs(bench()), "bus/pci")


def test_driver_directory_and_links_both_ways() -> None:
    """Driver and device point at each other, and the driver at its module."""
    tree = sysfs(bench("host_nic"))
    base = "bus/pci/drivers/host_nic"

    expected = f"{NIC} 0000:02:00.0 bind module new_id remove_id uevent unbind"
    assert sorted(expected.split()) == names(tree, base)
    assert target(tree, f"{base}/module") == "../../../../module/host_nic"
    assert f"../../../../devices/pci0000:01/{NIC}" == target(tree, f"{base}/{NIC}")
    assert (
        target(tree, f"devices/pci0000:01/{NIC}/driver")
        == "../../../bus/pci/drivers/host_nic"
    )


def test_resource_alignment_keeps_one_line() -> None:
    """It is empty at first, and again after an empty line."""
    tree = sysfs(bench())
    node = tree.lookup("bus/pci/resource_alignment")
    assert isinstance(node, Attribute)
    texts = [tree.read(node)]
    for data in (b"20@0000:01:00.0\nmore", b"", b"\n"):
        tree.write(node, data)
        texts.append(tree.read(node))

    assert texts == [b"", b"20@0000:01:00.0\n", b"20@0000:01:00.0\n", b""]
