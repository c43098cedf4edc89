"""PCI domains that a driver creates, and functions that do not answer."""

from __future__ import annotations

from simkernel.filesystems.node import Attribute, Directory
from simkernel.host.boot import boot_host
from simkernel.host.host import Host
from simkernel.scenario.render import parse

HOST = """
kernel: {release: 6.12.0}
modules:
  - {name: vmd, path: kernel/vmd.ko, drivers: [{name: vmd, ids: [{id: "8086:201d"}]}]}
  - name: nvme
    path: kernel/nvme.ko
    drivers: [{name: nvme, ids: [{id: "8086:0a54"}]}]
  - name: vfio_pci
    path: kernel/vfio-pci.ko
    drivers: [{name: vfio-pci, vfio: true, ids: [{override_only: true}]}]
loaded: [nvme, vmd, vfio_pci]
devices:
  - {address: "0000:17:05.5", id: "8086:201d"}
  - {address: "10000:00:02.0", id: "8086:2032", secondary_bus: "01",
     created_by: "0000:17:05.5"}
  - {address: "10000:01:00.0", id: "8086:0a54", created_by: "0000:17:05.5"}
"""
CREATOR = "/sys/bus/pci/drivers/vmd"
BELOW = "devices/pci0000:17/0000:17:05.5/pci10000:00/10000:00:02.0/10000:01:00.0"


def write(host: Host, path: str, text: str) -> None:
    """Write to a file below ``/sys``."""
    tree = host.trees()["sys"]
    node = tree.resolve(path.removeprefix("/sys/"))
    assert isinstance(node, Attribute)
    tree.write(node, text.encode())


def names(host: Host) -> list[str]:
    """Return the names of the PCI functions."""
    return list(host.kernel.pci.devices)


def test_domain_is_there_while_its_driver_is_bound() -> None:
    """R-PCI-12: functions come with the driver, below its function, and go with it."""
    host = boot_host(parse(HOST))
    assert isinstance(host.trees()["sys"].lookup(BELOW), Directory)
    bound = host.kernel.pci.devices["10000:01:00.0"].driver
    assert bound is not None
    assert bound.name == "nvme"

    write(host, f"{CREATOR}/unbind", "0000:17:05.5")

    assert names(host) == ["0000:17:05.5"]
    assert host.trees()["sys"].lookup(BELOW.rpartition("/10000:00")[0]) is None
    assert list(host.kernel.iommu.by_number) == [0]

    write(host, f"{CREATOR}/bind", "0000:17:05.5")

    assert names(host) == ["0000:17:05.5", "10000:00:02.0", "10000:01:00.0"]


def test_rescan_does_not_find_a_domain_without_its_driver() -> None:
    """A VFIO driver creates no domain, and neither does a rescan."""
    host = boot_host(parse(HOST))
    write(host, f"{CREATOR}/unbind", "0000:17:05.5")
    write(host, "/sys/bus/pci/devices/0000:17:05.5/driver_override", "vfio-pci")
    write(host, "/sys/bus/pci/drivers_probe", "0000:17:05.5")

    write(host, "/sys/bus/pci/rescan", "1")

    assert names(host) == ["0000:17:05.5"]


def test_removing_the_function_removes_its_domain() -> None:
    """Hot-unplug of the function releases its driver, which removes the domain."""
    host = boot_host(parse(HOST))

    host.kernel.hot_unplug("0000:17:05.5")

    assert names(host) == []


def test_function_that_does_not_answer_reads_as_all_ones() -> None:
    """Its neighbour's registers are unharmed."""
    host = boot_host(
        parse("""
        kernel: {release: 6.12.0}
        devices:
          - {address: "0000:01:00.0", id: "1af4:0001", answers: false}
          - {address: "0000:01:00.1", id: "1af4:0001"}
        """)
    )
    tree = host.trees()["sys"]
    read = {}
    for name in names(host):
        node = tree.resolve(f"bus/pci/devices/{name}/config")
        assert isinstance(node, Attribute)
        read[name] = tree.read(node)

    assert read["0000:01:00.0"] == b"\xff" * 4096
    assert read["0000:01:00.1"][:4] == b"\xf4\x1a\x01\x00"
