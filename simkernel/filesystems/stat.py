"""The ``stat`` of a node: the one map that every front uses.

Source: fs/kernfs/inode.c kernfs_refresh_inode(); drivers/base/devtmpfs.c.
"""

from __future__ import annotations

import os
from stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG
from typing import NamedTuple

from simkernel.filesystems.node import Attribute, DeviceNode, Directory, Link, Node

__all__ = ["NodeStat", "inode_of", "mode_of", "stat_of"]

_INODES = (1 << 63) - 1


class NodeStat(NamedTuple):
    """Fields of ``struct stat``; the others are 0, ``st_nlink`` is 1."""

    mode: int
    """File type and permission bits."""
    inode: int
    size: int = 0
    """Bytes; sysfs shows 0 for links and directories."""
    uid: int = 0
    gid: int = 0
    rdev: int = 0
    """Device number of a device node."""


def stat_of(node: Node, path: str) -> NodeStat:
    """Return the ``stat`` of a node.

    :param path: absolute path of the node.
    """
    mode, inode = mode_of(node), inode_of(path)
    if isinstance(node, Attribute):
        return NodeStat(mode, inode, node.size)
    if isinstance(node, DeviceNode):
        number = os.makedev(node.major, node.minor)
        return NodeStat(mode, inode, 0, node.uid, node.gid, number)
    return NodeStat(mode, inode)


def mode_of(node: Node) -> int:
    """Return the file type and permission bits of a node."""
    if isinstance(node, Directory):
        return S_IFDIR | 0o755
    if isinstance(node, Link):
        return S_IFLNK | 0o777
    if isinstance(node, DeviceNode):
        return (S_IFBLK if node.is_block else S_IFCHR) | node.mode
    return S_IFREG | node.mode


def inode_of(path: str) -> int:
    """Return the inode number of a path, stable in one process."""
    return hash(path) & _INODES
