"""Locks between runs of resolver.

Source: flock(2): the kernel releases a lock with the last process that has the file
open, so no lock outlives its holder.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterable, Iterator

from resolver.errors import FailedError
from resolver.linux.files import make_directory

__all__ = ["Locks", "holder", "lock_path"]

_FIRST_PAUSE_S = 0.005
_LONGEST_PAUSE_S = 0.1


class Locks:
    """The locks that this process holds.

    :param directory: directory of the lock files. Releasing a lock removes its file.
    :param proc: directory of procfs, to name the holder of a lock.
    """

    def __init__(self, directory: str, proc: str) -> None:
        self._directory = directory
        self._proc = proc
        self._held: dict[str, int] = {}
        self._abandoned: set[str] = set()

    @contextlib.contextmanager
    def hold(self, names: Iterable[str], timeout_s: float) -> Iterator[None]:
        """Hold locks while the block runs; held locks stay held.

        :param names: in an order that all callers share, to prevent deadlocks.
        :raises FailedError: another process still holds a lock after the timeout.
        :raises OSError: a lock file cannot be created.
        """
        deadline = time.monotonic() + timeout_s
        taken: list[str] = []
        try:
            for name in names:
                if name not in self._held:
                    self._held[name] = self._take(name, deadline, timeout_s)
                    taken.append(name)
            yield
        finally:
            for name in reversed(taken):
                self._release(name)

    def files(self) -> tuple[int, ...]:
        """Return the descriptors of all held locks."""
        return tuple(self._held.values())

    def leave_to(self, pid: int, names: Iterable[str] | None = None) -> None:
        """Leave locks to another process that has their files open.

        :param names: names of the locks; ``None`` for all.
        """
        for name in self._held.keys() if names is None else names:
            self._abandoned.add(name)
            _write_holder(self._held[name], pid)

    def _take(self, name: str, deadline: float, timeout_s: float) -> int:
        pause_s = _FIRST_PAUSE_S
        while True:
            descriptor = self._opened(name)
            try:
                if _is_ours(descriptor):
                    if self._is_still(name, descriptor):
                        _write_holder(descriptor, os.getpid())
                        return descriptor
                elif time.monotonic() >= deadline:
                    raise self._taken(name, descriptor, timeout_s)
                else:
                    time.sleep(pause_s)
                    pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _opened(self, name: str) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        make_directory(self._directory, is_public=True)
        descriptor = os.open(lock_path(self._directory, name), flags, 0o644)
        os.fchmod(
            descriptor, 0o644
        )  # whatever the umask: `status` of any user reads it
        return descriptor

    # The previous holder has removed the file; there may be a new one.
    def _is_still(self, name: str, descriptor: int) -> bool:
        with contextlib.suppress(FileNotFoundError):
            path = lock_path(self._directory, name)
            there = os.stat(path, follow_symlinks=False)
            return there.st_ino == os.fstat(descriptor).st_ino
        return False

    def _release(self, name: str) -> None:
        descriptor = self._held.pop(name)
        try:
            if name not in self._abandoned:
                with contextlib.suppress(OSError):
                    os.unlink(lock_path(self._directory, name))
                # Closing is not enough: a child forked meanwhile may have it open.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            self._abandoned.discard(name)
        finally:
            os.close(descriptor)

    def _taken(self, name: str, descriptor: int, timeout_s: float) -> FailedError:
        pid = _holder(descriptor)
        return FailedError(
            f"{self._command(pid)} has held the lock "
            f"{lock_path(self._directory, name)} for over {timeout_s:g} s",
            hint="wait for that process, or increase --timeout",
        )

    def _command(self, pid: int) -> str:
        with contextlib.suppress(OSError):
            with open(f"{self._proc}/{pid}/cmdline", "rb") as file:
                words = file.read(4096).rstrip(b"\0").split(b"\0")
            command = b" ".join(words).decode("utf-8", "backslashreplace")
            return f"process {pid} ({command})"
        return f"process {pid}"


def lock_path(directory: str, name: str) -> str:
    """Return the file of a lock."""
    return f"{directory}/{name}.lock"


def holder(path: str) -> int | None:
    """Return the process that holds a lock; 0 if it is unknown.

    ``None`` if the lock is free or does not exist.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _is_ours(descriptor) else _holder(descriptor)
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> int:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else 0


def _is_ours(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        if problem.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def _write_holder(descriptor: int, pid: int) -> None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, b"%d\n" % pid)
