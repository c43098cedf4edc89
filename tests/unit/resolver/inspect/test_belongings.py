"""Everything below a function goes with it, and every user of any part is found."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from resolver.inspect.devices import read_device
from resolver.inspect.in_use import Use, uses_of

NAME = "0000:3b:00.2"
TABLE = "25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sdz1 rw\n"


class Tree:
    """A captured host with one function on a host driver.

    :ivar path: directory of the function.
    """

    def __init__(self, captured: Any, driver: str = "host_driver") -> None:
        self.captured = captured
        self.path: Path = captured.device(NAME, driver=driver)
        captured.write("proc/self/mountinfo", TABLE)

    def part(self, place: str, kind: str, **files: str) -> Path:
        """Add a device below the function.

        :param kind: ``class/block``, ``bus/usb``.
        """
        path = self.path / place
        path.mkdir(parents=True)
        (path / "subsystem").symlink_to(f"/sys/{kind}")
        for name, text in files.items():
            (path / name).write_text(f"{text}\n")
        return path

    def disk(self, place: str, number: str = "8:16") -> Path:
        """Add a disk below the function, and the link of its class."""
        path = self.part(place, "class/block", dev=number)
        link = self.captured.root / "sys/class/block" / path.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
        return path

    def opened(self, pid: int, target: str, name: str = "qemu") -> None:
        """Add a process that has something open."""
        self.captured.write(f"proc/{pid}/comm", f"{name}\n")
        directory = self.captured.root / f"proc/{pid}/fd"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "7").symlink_to(target)

    def uses(self, *, is_live: bool = False) -> list[Use]:
        """Return the uses of the function."""
        host = self.captured.live_host if is_live else self.captured.host
        return list(uses_of(host, read_device(host, "pci", NAME)))

    def texts(self) -> list[str]:
        """Return what the uses say."""
        return [use.text for use in self.uses()]


@pytest.fixture
def tree(captured: Any) -> Tree:
    """Return a captured host with one function on a host driver."""
    return Tree(captured)


@pytest.mark.parametrize(
    "place",
    [
        "pci10000:00/10000:00:02.0/10000:01:00.0/nvme/nvme0/nvme0n1",
        "usb1/1-1/1-1.4/1-1.4:1.0/host3/target3:0:0/3:0:0:0/block/sdb",
        "virtio0/block/vda",
        "vdpa0/virtio3/block/vdb",
        "/".join(f"expander-{n}" for n in range(30)) + "/block/sdc",
    ],
)
def test_disk_at_any_depth_is_found(tree: Tree, place: str) -> None:
    """In a domain of its own, behind USB hubs, virtio or vDPA."""
    for bridge in (
        "pci10000:00/10000:00:02.0",
        "pci10000:00/10000:00:02.0/10000:01:00.0",
    ):
        if place.startswith(bridge):
            tree.part(bridge, "bus/pci")
    disk = tree.disk(place)
    table = f"{TABLE}26 25 8:16 / /srv rw - ext4 /dev/{disk.name} rw\n"
    tree.captured.write("proc/self/mountinfo", table)
    assert tree.uses() == [Use("disk-in-use", f"{disk.name} is mounted at /srv")]


def test_function_behind_a_bridge_does_not_go_with_it(tree: Tree) -> None:
    """A bridge's driver leaves its bus alone."""
    tree.part("0000:3c:00.0", "bus/pci")
    tree.disk("0000:3c:00.0/nvme/nvme0/nvme0n1")
    tree.captured.write(
        "proc/self/mountinfo", f"{TABLE}26 25 8:16 / /srv rw - ext4 x rw"
    )
    assert tree.uses() == []


def test_consumer_that_the_driver_core_tracks_goes_with_its_supplier(
    tree: Tree,
) -> None:
    """A link without state does not count."""
    devices = tree.captured.root / "sys/devices"
    for number, state in enumerate(("active", "not tracked")):
        link = tree.path / f"consumer:platform:user.{number}"
        link.mkdir()
        (link / "status").write_text(f"{state}\n")
        place = devices / f"platform/user.{number}"
        place.mkdir(parents=True)
        (link / "consumer").symlink_to(place)
        node = place / "watchdog/watchdog0"
        node.mkdir(parents=True)
        (node / "subsystem").symlink_to("/sys/class/watchdog")
        (node / "uevent").write_text(
            f"MAJOR=10\nMINOR=13{number}\nDEVNAME=wd{number}\n"
        )
        tree.opened(number + 10, f"/dev/wd{number}", "watchdogd")
    assert tree.texts() == ["process 10 (watchdogd) has /dev/wd0 open"]


@pytest.mark.parametrize(
    ("place", "kind", "node"),
    [
        ("drm/card0", "class/drm", "dri/card0"),
        ("infiniband_verbs/uverbs0", "class/infiniband_verbs", "infiniband/uverbs0"),
        ("nvme/nvme0/ng0n1", "class/nvme-generic", "ng0n1"),
        ("sound/card1/pcmC1D0p", "class/sound", "snd/pcmC1D0p"),
        ("iTCO_wdt.1.auto/watchdog/watchdog0", "class/watchdog", "watchdog0"),
        ("tpm/tpm0", "class/tpm", "tpm0"),
        ("usb1/1-1", "bus/usb", "bus/usb/001/002"),
        ("vdpa0/vhost-vdpa-0", "class/vhost-vdpa", "vhost-vdpa-0"),
        ("uio/uio0", "class/uio", "uio0"),
        ("5b0f9c1e-0000/vfio-dev/vfio7", "class/vfio-dev", "vfio/devices/vfio7"),
    ],
)
def test_node_of_any_class_counts(tree: Tree, place: str, kind: str, node: str) -> None:
    """Whatever its class or bus is, and only by its whole path on a captured host."""
    tree.part(place, kind, uevent=f"MAJOR=240\nMINOR=3\nDEVNAME={node}")
    tree.opened(21, f"/srv/copy/{node}")
    assert tree.uses() == []
    tree.opened(22, f"/dev/{node}")
    assert tree.uses() == [Use("node-open", f"process 22 (qemu) has /dev/{node} open")]


@pytest.mark.skipif(os.geteuid() != 0, reason="mknod needs root; run as root")
@pytest.mark.real
def test_number_tells_the_node_and_not_its_name(tree: Tree, tmp_path: Path) -> None:
    """A container has it under another name; another device's node has its name."""
    tree.part("drm/card0", "class/drm", dev="226:0", uevent="DEVNAME=dri/card0")
    for pid, name, number in ((31, "gpu", 0), (32, "card0", 1)):
        node = tmp_path / name
        os.mknod(node, stat.S_IFCHR | 0o600, os.makedev(226, number))
        tree.opened(pid, str(node))
    block = tmp_path / "block"
    os.mknod(block, stat.S_IFBLK | 0o600, os.makedev(226, 0))
    tree.opened(33, str(block))
    assert [use.text for use in tree.uses(is_live=True)] == [
        "process 31 (qemu) has /dev/dri/card0 open"
    ]


def test_mapped_registers_are_a_use(tree: Tree) -> None:
    """A driver in user space needs no node."""
    tree.opened(41, f"{tree.path}/resource0", "dpdk")
    tree.opened(42, f"{tree.path}/vendor", "lspci")
    assert tree.texts() == [f"process 41 (dpdk) has {tree.path}/resource0 open"]


@pytest.mark.parametrize("kind", ["net", "infiniband", "ieee80211"])
def test_device_in_another_network_namespace_is_in_use(tree: Tree, kind: str) -> None:
    """Its directory is there and empty; other empty directories say nothing."""
    (tree.path / "link").mkdir()
    assert tree.uses() == []
    (tree.path / kind).mkdir()
    (use,) = tree.uses()
    assert use.rule == "network-in-use"
    assert "in another network namespace" in use.text


def test_sockets_without_an_address_are_uses(tree: Tree) -> None:
    """A packet socket on the interface, not one on all; and a PPPoE session."""
    tree.part("net/eth3", "class/net", ifindex="7", flags="0x1003")
    head = "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"
    row = "0000000000000000 3      3    0003   {}     1 0      0      {}\n"
    rows = row.format(0, 500) + row.format(7, 501) + row.format(77, 502)
    tree.captured.write("proc/net/packet", head + rows)
    for pid, inode in ((50, 500), (51, 501)):
        tree.opened(pid, f"socket:[{inode}]", "tcpdump")
    tree.captured.write(
        "proc/net/pppoe",
        "Id       Address              Device\n0100 00:11:22:33:44:55     eth3\n",
    )
    assert tree.texts() == [
        "process 51 (tcpdump) has a packet socket on eth3",
        "eth3 carries a PPPoE session",
    ]


@pytest.mark.parametrize(
    ("files", "text"),
    [
        (
            {
                "sys/kernel/config/nvmet/subsystems/nqn/namespaces/1/device_path": "{}",
                "sys/kernel/config/nvmet/subsystems/nqn/namespaces/1/enable": "1",
            },
            "sdb is exported by the NVMe target as nqn, namespace 1",
        ),
        (
            {
                "sys/kernel/config/target/core/pscsi_0/lun/udev_path": "{}",
                "sys/kernel/config/target/core/pscsi_0/lun/enable": "1",
            },
            "sdb is exported by the SCSI target as lun",
        ),
        (
            {"sys/block/loop4/loop/backing_file": "{}"},
            "sdb is the backing file of loop4",
        ),
        (
            {"sys/fs/btrfs/c0de/devices/sdb/size": "1"},
            "sdb is in a mounted file system: btrfs c0de",
        ),
        (
            {"sys/fs/xfs/sdb/stats/stats": "1"},
            "sdb is in a mounted file system: xfs",
        ),
    ],
)
def test_disk_that_nobody_claims_can_be_in_use(
    tree: Tree, files: dict[str, str], text: str
) -> None:
    """By the kernel's targets, loop devices, and mounts of any namespace."""
    tree.disk("host0/block/sdb")
    assert tree.uses() == []
    for path, content in files.items():
        tree.captured.write(path, content.format("/dev/sdb") + "\n")
    assert tree.uses() == [Use("disk-in-use", text)]


@pytest.mark.parametrize(
    "table", ["", "25 1 0:48 / / rw,relatime - overlay overlay rw\n"]
)
def test_disk_that_cannot_be_tested_is_not_known_to_be_free(
    tree: Tree, table: str
) -> None:
    """No node, and no mounts of the host: as in a container."""
    tree.disk("host0/block/sdb")
    tree.captured.write("proc/self/mountinfo", table)
    (use,) = tree.uses()
    assert use.rule == "use-unknown"
    assert "not known whether sdb is free" in use.text


def test_nodes_without_a_device_in_sysfs_count(captured: Any) -> None:
    """By the major that the driver registered, and what it tells of the device."""
    tree = Tree(captured, driver="nvidia")
    captured.write(
        "proc/devices", "Character devices:\n195 nvidia\n507 nvidia-nvswitch\n"
    )
    card = f"proc/driver/nvidia/gpus/{NAME}/information"
    captured.write(card, "Model: \t Tesla\nDevice Minor: \t 3\n")
    tree.opened(61, "/dev/nvidia3", "ollama")
    tree.opened(62, "/dev/nvidia2", "other")
    tree.opened(63, "/dev/nvidiactl", "daemon")
    assert tree.texts() == ["process 61 (ollama) has /dev/nvidia3 open"]


def test_sev_node_belongs_to_the_security_processor(captured: Any) -> None:
    """It is a misc device, and so in no directory of the function."""
    tree = Tree(captured, driver="ccp")
    captured.write("proc/misc", "124 sev\n232 kvm\n")
    tree.opened(71, "/dev/sev")
    tree.opened(72, "/dev/kvm")
    assert tree.texts() == ["process 71 (qemu) has /dev/sev open"]


@pytest.mark.parametrize("name", ["BOOTFB", "efifb", "simplefb", "vesafb", "simpledrm"])
def test_console_is_in_the_memory_of_a_card_without_driver(
    captured: Any, name: str
) -> None:
    """Only in its own memory."""
    captured.device(NAME, driver=None)
    captured.device("0000:3b:00.3", driver=None)
    captured.write(
        "proc/iomem",
        "00000000-00000000 : PCI Bus 0000:3b\n"
        "  00000000-00000000 : 0000:3b:00.3\n"
        "  00000000-00000000 : 0000:3b:00.2\n"
        f"    00000000-00000000 : {name}\n"
        "00000000-00000000 : System RAM\n",
    )
    host = captured.host
    uses = [list(uses_of(host, device)) for device in map_devices(host)]
    assert uses == [
        [Use("boot-vga", f"the framebuffer of the console, {name}, is in its memory")],
        [],
    ]


def map_devices(host: Any) -> list[Any]:
    """Return both functions."""
    return [read_device(host, "pci", name) for name in (NAME, "0000:3b:00.3")]


def test_mediated_devices_and_vgpu_types_are_uses(tree: Tree) -> None:
    """The kernel removes them with their parent; their groups can be open, too."""
    mediated = tree.part("5b0f-uuid", "bus/mdev")
    (mediated / "iommu_group").symlink_to("/sys/kernel/iommu_groups/145")
    (tree.path / "nvidia").mkdir()
    (tree.path / "nvidia/current_vgpu_type").write_text("1130\n")
    tree.opened(81, "/dev/vfio/145")
    assert tree.uses() == [
        Use("node-open", "process 81 (qemu) has /dev/vfio/145 open"),
        Use("mdevs-created", "mediated devices of it exist: 5b0f-uuid"),
        Use("vgpu-assigned", "vGPU type 1130 is set for it"),
    ]


@pytest.mark.parametrize("driver", ["vfio-pci", "mlx5_vfio_pci"])
def test_group_of_a_guest_is_seen_before_linux_6_1(captured: Any, driver: str) -> None:
    """There is no vfio-dev; the name of the driver tells."""
    tree = Tree(captured, driver=driver)
    tree.opened(91, "/dev/vfio/40")
    assert tree.texts() == ["process 91 (qemu) has /dev/vfio/40 open"]
