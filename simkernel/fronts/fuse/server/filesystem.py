"""A view as a FUSE file system, through mfusepy.

No other module imports mfusepy.
"""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from errno import EACCES, EIO, EPERM
from typing import Any, NoReturn

import mfusepy

from simkernel.filesystems.node import Lifetime, Node
from simkernel.filesystems.stat import inode_of, mode_of, stat_of
from simkernel.fronts.fuse.inside.mounts import HAND_OVER
from simkernel.fronts.fuse.inside.syscalls import (
    OWN_DIRECTORY,
    restore_default,
    unshare,
)
from simkernel.fronts.fuse.server.name_cache import NameCache
from simkernel.fronts.fuse.server.parallel_open import ParallelOpens
from simkernel.fronts.fuse.server.view import View
from simkernel.fronts.fuse.server.workers import Workers

__all__ = ["Filesystem", "calling_thread"]

_OPTIONS = ("direct_io", "hard_remove", "nullpath_ok", "use_ino")
_READDIRPLUS = 3 << 13
"""FUSE_CAP_READDIRPLUS and _AUTO: mfusepy cannot fill in the attributes."""
_HANDLED_BY_LIBFUSE = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)
"""Signals that libfuse handles if the process does not."""
_LARGEST_ERRNO = 511
"""Linux drops a reply with a larger errno (fs/fuse/dev.c)."""
_HAND_OVER_NUMBER = 0
"""Number of the hand-over file while it is open; a view's numbers start at 1."""
_TIMES = ("st_atime", "st_mtime", "st_ctime")


def calling_thread() -> int:
    """Return the id of the thread that made the current request."""
    thread: int = mfusepy.fuse_get_context()[2]
    return thread


class Filesystem:
    """A view as a FUSE file system.

    :param descriptor: ``/dev/fuse``, opened in the user namespace of the mount.
    :param library: libfuse 3, the library that mfusepy uses.
    :param caches_names: let the machine's kernel cache names. If it does not, the view
        receives every look-up.
    """

    def __init__(
        self,
        view: View,
        descriptor: int,
        library: ctypes.CDLL,
        *,
        caches_names: bool = True,
    ) -> None:
        self._session_descriptor = descriptor  # libfuse closes it
        self._descriptor = os.dup(descriptor)
        parallel_opens = ParallelOpens(self._descriptor, view.close)
        self._workers = Workers(library, self._descriptor, parallel_opens)
        self._names = NameCache(self._descriptor, is_enabled=caches_names)
        self._operations = _Operations(view, self._workers, self._names, parallel_opens)
        self._thread = threading.Thread(target=self._serve, name="fuse", daemon=True)

    def start(self) -> None:
        """Start serving; mount the file system before."""
        self._thread.start()

    def join(self) -> None:
        """Wait until the file system is unmounted everywhere."""
        if self._thread.is_alive():
            self._thread.join()
        os.close(self._descriptor)

    def blocking(self) -> AbstractContextManager[None]:
        """Serve other requests while the block waits in an operation."""
        return self._workers.blocking()

    def invalidate_names(self, stale: Lifetime) -> None:
        """Invalidate the names that the machine's kernel caches.

        :param stale: the longest-lived names that were added or removed.
        """
        self._names.invalidate(stale)

    def _serve(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        unshare(OWN_DIRECTORY)  # libfuse changes to /; other threads must stay
        mfusepy.FUSE(
            self._operations,
            f"/dev/fd/{self._session_descriptor}",
            foreground=True,
            nothreads=True,
            fsname="simkernel",
        )


class _Operations(mfusepy.Operations):
    """The callbacks of mfusepy; a path is None for an open file."""

    use_ns = True

    def __init__(
        self,
        view: View,
        workers: Workers,
        names: NameCache,
        parallel_opens: ParallelOpens,
    ) -> None:
        self._view = view
        self._workers = workers
        self._names = names
        self._parallel_opens = parallel_opens
        self._started_ns = time.time_ns()

    def init_with_config(self, conn_info: Any, config_3: Any) -> None:
        self._names.configure(conn_info, config_3)
        conn_info.want &= ~_READDIRPLUS
        for option in _OPTIONS:
            setattr(config_3, option, 1)
        for number in _HANDLED_BY_LIBFUSE:
            if signal.getsignal(number) == signal.SIG_DFL:
                restore_default(number)

    def getattr(self, path: str | None, fh: int | None = None) -> dict[str, int]:
        path, node = self._look_up(path, fh)
        found = stat_of(node, path)
        return {
            "st_mode": found.mode,
            "st_ino": found.inode,
            "st_nlink": 1,
            "st_size": found.size,
            "st_uid": found.uid,
            "st_gid": found.gid,
            "st_rdev": found.rdev,
            **dict.fromkeys(_TIMES, self._started_ns),
        }

    def _look_up(self, path: str | None, fh: int | None) -> tuple[str, Node]:
        if path is None:
            return self._view.node_of(fh or 0)
        view = self._view
        version = view.version
        try:
            node = view.node(path)
        except FileNotFoundError:
            self._names.set_missing(is_current=lambda: view.version == version)
            raise
        self._names.set_found(
            view.lifetime(path), is_current=lambda: view.version == version
        )
        return path, node

    def readlink(self, path: str) -> str:
        return self._view.readlink(path)

    def opendir(self, path: str) -> int:
        return self._view.open_directory(path)

    def readdir(
        self, path: str | None, fh: int
    ) -> Iterator[tuple[str, dict[str, int], int]]:
        base = self._view.node_of(fh)[0].rstrip("/")
        for name in (".", ".."):
            yield name, {"st_mode": stat.S_IFDIR, "st_ino": inode_of(base)}, 0
        for name, node in self._view.entries(fh):
            inode = inode_of(f"{base}/{name}")
            yield name, {"st_mode": mode_of(node), "st_ino": inode}, 0

    def open(self, path: str, flags: int) -> int:
        if path == f"/{HAND_OVER}":
            return _HAND_OVER_NUMBER
        number = self._view.open(path, flags)
        if flags & os.O_ACCMODE != os.O_RDONLY:
            self._parallel_opens.reply_open(number)
        return number

    def read(self, path: str | None, size: int, offset: int, fh: int) -> bytes:
        return self._view.read(fh, size, offset)

    def write(self, path: str | None, data: bytes, offset: int, fh: int) -> int:
        try:
            return self._view.write(fh, data)
        except OSError as error:
            if (error.errno or 0) > _LARGEST_ERRNO:
                raise OSError(EIO, "Input/output error") from None
            raise

    def release(self, path: str | None, fh: int) -> int:
        if fh == _HAND_OVER_NUMBER:
            self._workers.take_over()
        else:
            self._view.close(fh)
        return 0

    releasedir = release

    def truncate(self, path: str | None, length: int, fh: int | None = None) -> int:
        return 0  # sysfs accepts it and does nothing

    def utimens(self, path: str | None, times: Any = None) -> int:
        return 0

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        raise OSError(EACCES, "Permission denied")

    def chmod(self, path: str | None, mode: int) -> int:
        self._view.set_owner(path, mode=stat.S_IMODE(mode))
        return 0

    def chown(self, path: str | None, uid: int, gid: int) -> int:
        self._view.set_owner(path, uid=uid, gid=gid)
        return 0

    def _refuse(self, *unused: object) -> NoReturn:
        raise OSError(EPERM, "Operation not permitted")

    link = mkdir = mknod = rename = rmdir = symlink = unlink = _refuse
