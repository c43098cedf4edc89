"""The one map from nodes to ``stat``."""

from __future__ import annotations

import os
from stat import S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG

import pytest

from simkernel.filesystems.node import Attribute, DeviceNode, Directory, Link, Node
from simkernel.filesystems.stat import NodeStat, inode_of, mode_of, stat_of

NODES: list[tuple[Node, NodeStat]] = [
    (Directory(), NodeStat(S_IFDIR | 0o755, inode_of("/sys/x"))),
    (Link("../there"), NodeStat(S_IFLNK | 0o777, inode_of("/sys/x"))),
    (
        Attribute(mode=0o200, size=7),
        NodeStat(S_IFREG | 0o200, inode_of("/sys/x"), size=7),
    ),
    (
        DeviceNode(mode=0o660, major=244, minor=7, uid=5, gid=6),
        NodeStat(
            S_IFCHR | 0o660,
            inode_of("/sys/x"),
            uid=5,
            gid=6,
            rdev=os.makedev(244, 7),
        ),
    ),
]


@pytest.mark.parametrize(("node", "expected"), NODES)
def test_each_kind_of_node_has_its_stat(node: Node, expected: NodeStat) -> None:
    """Type, permission bits, size, owner and device number are the node's."""
    assert expected == stat_of(node, "/sys/x")
    assert expected.mode == mode_of(node)


def test_inode_belongs_to_the_path() -> None:
    """Two looks at a path agree; another path has another number that fits 63 bits."""
    assert inode_of("/sys/a") == inode_of("/sys/a")
    assert inode_of("/sys/a") != inode_of("/sys/b")
    assert all(0 <= inode_of(f"/sys/{number}") < 1 << 63 for number in range(100))
