"""Functions of ``os`` that bypass pyfakefs for kernel files.

pyfakefs walks each path several times per call. A tool that reads ten thousand devices
makes a quarter of a million calls. These functions look a path up in the tree directly,
and fall back to pyfakefs for all other paths and arguments.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from errno import EBUSY, EINVAL, ENOENT, ENOTDIR, EPERM
from functools import partial
from typing import Any

from pyfakefs.fake_file import StandardStreamWrapper
from pyfakefs.fake_filesystem import FakeFilesystem
from pyfakefs.helpers import get_uid

from simkernel.filesystems.node import Attribute, DeviceNode, Directory, Link, Node
from simkernel.filesystems.stat import stat_of
from simkernel.filesystems.tree import Tree
from simkernel.fronts.fakefs.nodes import LiveDevice, LiveFile
from simkernel.fronts.fakefs.patches.streams import open_descriptor
from simkernel.model.vfio.nodes import NodeOwner

__all__ = ["install"]

_real_fstat = partial(os.fstat)
"""A partial, because pyfakefs replaces the function itself."""
_NOT_KERNEL = object()
"""The path is not in a tree of the kernel."""


def install(
    fake_os: Any, filesystem: FakeFilesystem, trees: Mapping[str, Tree]
) -> None:
    """Install the functions in pyfakefs's ``os``.

    :param trees: the kernel's trees by the first name of their paths.
    """

    def locate(path: Any, *, follow: bool = True) -> Any:
        """Return the node of a path, None, or ``_NOT_KERNEL``."""
        if not _is_kernel_path(path, trees):
            return _NOT_KERNEL
        top, _, rest = path[1:].partition("/")
        return trees[top].resolve(rest, follow=follow)

    for name, make in _FUNCTIONS.items():
        setattr(fake_os, name, make(getattr(fake_os, name), locate))
    for name, check in _CHECKS.items():
        follow = name not in ("lexists", "islink")
        setattr(
            fake_os.path,
            name,
            _path_check(getattr(fake_os.path, name), locate, check, follow),
        )
    fake_os.open = _open(fake_os.open, locate, filesystem, trees)
    fake_os.stat = _stat(fake_os.stat, trees)
    fake_os.fstat = _fstat(fake_os.fstat, filesystem)
    fake_os.lstat = partial(fake_os.stat, follow_symlinks=False)


def _is_kernel_path(path: Any, trees: Mapping[str, Tree]) -> bool:
    """Tell whether a path is a text below one of the trees."""
    is_absolute = type(path) is str and path.startswith("/")
    return is_absolute and path[1:].partition("/")[0] in trees


def _missing(path: str, number: int = ENOENT) -> OSError:
    return OSError(number, os.strerror(number), path)


def _not_found(path: str, parent: object) -> OSError:
    """Return the error for a path that does not exist.

    :param parent: node of the path without its last name.
    """
    return _missing(path, ENOTDIR if isinstance(parent, Attribute) else ENOENT)


def _open(
    fallback: Callable[..., int],
    locate: Callable[..., Any],
    filesystem: FakeFilesystem,
    trees: Mapping[str, Tree],
) -> Callable[..., int]:
    def call(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        node = _NOT_KERNEL if more else locate(path)
        creates = flags & os.O_CREAT
        if node is None and not creates:
            raise _not_found(path, locate(os.path.dirname(path)))
        if isinstance(node, DeviceNode):
            return _open_device(fallback, path, flags, node)
        if not isinstance(node, Attribute) or flags & os.O_EXCL or get_uid() != 0:
            return fallback(path, flags, mode, **more)
        name = path.rpartition("/")[2]
        file = LiveFile(name, node, trees[path.split("/")[1]], filesystem)
        return open_descriptor(
            file, reads=not flags & os.O_WRONLY, writes=bool(flags & _WRITES)
        )

    return call


_WRITES = os.O_WRONLY | os.O_RDWR


def _open_device(
    fallback: Callable[..., int], path: str, flags: int, node: DeviceNode
) -> int:
    """Open a device node. pyfakefs refuses ``O_EXCL`` without ``O_CREAT``.

    :raises OSError: EBUSY, ``O_EXCL`` and the block device is claimed.

    Source: block/bdev.c bd_may_claim(); open(2). Rule: R-DEV-3.
    """
    if node.is_block and node.is_claimed and flags & os.O_EXCL:
        raise _missing(path, EBUSY)
    return fallback(path, flags & ~(os.O_EXCL | os.O_NONBLOCK))


def _fstat(fallback: Callable[..., Any], filesystem: FakeFilesystem) -> Any:
    """Return ``os.fstat``.

    pyfakefs has no device numbers, and fails for standard input, output and error,
    which are the real ones.
    """

    def call(fd: int) -> Any:
        stream = filesystem.get_open_file(fd)
        if isinstance(stream, StandardStreamWrapper):
            return _real_fstat(fd)
        file = stream.get_object()
        if isinstance(file, LiveDevice):
            return _status(file.node, file.absolute_path)
        return fallback(fd)

    return call


def _readlink(fallback: Callable[..., Any], locate: Callable[..., Any]) -> Any:
    def call(path: Any, **more: Any) -> Any:
        node = _NOT_KERNEL if more else locate(path, follow=False)
        if node is _NOT_KERNEL:
            return fallback(path, **more)
        if isinstance(node, Link):
            return node.target
        raise _missing(path, ENOENT if node is None else EINVAL)

    return call


def _listdir(fallback: Callable[..., Any], locate: Callable[..., Any]) -> Any:
    def call(path: Any = ".") -> Any:
        node = locate(path)
        if node is _NOT_KERNEL:
            return fallback(path)
        if isinstance(node, Directory):
            return list(node.names())
        raise _missing(path, ENOENT if node is None else ENOTDIR)

    return call


def _chown(fallback: Callable[..., Any], locate: Callable[..., Any]) -> Any:
    """Return ``os.chown``; -1 leaves an id as it is."""

    def call(path: Any, uid: int, gid: int, **more: Any) -> Any:
        node = _NOT_KERNEL if more else locate(path)
        if not isinstance(node, DeviceNode) or node.set_owner is None:
            return fallback(path, uid, gid, **more)
        _require_root(path)
        owner = NodeOwner(node.uid, node.gid, node.mode)
        wanted = {"uid": uid, "gid": gid}
        node.set_owner(owner._replace(**{k: v for k, v in wanted.items() if v != -1}))
        return None

    return call


def _chmod(fallback: Callable[..., Any], locate: Callable[..., Any]) -> Any:
    def call(path: Any, mode: int, **more: Any) -> Any:
        node = _NOT_KERNEL if more else locate(path)
        if not isinstance(node, DeviceNode) or node.set_owner is None:
            return fallback(path, mode, **more)
        _require_root(path)
        node.set_owner(NodeOwner(node.uid, node.gid, stat.S_IMODE(mode)))
        return None

    return call


def _require_root(path: str) -> None:
    if get_uid() != 0:
        raise PermissionError(EPERM, os.strerror(EPERM), path)


def _stat(
    fallback: Callable[..., Any], trees: Mapping[str, Tree]
) -> Callable[..., Any]:
    """Return ``os.stat``."""

    def call(path: Any, *, dir_fd: Any = None, follow_symlinks: bool = True) -> Any:
        if dir_fd is not None or not _is_kernel_path(path, trees):
            return fallback(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        top, _, rest = path[1:].partition("/")
        names, node = trees[top].follow(rest, last=follow_symlinks)
        if node is None:
            raise _missing(path)
        return _status(node, "/".join(["", top, *names]))

    return call


def _status(node: Node, path: str) -> os.stat_result:
    """Return the result of ``os.stat`` for a node; times are 0."""
    found = stat_of(node, path)
    values = (found.mode, found.inode, 0, 1, found.uid, found.gid, found.size, 0, 0, 0)
    return os.stat_result(values, {"st_rdev": found.rdev})


def _path_check(
    fallback: Callable[..., bool],
    locate: Callable[..., Any],
    check: Callable[[Any], bool],
    follow: bool,
) -> Callable[..., bool]:
    def call(path: Any) -> bool:
        node = locate(path, follow=follow)
        return fallback(path) if node is _NOT_KERNEL else check(node)

    return call


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "chmod": _chmod,
    "chown": _chown,
    "listdir": _listdir,
    "readlink": _readlink,
}

_CHECKS: dict[str, Callable[[Any], bool]] = {
    "exists": lambda node: node is not None,
    "isdir": lambda node: isinstance(node, Directory),
    "isfile": lambda node: isinstance(node, Attribute),
    "islink": lambda node: isinstance(node, Link),
    "lexists": lambda node: node is not None,
}
