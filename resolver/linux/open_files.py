"""Which processes have which files open."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from resolver.linux.reading import Files

__all__ = ["DeviceNumber", "OpenFiles", "Process", "number_of", "read_open_files"]

_Key = TypeVar("_Key")

_REMOTE = frozenset(
    {"9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "nfs", "nfs4", "smb3"}
)
"""File systems on which ``stat`` may wait for a server that does not answer."""


class DeviceNumber(NamedTuple):
    """The number of a device node."""

    kind: str
    """``b``: a block device, ``c``: a character device."""
    major: int
    minor: int


class Process(NamedTuple):
    """A process that has something open."""

    pid: int
    name: str
    """Content of ``/proc/PID/comm``; ``?``: not readable."""

    def __str__(self) -> str:
        """Return ``process 4242 (qemu-system-x86)``."""
        return f"process {self.pid} ({self.name})"


class OpenFiles:
    """The open files of all processes but this one.

    :ivar hidden: number of processes whose open files cannot be read.
    """

    def __init__(self) -> None:
        self.hidden = 0
        self._by_number: dict[DeviceNumber, list[Process]] = {}
        self._by_path: dict[str, list[Process]] = {}
        self._by_socket: dict[str, list[Process]] = {}

    def add(self, process: Process, target: str, number: DeviceNumber | None) -> None:
        """Add one open file.

        :param target: what the link in ``/proc/PID/fd`` says.
        :param number: ``None``: it is no device node, or its number is not known.
        """
        if number is not None:
            _append(self._by_number, number, process)
        elif target.startswith("socket:["):
            _append(self._by_socket, target[len("socket:[") : -1], process)
        elif target.startswith("/"):
            _append(self._by_path, target, process)

    def users_of_device(self, number: DeviceNumber | None, path: str) -> list[Process]:
        """Return the processes that have a device open, whatever its node is called.

        :param path: its node, for open files whose number is not known.
        """
        found = [] if number is None else self._by_number.get(number, [])
        return list(dict.fromkeys([*found, *self._by_path.get(path, ())]))

    def users_of_major(self, kind: str, major: int) -> dict[int, list[Process]]:
        """Return the processes that have devices of one major open, by minor."""
        return {
            number.minor: processes
            for number, processes in self._by_number.items()
            if (number.kind, number.major) == (kind, major)
        }

    def users_below(self, directory: str) -> dict[str, list[Process]]:
        """Return the processes that have files below a directory open, by path."""
        start = f"{directory}/"
        return {p: users for p, users in self._by_path.items() if p.startswith(start)}

    def users_of_socket(self, inode: str) -> list[Process]:
        """Return the processes that have a socket open."""
        return self._by_socket.get(inode, [])


def read_open_files(files: Files, proc: str, *, is_live: bool) -> OpenFiles:
    """Return which processes have which files open.

    :param is_live: ``stat`` may follow the links in ``/proc/PID/fd``. Those of a
        captured host lead to files of this one.

    Source: proc(5), ``/proc/PID/fd``.
    """
    found = OpenFiles()
    remote = _remote_mounts(files, proc) if is_live else ()
    for pid in os.listdir(proc):
        if not pid.isdecimal() or int(pid) == os.getpid():
            continue
        try:
            names = files.names(f"{proc}/{pid}/fd")
            name = files.attribute(f"{proc}/{pid}/comm") or "?"
        except OSError as problem:
            found.hidden += problem.errno in (errno.EACCES, errno.EPERM)
            continue  # The process ended, or this one may not look.
        process = Process(int(pid), name)
        for target, number in _opened(
            files, f"{proc}/{pid}/fd", names, remote, is_live
        ):
            found.add(process, target, number)
    return found


def _opened(
    files: Files,
    directory: str,
    names: list[str],
    remote: tuple[str, ...],
    is_live: bool,
) -> Iterator[tuple[str, DeviceNumber | None]]:
    for name in names:
        path = f"{directory}/{name}"
        try:
            target = files.link_target(path) or ""
        except OSError:
            continue  # Closed meanwhile.
        may_look = is_live and target.startswith("/") and not target.startswith(remote)
        yield target, number_of(path) if may_look else None


def number_of(path: str) -> DeviceNumber | None:
    """Return the number of a device node; ``None``: it is none, or is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    if not (stat.S_ISBLK(found.st_mode) or stat.S_ISCHR(found.st_mode)):
        return None
    kind = "b" if stat.S_ISBLK(found.st_mode) else "c"
    return DeviceNumber(kind, os.major(found.st_rdev), os.minor(found.st_rdev))


def _remote_mounts(files: Files, proc: str) -> tuple[str, ...]:
    text = (files.read_if_there(f"{proc}/self/mountinfo") or b"").decode(
        "utf-8", "replace"
    )
    places = []
    for line in text.splitlines():
        words = line.split(" ")
        kind = (
            words[words.index("-") + 1 : words.index("-") + 2] if "-" in words else []
        )
        if len(words) > 4 and kind and kind[0] in _REMOTE:
            places.append(f"{words[4].rstrip('/')}/")
    return tuple(places)


def _append(table: dict[_Key, list[Process]], key: _Key, process: Process) -> None:
    users = table.setdefault(key, [])
    if process not in users:
        users.append(process)
