"""System calls that may never return, made by another process under a deadline.

An unbind waits until the driver lets go, a probe until it is done, and what reads
``driver_override`` waits for both. A process that waits so in the kernel cannot be
ended, so it must not be this one.

Source: Linux, drivers/base/dd.c, device_driver_attach(), device_driver_detach() and
drivers/pci/pci-sysfs.c, driver_override_show(): each takes the device's lock.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import time
import warnings
from collections.abc import Iterator, Sequence

from resolver.errors import FailedError
from resolver.linux.reading import read_once

__all__ = ["Blocked", "Helper", "forking", "write_once"]

_MAX_BYTES = 65_536
_MAX_KEPT = 64
_READ, _WRITE = b"r", b"w"
_left_behind: list[int] = []
"""Processes that had not ended when nobody needed them any more."""


class Blocked(Exception):
    """A system call did not return in time; who makes it still waits.

    :param pid: process or thread that waits.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        super().__init__(pid)


class Helper:
    """A child process that makes one call after the other.

    It has no output of this process open and ignores the terminal's signals: left
    behind in the kernel, it keeps nobody else waiting. It ends with this process.

    :raises OSError: no process can be had.
    """

    def __init__(self) -> None:
        _notice_those_left()
        self._number = 0
        self.owner = os.getpid()
        """The process whose child it is; a fork of that one may not use it."""
        self._is_blocked = False
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with forking():
                self.pid = os.fork()
        except OSError:
            ours.close()
            theirs.close()
            raise
        if self.pid == 0:
            _serve_and_exit(theirs)
        theirs.close()
        self._channel = ours

    def write(
        self, path: str, data: bytes, timeout_s: float, keep: Sequence[int] = ()
    ) -> None:
        """Write to a file that is there, in one write.

        :param keep: open files, such as locks, that stay open as long as it lasts.
        :raises OSError: as the kernel says.
        :raises Blocked: it has not returned.
        """
        self._call(_WRITE, path, data, timeout_s, keep)

    def read(self, path: str, timeout_s: float) -> bytes:
        """Return what a small file holds.

        :raises OSError: as the kernel says.
        :raises Blocked: it has not returned.
        """
        return self._call(_READ, path, b"", timeout_s, ())

    def __del__(self) -> None:
        channel = getattr(self, "_channel", None)
        if channel is None:
            return
        channel.close()
        if self.owner == os.getpid() and not self._is_blocked:
            _notice_end(self.pid)

    def _call(
        self,
        action: bytes,
        path: str,
        data: bytes,
        timeout_s: float,
        keep: Sequence[int],
    ) -> bytes:
        self._number += 1
        head = b"%d\0%s\0%s\0" % (self._number, action, os.fsencode(path))
        deadline = time.monotonic() + timeout_s
        try:
            socket.send_fds(self._channel, [head + data], list(keep))
            return self._answer(path, deadline)
        except ConnectionError:
            raise self._ended(path) from None

    # Answers to a call that was interrupted come first, and are for nobody.
    def _answer(self, path: str, deadline: float) -> bytes:
        while True:
            self._channel.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                answer = self._channel.recv(_MAX_BYTES)
            except TimeoutError:
                self._is_blocked = True
                self._channel.close()  # It ends when the kernel lets it.
                raise Blocked(self.pid) from None
            if not answer:
                raise self._ended(path)
            number, code, data = answer.split(b"\0", 2)
            if int(number) != self._number:
                continue
            if int(code):
                raise OSError(int(code), os.strerror(int(code)), path)
            return data

    def _ended(self, path: str) -> FailedError:
        return FailedError(f"process {self.pid}, which was to access {path}, was ended")


# It ends at once, unless an interruption left it in the middle of a call: whoever
# happens to collect garbage does not wait for that.
def _notice_end(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        for _ in range(100):
            if os.waitpid(pid, os.WNOHANG)[0]:
                return
            time.sleep(0.001)
        _left_behind.append(pid)


def _notice_those_left() -> None:
    for pid in _left_behind[:]:
        with contextlib.suppress(ChildProcessError):
            if not os.waitpid(pid, os.WNOHANG)[0]:
                continue
        with contextlib.suppress(ValueError):  # another thread was faster
            _left_behind.remove(pid)


@contextlib.contextmanager
def forking() -> Iterator[None]:
    """Let no warning about threads come out of a fork.

    A child could wait for a lock that a thread of its parent held. The children made
    here use none that another thread of a program might: no logging, no imports.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def write_once(path: str, data: bytes) -> None:
    """Write to a file that is there, never making one.

    :raises OSError: as the kernel says.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


# Never returns into the code of the parent, whose cleaning up is not its own.
def _serve_and_exit(channel: socket.socket) -> None:
    try:
        for ending in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(ending, signal.SIG_IGN)
        _leave_files_of_parent(channel.fileno())
        while True:
            message, kept, _, _ = socket.recv_fds(channel, _MAX_BYTES, _MAX_KEPT)
            if not message:
                return
            number, action, path, data = message.split(b"\0", 3)
            answer = _carry_out(action, os.fsdecode(path), data)
            for descriptor in kept:
                os.close(descriptor)
            channel.send(b"%s\0%s" % (number, answer))
    finally:
        os._exit(0)


# Whoever reads what the parent prints must not wait for this process, and locks of
# the parent must not outlive it.
def _leave_files_of_parent(needed: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != needed:
            with contextlib.suppress(OSError):
                os.close(int(name))


# errno, 0 for none, and what was read.
def _carry_out(action: bytes, path: str, data: bytes) -> bytes:
    try:
        if action == _READ:
            return b"0\0" + read_once(path)
        write_once(path, data)
    except OSError as problem:
        return b"%d\0" % (problem.errno or errno.EIO)
    return b"0\0"
