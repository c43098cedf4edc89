"""Parts of a host that programs on the fuse tier do not see."""

from __future__ import annotations

from simkernel.fronts.fuse.sandbox.left_out import left_out
from simkernel.host.boot import boot_host
from simkernel.scenario.render import load, parse

HOST = """
kernel: {release: 6.12.0}
addresses: [{interface: eth0, address: 192.0.2.5/24}]
nodes:
  - {path: /dev/sda, number: "8:0", type: block, claimed: true}
  - {path: /dev/sdb, number: "8:16", type: block}
processes: [{pid: 9, name: a, files: [{path: /dev/sdb}], sockets: [4711]}]
directories: [/sys/empty, /proc/empty]
files:
  /etc/fstab: x
  /sys/file: x
  /dev/file: x
  /proc/self/mountinfo: x
  /proc/swaps: x
  /proc/net/route: x
  /proc/driver/none/such: x
links:
  /sys/link: x
  /dev/link: x
"""


def test_each_key_that_is_not_shown_is_told() -> None:
    """A line has the key, its values and the reason."""
    reason = "there is no mount point for them"

    assert list(left_out(boot_host(parse(HOST)))) == [
        "not on the fuse tier: addresses (192.0.2.5/24): programs see the interfaces "
        "of their network namespace",
        "not on the fuse tier: processes[].sockets (9): inode numbers cannot be chosen",
        "not on the fuse tier: nodes[].claimed (/dev/sda): device nodes cannot be "
        "opened",
        f"not on the fuse tier: files (/proc/net/route, /proc/driver/none/such): "
        f"{reason}",
        f"not on the fuse tier: links (/dev/link): {reason}",
        f"not on the fuse tier: directories (/proc/empty): {reason}",
    ]


def test_nothing_is_told_of_a_host_that_is_shown() -> None:
    """A scenario without these keys gives no line."""
    assert list(left_out(boot_host(load("mlx5_vfio_pci")))) == []
