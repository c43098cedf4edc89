"""A helper process for system calls that may block forever.

An unbind waits until the driver releases the device, a probe until it ends, and a read
of ``driver_override`` for both. A process that waits in the kernel cannot be killed, so
a helper process makes these calls.

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

from resolver.linux.reading import read_once

__all__ = ["Blocked", "Helper", "HelperEnded", "forking", "write_once"]

_MAX_BYTES = 65_536
_MAX_KEPT = 253
"""Descriptors in one message. Source: Linux, include/net/scm.h, SCM_MAX_FD."""
_READ, _WRITE = b"r", b"w"
_PASSING = frozenset(
    {
        signal.SIGABRT,
        signal.SIGBUS,
        signal.SIGCHLD,
        signal.SIGFPE,
        signal.SIGILL,
        signal.SIGKILL,
        signal.SIGSEGV,
        signal.SIGSTOP,
    }
)
"""Signals that a helper does not ignore: from itself, or impossible to ignore."""
_left_behind: list[int] = []
"""Helpers that had not ended when they were no longer needed."""


class Blocked(Exception):
    """A system call did not return in time and still runs.

    :param pid: process or thread that makes the call.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        super().__init__(pid)


class HelperEnded(Exception):
    """A helper was killed.

    :param pid: process id that the helper had.
    :param is_received: the call may have reached the kernel.
    """

    def __init__(self, pid: int, *, is_received: bool) -> None:
        self.pid = pid
        self.is_received = is_received
        super().__init__(pid)


class Helper:
    """A child process that makes one call after the other.

    It has no output of this process open, so readers of the output do not wait for a
    blocked helper. It ignores signals, because a signal to the process group must leave
    a writer for the roll-back. It ends with this process.

    :raises OSError: no process can be started.
    """

    def __init__(self) -> None:
        _notice_those_left()
        self._number = 0
        self.owner = os.getpid()
        """Pid of its parent; a fork of the parent may not use the helper."""
        self._is_blocked = False
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self.pid = _forked()
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
        """Write to an existing file, in one write.

        :param keep: descriptors, such as locks, to keep open until the write returns.
        :raises OSError: the error of the system call.
        :raises Blocked: the write has not returned.
        :raises HelperEnded: the helper was killed.
        """
        self._call(_WRITE, path, data, timeout_s, keep)

    def read(self, path: str, timeout_s: float) -> bytes:
        """Return the content of a small file.

        :raises OSError: the error of the system call.
        :raises Blocked: the read has not returned.
        :raises HelperEnded: the helper was killed.
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
        except ConnectionError:
            raise HelperEnded(self.pid, is_received=False) from None
        return self._answer(path, deadline)

    # Skip the answers to earlier calls that were interrupted.
    def _answer(self, path: str, deadline: float) -> bytes:
        while True:
            self._channel.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                answer = self._channel.recv(_MAX_BYTES)
            except TimeoutError:
                self._is_blocked = True
                self._channel.close()  # The helper ends when its call returns.
                raise Blocked(self.pid) from None
            except ConnectionError:
                answer = b""
            if not answer:
                raise HelperEnded(self.pid, is_received=True)
            number, code, data = answer.split(b"\0", 2)
            if int(number) != self._number:
                continue
            if int(code):
                raise OSError(int(code), os.strerror(int(code)), path)
            return data


# The helper ends at once, unless an interrupted call still runs. Garbage collection
# must not wait for it.
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
    """Suppress the warning about forks with threads.

    A child can wait forever for a lock that another thread held during the fork. The
    children of this package use no such lock: they neither log nor import.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def write_once(path: str, data: bytes) -> None:
    """Write to an existing file; never create one.

    :raises OSError: the error of the system call.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


# No signal may reach the child before it ignores them.
def _forked() -> int:
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    pid = -1
    try:
        with forking():
            pid = os.fork()
        return pid
    finally:
        if pid != 0:
            signal.pthread_sigmask(signal.SIG_SETMASK, previous)


# Never returns, so the parent's cleanup does not run in the child.
def _serve_and_exit(channel: socket.socket) -> None:
    try:
        for one in signal.valid_signals() - _PASSING:
            signal.signal(one, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
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


# Readers of the parent's output must not wait for this process, and locks must not
# outlive the parent.
def _leave_files_of_parent(needed: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != needed:
            with contextlib.suppress(OSError):
                os.close(int(name))


# The errno, 0 for success, and the data read.
def _carry_out(action: bytes, path: str, data: bytes) -> bytes:
    try:
        if action == _READ:
            return b"0\0" + read_once(path)
        write_once(path, data)
    except OSError as problem:
        return b"%d\0" % (problem.errno or errno.EIO)
    return b"0\0"
