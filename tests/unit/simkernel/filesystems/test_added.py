"""Directories, device nodes and processes that a scenario adds."""

from __future__ import annotations

import pytest

from simkernel.filesystems.node import DeviceNode, Directory, Link
from simkernel.host.boot import boot_host
from simkernel.host.content import read_path
from simkernel.host.host import Host
from simkernel.model.vfio.nodes import GROUP_MAJOR
from simkernel.scenario.render import parse

DEVICES = """
kernel: {release: 6.12.0}
modules:
  - name: vfio
    path: kernel/vfio.ko
  - name: vfio_pci
    path: kernel/vfio-pci.ko
    depends: [vfio]
    drivers: [{name: vfio-pci, vfio: true, ids: [{override_only: true}]}]
loaded: [vfio_pci]
devices:
  - {address: "0000:01:00.0", id: "1af4:0001", iommu_group: 7, driver: vfio-pci}
  - {address: "0000:02:00.0", id: "1af4:0001", iommu: false}
"""
ADDED = """
directories: [/sys/devices/pci0000:01/0000:01:00.0/net]
nodes: [{path: /dev/sda, number: "8:0", type: block}]
processes:
  - pid: 777
    name: qemu
    files:
      - {path: /dev/sda}
      - {path: /dev/vfio/7}
      - {path: /dev/inside, number: "195:255"}
      - {path: /srv/disk.img}
    sockets: [4711]
"""


@pytest.fixture
def host() -> Host:
    """Return a host with one process."""
    return boot_host(parse(DEVICES + ADDED))


def test_empty_directory_is_listed(host: Host) -> None:
    """It is empty, and its parent keeps its own entries."""
    function = "/sys/bus/pci/devices/0000:01:00.0"

    assert read_path(host, f"{function}/net") == ""
    assert {"net", "vendor", "driver"} <= set(read_path(host, function).split())


def test_node_shows_its_number(host: Host) -> None:
    """``simkernel show`` tells the kinds of nodes apart."""
    assert read_path(host, "/dev/sda") == "block device 8:0\n"
    assert read_path(host, "/dev/null") == "character device 1:3\n"


@pytest.mark.parametrize(
    ("descriptor", "target", "number"),
    [
        (3, "/dev/sda", (8, 0)),
        (4, "/dev/vfio/7", (GROUP_MAJOR, 7)),
        (5, "/dev/inside", (195, 255)),
        (6, "/srv/disk.img", None),
        (7, "socket:[4711]", None),
    ],
)
def test_open_file_leads_to_its_node(
    host: Host, descriptor: int, target: str, number: tuple[int, int] | None
) -> None:
    """Also if the node has another name, or none, on the host."""
    path = f"777/fd/{descriptor}"
    proc = host.trees()["proc"]
    link = proc.resolve(path, follow=False)
    assert isinstance(link, Link)
    assert link.target == target

    node = proc.resolve(path)
    if number is None:
        assert node is None
    else:
        assert isinstance(node, DeviceNode)
        assert (node.major, node.minor) == number


def test_process_has_its_name(host: Host) -> None:
    """The other files of a process are not modelled."""
    assert read_path(host, "/proc/777") == "comm\nfd\n"
    assert read_path(host, "/proc/777/comm") == "qemu\n"


def test_function_without_iommu_has_no_group(host: Host) -> None:
    """Its neighbour has one."""
    tree = host.trees()["sys"]
    base = "bus/pci/devices/0000:0{}:00.0/iommu_group"

    assert isinstance(tree.resolve(base.format(1)), Directory)
    assert tree.resolve(base.format(2)) is None


@pytest.mark.parametrize("is_container", [False, True])
def test_container_hides_the_kernels_threads(is_container: bool) -> None:
    """Process 2 of a whole host is kthreadd, and a container has other namespaces."""
    text = f"{DEVICES}container: {str(is_container).lower()}\n"
    proc = boot_host(parse(text)).trees()["proc"]

    namespace = proc.resolve("self/ns/pid", follow=False)
    assert isinstance(namespace, Link)
    first = "pid:[4026531836]"  # PROC_PID_INIT_INO
    assert (namespace.target == first) is not is_container
    assert (proc.resolve("2") is None) is is_container
