"""System calls that may block, in a helper process or a thread."""

from __future__ import annotations

import _thread
import os
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from resolver.errors import FailedError
from resolver.linux.helper import Blocked, Helper, HelperEnded, write_once
from resolver.linux.reading import read_once

__all__ = ["SlowCalls"]

T = TypeVar("T")
_ATTEMPTS = 3
"""Helpers to try before a call fails: something kills each of them."""


class SlowCalls(threading.local):
    """System calls that may block, made in a helper process of each thread.

    The first call starts the helper. A killed helper is replaced. If no process can be
    started, a thread makes the writes. That is worse: a thread blocked in the kernel
    keeps its process from ending.
    """

    def __init__(self) -> None:
        self._helper: Helper | None = None
        self._has_processes = True
        self._write: _Write | None = None

    def write(
        self, path: str, data: bytes, timeout_s: float, keep: Sequence[int]
    ) -> None:
        """Write to an existing file, in one write.

        :param keep: descriptors to keep open until the write returns.
        :raises OSError: the error of the system call.
        :raises Blocked: the write has not returned.
        :raises FailedError: the helper was killed during the write.
        """
        if self._process() is None:
            self._in_thread(path, data, timeout_s)
            return
        self._retried(
            path, lambda one: one.write(path, data, timeout_s, keep), is_read=False
        )

    def read(self, path: str, timeout_s: float) -> bytes:
        """Return the content of a small file.

        :raises OSError: the error of the system call.
        :raises Blocked: the read has not returned.
        :raises FailedError: each helper was killed during the read.
        """
        if self._process() is None:
            return read_once(path)
        return self._retried(path, lambda one: one.read(path, timeout_s), is_read=True)

    def has_processes(self) -> bool:
        """Return whether this process can have children."""
        return self._process() is not None

    # A write that the kernel may have received is not repeated.
    def _retried(self, path: str, call: Callable[[Helper], T], *, is_read: bool) -> T:
        pid = 0
        for _ in range(_ATTEMPTS):
            helper = self._helper = self._process() or Helper()
            try:
                return call(helper)
            except Blocked:
                self._helper = None
                raise
            except HelperEnded as ended:
                self._helper, pid = None, ended.pid
                if ended.is_received and not is_read:
                    break
        raise FailedError(f"helper process {pid} was killed while it accessed {path}")

    def _process(self) -> Helper | None:
        if self._helper is not None and self._helper.owner == os.getpid():
            return self._helper
        self._helper = None
        if self._has_processes:
            try:
                self._helper = Helper()
            except OSError:
                self._has_processes = False
        return self._helper

    def _in_thread(self, path: str, data: bytes, timeout_s: float) -> None:
        if self._write is not None:
            self._write.is_over(timeout_s)  # Interrupted, the last write may still run.
        self._write = _Write(path, data)
        is_over = self._write.is_over(timeout_s)
        write, self._write = self._write, None
        if not is_over:
            raise Blocked(write.thread)
        if write.problem is not None:
            raise write.problem


class _Write:
    """A write in its own thread.

    An interrupt while ``threading.Thread`` starts would break its locks.
    """

    def __init__(self, path: str, data: bytes) -> None:
        self.problem: BaseException | None = None
        self.thread = os.getpid()
        self._ended = False
        self._end = _thread.allocate_lock()
        self._end.acquire()
        _thread.start_new_thread(self._carry_out, (path, data))

    def is_over(self, timeout_s: float) -> bool:
        """Wait for the end of the write, and return whether it has ended."""
        return self._ended or self._end.acquire(timeout=timeout_s)

    def _carry_out(self, path: str, data: bytes) -> None:
        self.thread = _thread.get_native_id()
        try:
            write_once(path, data)
        except BaseException as problem:
            self.problem = problem
        finally:
            self._ended = True
            self._end.release()
