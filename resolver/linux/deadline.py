"""How long a system call is waited for, and who makes it."""

from __future__ import annotations

import _thread
import os
from collections.abc import Sequence

from resolver.linux.helper import Blocked, Helper, write_once
from resolver.linux.reading import read_once

__all__ = ["Patience"]


class Patience:
    """Makes calls that may block: in a child process, which is made when needed.

    Where no process can be had, a write is made by a thread. That is next to it: a
    thread that waits in the kernel keeps its process from ending.
    """

    def __init__(self) -> None:
        self._helper: Helper | None = None
        self._has_processes = True
        self._write: _Write | None = None

    def write(
        self, path: str, data: bytes, timeout_s: float, keep: Sequence[int]
    ) -> None:
        """Write to a file that is there, in one write.

        :param keep: open files that stay open as long as the write lasts.
        :raises OSError: as the kernel says.
        :raises Blocked: it has not returned.
        """
        helper = self._process()
        if helper is None:
            self._in_thread(path, data, timeout_s)
            return
        try:
            helper.write(path, data, timeout_s, keep)
        except Blocked:
            self._helper = None
            raise

    def read(self, path: str, timeout_s: float) -> bytes:
        """Return what a small file holds.

        :raises OSError: as the kernel says.
        :raises Blocked: it has not returned.
        """
        helper = self._process()
        if helper is None:
            return read_once(path)
        try:
            return helper.read(path, timeout_s)
        except Blocked:
            self._helper = None
            raise

    def has_processes(self) -> bool:
        """Return whether this process can have children."""
        return self._process() is not None

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
            self._write.is_over(timeout_s)  # An interruption left it at work.
        self._write = _Write(path, data)
        is_over = self._write.is_over(timeout_s)
        write, self._write = self._write, None
        if not is_over:
            raise Blocked(write.thread)
        if write.problem is not None:
            raise write.problem


class _Write:
    """A write by a thread of its own.

    ``threading.Thread`` would not do: an interruption while it starts breaks its locks.
    """

    def __init__(self, path: str, data: bytes) -> None:
        self.problem: BaseException | None = None
        self.thread = os.getpid()
        self._ended = False
        self._end = _thread.allocate_lock()
        self._end.acquire()
        _thread.start_new_thread(self._carry_out, (path, data))

    def is_over(self, timeout_s: float) -> bool:
        """Wait for the end, and return whether it came."""
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
