"""Idle processes that hold the open files of a scenario."""

from __future__ import annotations

import os
import signal
import socket
from errno import EEXIST

from simkernel.fronts.fuse.inside import syscalls
from simkernel.fronts.fuse.inside.mount_points import STAGE

__all__ = ["OpenFile", "Processes", "start_idle"]

OpenFile = tuple[str, str]
"""Path, and the FUSE path of the device node; empty: it is a regular file."""

_FIRST_DESCRIPTOR = 3


def start_idle(name: str) -> None:
    """Start a process that does nothing, with the next free pid."""
    if os.fork() == 0:
        _become(name)
        os.closerange(0, os.sysconf("SC_OPEN_MAX"))
        _wait()


class Processes:
    """Processes that have files open.

    The root of each is a private file system with its files only, so its paths are as
    in the mount namespace of a container. ``O_PATH`` opens a device node that no driver
    serves.

    :param proc: mount point of the real ``/proc``.
    :param kernel_files: mount point of the FUSE file system.
    """

    def __init__(self, proc: str, kernel_files: str) -> None:
        self._last_pid = f"{proc}/sys/kernel/ns_last_pid"
        self._kernel_files = kernel_files
        self._children: list[socket.socket] = []

    def start(self, pid: int, name: str, files: list[OpenFile]) -> None:
        """Start a process.

        :raises OSError: the machine does not allow it; EEXIST, the pid is taken.

        Source: kernel/pid_namespace.c pid_ns_ctl_handler().
        """
        with open(self._last_pid, "w") as last:
            last.write(str(pid - 1))
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        child = os.fork()
        if child == 0:
            self._hold_open(name, files, there)
        there.close()
        self._children.append(here)
        number = EEXIST if child != pid else here.recv(1)[0]
        if number:
            raise OSError(number, os.strerror(number))

    def follow(self) -> None:
        """Move the processes into the user namespace of this one.

        Programs there may look at their open files.

        :raises OSError: the machine does not allow it.

        Source: security/commoncap.c cap_ptrace_access_check().
        """
        namespace = os.open("/proc/self/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        for child in self._children:
            socket.send_fds(child, [b"x"], [namespace])
            number = child.recv(1)[0]
            child.close()
            if number:
                raise OSError(number, os.strerror(number))
        os.close(namespace)

    def _hold_open(
        self, name: str, files: list[OpenFile], parent: socket.socket
    ) -> None:
        """Open the files, follow the parent, and wait for the end."""
        number = 0
        # The files get the lowest descriptors.
        last = os.dup2(parent.detach(), _FIRST_DESCRIPTOR + len(files))
        try:
            _become(name)
            self._open_all(files, last)
        except OSError as error:
            number = error.errno or 255
        with socket.socket(fileno=last) as channel:
            channel.send(bytes([number]))
            _, (namespace,), *_ = socket.recv_fds(channel, 1, 1)
            try:
                syscalls.enter(namespace)
            except OSError as error:
                number = error.errno or 255
            os.close(namespace)
            channel.send(bytes([number]))
        _wait()

    def _open_all(self, files: list[OpenFile], keep: int) -> None:
        """Open the files in a root of their own, with descriptors from 3 on.

        :param keep: descriptor that stays open; all others are closed.
        """
        syscalls.unshare(syscalls.NEW_MOUNTS)
        root = f"{STAGE}/process"
        os.makedirs(root, exist_ok=True)
        syscalls.mount("simkernel", root, "tmpfs", syscalls.NO_SETUID)
        for path, source in files:
            os.makedirs(os.path.dirname(f"{root}{path}"), exist_ok=True)
            os.close(os.open(f"{root}{path}", os.O_CREAT | os.O_WRONLY))
            if source:
                syscalls.bind(f"{self._kernel_files}/{source}", f"{root}{path}")
        os.chdir(root)
        syscalls.move(root, "/")
        os.chroot(".")
        os.closerange(0, keep)
        os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))
        for path in ["/"] * _FIRST_DESCRIPTOR + [path for path, _ in files]:
            os.open(path, os.O_PATH)
        os.closerange(0, _FIRST_DESCRIPTOR)


def _become(name: str) -> None:
    with open("/proc/self/comm", "w") as comm:
        comm.write(name)
    signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
    os.setsid()


def _wait() -> None:
    while True:
        signal.pause()
