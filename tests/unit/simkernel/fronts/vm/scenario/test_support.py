"""The parts of a scenario that a real kernel does not support."""

from __future__ import annotations

import pytest

from simkernel.fronts.vm.scenario.support import left_out, refusals, supported_part
from simkernel.scenario.render import installed, load, parse

REFUSED = {
    "cdx_vfio": ["bus cdx (cdx-00:00, driver acme_cdx, driver vfio-cdx): not on a PC"],
    "nvgrace_gpu_vfio_pci": [
        "0008:00:00.0: QEMU supports only PCI domain 0000",
        "0008:01:00.0: QEMU supports only PCI domain 0000",
    ],
    "vmd": [
        "10000:00:02.0: QEMU supports only PCI domain 0000",
        "10000:01:00.0: QEMU supports only PCI domain 0000",
    ],
    "vfio_ap_autoload": [
        "bus ap (card04, driver cex4queue, driver vfio_ap): not on a PC",
        "bus css (driver io_subchannel, driver vfio_ccw): not on a PC",
    ],
    "vfio_ccw_autoload": [
        "bus css (0.0.0000, driver io_subchannel, driver vfio_ccw): not on a PC",
        "bus ap (driver cex4queue, driver vfio_ap): not on a PC",
    ],
}
REFUSED["vfio_ap_blacklisted"] = REFUSED["vfio_ap_autoload"]


@pytest.mark.parametrize("name", installed())
def test_only_scenarios_of_other_machines_are_refused(name: str) -> None:
    """A real kernel supports every scenario of a PC."""
    assert REFUSED.get(name, []) == refusals(load(name))


def test_group_across_devices_is_refused() -> None:
    """Only functions of one slot can share a group."""
    scenario = parse("""
        kernel: {release: 6.12.1}
        devices:
          - {address: "0000:01:00.0", id: "1af4:0001", iommu_group: 5}
          - {address: "0000:02:00.0", id: "1af4:0001", iommu_group: 5}
    """)

    assert refusals(scenario) == [
        "iommu_group 5 (0000:01:00.0, 0000:02:00.0): only functions of one slot can "
        "share a group"
    ]


def test_conventional_bridge_is_refused() -> None:
    """QEMU's bridges on PCI Express buses are ports."""
    scenario = parse("""
        kernel: {release: 6.12.1}
        devices:
          - {address: "0000:01:00.0", id: "1af4:0001", secondary_bus: "02", express: no}
    """)

    assert refusals(scenario) == ["0000:01:00.0: QEMU's ports are PCI Express"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "mlx5_vfio_pci",
            "no network interfaces (ens1np0, ens1v{index}): stub drivers create none",
        ),
        ("sysfs_refuses", "no faults: a real kernel cannot be made to refuse"),
        ("driver_never_appears", "module mlx5_vfio_pci does not vanish"),
        (
            "golden_lab",
            "no other devices (alarmtimer.auto, iTCO_wdt.auto): the guest has its own",
        ),
    ],
)
def test_what_is_left_out_is_told(name: str, line: str) -> None:
    """Each part that is left out is reported."""
    assert line in left_out(load(name))


def test_nothing_is_told_where_nothing_is_left_out() -> None:
    """A fully supported scenario gives no line."""
    assert left_out(load("vfio_pci")) == []


def test_users_of_devices_are_told() -> None:
    """The guest has its own nodes and processes, and working functions."""
    scenario = parse("""
        kernel: {release: 6.12.1}
        directories: [/sys/devices/pci0000:01/0000:01:00.0/net]
        nodes: [{path: /dev/sda, number: "8:0", type: block}]
        processes: [{pid: 9, name: a}]
        addresses: [{interface: eth0, address: 192.0.2.5/24}]
        container: true
        devices:
          - {address: "0000:01:00.0", id: "1af4:0001", answers: false, iommu: false}
          - address: "0000:02:00.0"
            id: "1af4:0001"
            reserved_regions: [0x1000 0x1fff direct]
    """)

    assert left_out(scenario) == [
        "no directories (/sys/devices/pci0000:01/0000:01:00.0/net): the guest has its "
        "own",
        "no nodes (/dev/sda): the guest has its own",
        "no processes (9): the guest has its own",
        "no addresses (192.0.2.5/24): the guest has its own",
        "no container: programs see the whole guest",
        "0000:01:00.0 answers: QEMU emulates no function without registers",
        "0000:01:00.0 has an IOMMU group: QEMU's IOMMU has all functions",
        "0000:02:00.0 has no reserved_regions: the firmware names none",
    ]
    assert left_out(supported_part(scenario)) == []


def test_software_that_is_not_there_is_told() -> None:
    """udev, owned groups and character devices are named by their keys."""
    scenario = parse("""
        kernel: {release: 6.12.1, vfio_cdev: true}
        udev: true
        owned_groups: [4]
        modules:
          - {name: late, path: late.ko, late_ms: 5}
        devices:
          - {address: "0000:01:00.0", id: "1af4:0001", iommu_group: 4}
    """)

    assert left_out(scenario) == [
        "no owned_groups (4): no process opens a group",
        "no udev: the guest does not run it",
        "no kernel.vfio_cdev: the kernel's own configuration applies",
        "module late: its drivers appear without delay",
    ]
