"""Locks between runs of resolver.

A lock is a file of its own, held with flock(2). A run that changes thousands of devices
together has not enough descriptors for that. It claims them: one file lists the names,
and one flock(2) holds all of them. A claim waits for every holder of a listed lock, and
no other run takes a listed lock while the claim exists.

Source: flock(2): the kernel releases a lock with the last process that has the file
open, so no lock outlives its holder.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import threading
import time
from collections.abc import Iterable, Iterator

from resolver.errors import FailedError
from resolver.linux.files import make_directory
from resolver.linux.reading import read_whole

__all__ = ["Locks", "holder", "lock_path"]

_FIRST_PAUSE_S = 0.005
_LONGEST_PAUSE_S = 0.1
_CLAIMS = "claims"
"""Directory of the claims."""
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class _Own(threading.local):
    """Locks and claims of one thread; other threads wait for them."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.abandoned: set[str] = set()
        self.claims: set[str] = set()


class Locks:
    """The locks that this process holds, those of each thread apart.

    :param directory: directory of the lock files. Releasing a lock removes its file.
    :param proc: directory of procfs, to name the holder of a lock.
    """

    def __init__(self, directory: str, proc: str) -> None:
        self._directory = directory
        self._proc = proc
        self._own = _Own()

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
                if name not in self._own.held:
                    self._own.held[name] = self._take(name, deadline, timeout_s)
                    taken.append(name)
            yield
        finally:
            for name in reversed(taken):
                self._release(name)

    @contextlib.contextmanager
    def claim(self, names: Iterable[str], timeout_s: float) -> Iterator[None]:
        """Keep other runs from taking any of these locks while the block runs.

        This process and its children can still hold them.

        :raises FailedError: another process still holds a lock after the timeout.
        :raises OSError: the claim cannot be written.
        """
        deadline = time.monotonic() + timeout_s
        wanted = frozenset(names)
        pause_s = _FIRST_PAUSE_S
        while True:
            with self._claimed(wanted):
                busy = self._busy(wanted)
                if busy is None:
                    yield
                    return
            if time.monotonic() >= deadline:
                raise self._taken(*busy, timeout_s)
            # Two runs that see each other must not come back together.
            time.sleep(pause_s * (1 + os.getpid() % 7 / 7))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def files(self) -> tuple[int, ...]:
        """Return the descriptors of all held locks."""
        return tuple(self._own.held.values())

    def leave_to(self, pid: int) -> None:
        """Leave the held locks to another process that has their files open."""
        for name, descriptor in self._own.held.items():
            self._own.abandoned.add(name)
            _write_holder(descriptor, pid)

    def _take(self, name: str, deadline: float, timeout_s: float) -> int:
        pause_s = _FIRST_PAUSE_S
        while True:
            descriptor, pid = self._tried(name)
            if descriptor is not None:
                return descriptor
            if pid is None:
                continue
            if time.monotonic() >= deadline:
                raise self._taken(name, pid, timeout_s)
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    # The lock, or the process that has it; neither if the file was replaced.
    def _tried(self, name: str) -> tuple[int | None, int | None]:
        path = lock_path(self._directory, name)
        descriptor = _opened(path, _FLAGS)
        try:
            if not _is_ours(descriptor):
                pid: int | None = _holder(descriptor)
            elif not _is_still(path, descriptor):
                pid = None
            else:
                pid = _claimant(self._directory, name, self._own.claims)
                if pid is None:
                    _write_holder(descriptor, os.getpid())
                    return descriptor, None
                _remove(path, descriptor)
        except BaseException:
            _discard(path, descriptor)
            raise
        os.close(descriptor)
        return None, pid

    @contextlib.contextmanager
    def _claimed(self, names: frozenset[str]) -> Iterator[None]:
        path, descriptor = self._new_claim()
        try:
            lines = "".join(f"{name}\n" for name in (os.getpid(), *sorted(names)))
            _write_all(descriptor, os.fsencode(lines))
            self._own.claims.add(path)
            yield
        finally:
            self._own.claims.discard(path)
            try:
                _remove(path, descriptor)
            finally:
                os.close(descriptor)
            _remove_if_empty(os.path.dirname(path))

    def _new_claim(self) -> tuple[str, int]:
        directory = f"{self._directory}/{_CLAIMS}"
        for number in itertools.count():
            path = f"{directory}/{os.getpid()}-{number}"
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                try:
                    descriptor = _opened(path, _FLAGS | os.O_EXCL)
                except BaseException:
                    _remove_if_empty(directory)
                    raise
                if _is_ours(descriptor) and _is_still(path, descriptor):
                    return path, descriptor
                os.close(descriptor)
        raise AssertionError  # count() has no end

    # A lock that another run has, and that run's process.
    def _busy(self, names: frozenset[str]) -> tuple[str, int] | None:
        for name in sorted(names):
            if name in self._own.held:
                continue
            pid = holder(self._directory, name, self._own.claims)
            if pid is not None:
                return name, pid
        return None

    def _release(self, name: str) -> None:
        descriptor = self._own.held.pop(name)
        try:
            if name not in self._own.abandoned:
                _remove(lock_path(self._directory, name), descriptor)
            self._own.abandoned.discard(name)
        finally:
            os.close(descriptor)

    def _taken(self, name: str, pid: int, timeout_s: float) -> FailedError:
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


# Every user can read it, whatever the umask: `status` names the holder.
def _opened(path: str, flags: int) -> int:
    make_directory(os.path.dirname(path), is_public=True)
    descriptor = os.open(path, flags, 0o644)
    try:
        os.fchmod(descriptor, 0o644)
    except BaseException:
        _discard(path, descriptor)
        raise
    return descriptor


def holder(directory: str, name: str, own: Iterable[str] = ()) -> int | None:
    """Return the process that holds or claims a lock; 0 if it is unknown.

    ``None`` if the lock is free or does not exist.

    :param own: claims to leave out.
    """
    try:
        descriptor = os.open(lock_path(directory, name), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return _claimant(directory, name, own)
    try:
        if not _is_ours(descriptor):
            return _holder(descriptor)
    finally:
        os.close(descriptor)
    return _claimant(directory, name, own)


def _claimant(directory: str, name: str, own: Iterable[str]) -> int | None:
    try:
        claims = os.listdir(f"{directory}/{_CLAIMS}")
    except (FileNotFoundError, NotADirectoryError):
        return None
    for claim in claims:
        path = f"{directory}/{_CLAIMS}/{claim}"
        if path in own:
            continue
        with contextlib.suppress(FileNotFoundError):
            names = _names_claimed(path)
            if name in names:
                return int(names[0]) if names[0].isdigit() else 0
    return None


# A claim without its run is stale.
def _names_claimed(path: str) -> list[str]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _is_ours(descriptor):
            if _is_still(path, descriptor):
                _remove(path, descriptor)
                _remove_if_empty(os.path.dirname(path))
            return []
        return os.fsdecode(read_whole(descriptor)).split("\n")
    finally:
        os.close(descriptor)


# The previous holder removes the file; there may be a new one.
def _is_still(path: str, descriptor: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        there = os.stat(path, follow_symlinks=False)
        return there.st_ino == os.fstat(descriptor).st_ino
    return False


# Closing is not enough: a child forked meanwhile may have the file open.
def _remove(path: str, descriptor: int) -> None:
    try:
        with contextlib.suppress(OSError):
            os.unlink(path)
    except BaseException:  # An interrupt must not leave the file.
        if _is_still(path, descriptor):
            os.unlink(path)
        raise
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


# An interrupt must not leave a file.
def _discard(path: str, descriptor: int) -> None:
    try:
        if _is_ours(descriptor) and _is_still(path, descriptor):
            _remove(path, descriptor)
    finally:
        os.close(descriptor)


def _remove_if_empty(directory: str) -> None:
    with contextlib.suppress(OSError):
        os.rmdir(directory)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


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
