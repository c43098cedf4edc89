"""Threads that serve a FUSE session.

There is one thread, plus one per blocked operation. Python runs one thread at a time,
so more threads serve more slowly than one. But an operation of the simulated kernel may
block, and other requests must not wait for it. libfuse runs either one thread or a
pool, so it hands the session over to these threads.
"""

from __future__ import annotations

import ctypes
import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EAGAIN, EINTR
from typing import Any

from simkernel.fronts.fuse.server.parallel_open import ParallelOpens

__all__ = ["Workers"]

_SPIN_S = 0.0001
"""How long a thread polls for the next request before it sleeps."""
_LIBC = ctypes.CDLL(None)


class _Context(ctypes.Structure):
    """The start of ``struct fuse_context`` (fuse.h of libfuse)."""

    _fields_ = (("fuse", ctypes.c_void_p),)


class _Buffer(ctypes.Structure):
    """``struct fuse_buf``, with space for later fields."""

    _fields_ = (
        ("size", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("memory", ctypes.c_void_p),
        ("descriptor", ctypes.c_int),
        ("position", ctypes.c_int64),
        ("more", ctypes.c_int64 * 8),
    )


class Workers:
    """The threads of one session.

    One thread receives requests. The others finish an operation that has blocked, and
    then end.

    :param library: libfuse 3.
    :param device: ``/dev/fuse`` of the session.
    :param parallel_opens: replies to some requests instead of libfuse.
    """

    def __init__(
        self, library: ctypes.CDLL, device: int, parallel_opens: ParallelOpens
    ) -> None:
        self._library: Any = library
        self._parallel_opens = parallel_opens
        library.fuse_get_context.restype = ctypes.POINTER(_Context)
        library.fuse_get_session.restype = ctypes.c_void_p
        library.fuse_get_session.argtypes = [ctypes.c_void_p]
        both: Any = [ctypes.c_void_p, ctypes.POINTER(_Buffer)]
        library.fuse_session_receive_buf.argtypes = both
        library.fuse_session_process_buf.argtypes = both
        self._device = device
        has_processors = len(os.sched_getaffinity(0)) > 1
        self._spin_s = _SPIN_S if has_processors else 0.0
        self._session: int | None = None
        self._lock = threading.Lock()
        self._threads: set[int] = set()
        """Identities of the threads."""
        self._blocked = 0
        self._finished = threading.Event()

    def take_over(self) -> None:
        """Serve instead of libfuse's loop until unmount.

        Call it in an operation whose reply no program waits for. libfuse's loop
        frees the session when it ends, so it must be the last to return.
        """
        context = self._library.fuse_get_context()
        self._session = self._library.fuse_get_session(context.contents.fuse)
        os.set_blocking(self._device, False)
        with self._lock:
            self._start_thread()
        self._finished.wait()

    @contextmanager
    def blocking(self) -> Iterator[None]:
        """Let another thread serve while the block waits."""
        if threading.get_ident() not in self._threads:
            yield
            return
        with self._lock:
            self._blocked += 1
            if self._blocked == len(self._threads):
                self._start_thread()
        try:
            yield
        finally:
            with self._lock:
                self._blocked -= 1

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name="fuse worker", daemon=True)
        thread.start()
        # Count it before it runs, or a second thread could be started meanwhile.
        self._threads.add(thread.ident or 0)

    # The thread inherits the blocked signals of the thread that starts it.
    def _work(self) -> None:
        buffer = _Buffer()
        buffer_pointer = ctypes.byref(buffer)
        arrivals = select.poll()
        arrivals.register(self._device, select.POLLIN)
        has_memory = False
        while self._is_needed():
            size = self._receive(buffer_pointer, arrivals)
            if size > 0:
                if not has_memory and buffer.memory:  # libfuse allocates it once
                    self._parallel_opens.set_request_buffer(buffer.memory)
                    has_memory = True
                if not (has_memory and self._parallel_opens.reply_release()):
                    self._library.fuse_session_process_buf(
                        self._session, buffer_pointer
                    )
            elif size != -EINTR:
                break  # unmounted
        _LIBC.free(ctypes.c_void_p(buffer.memory))
        with self._lock:
            self._threads.discard(threading.get_ident())
            if not self._threads:
                self._finished.set()

    def _receive(self, buffer_pointer: Any, arrivals: select.poll) -> int:
        """Receive the next request; poll briefly before sleeping.

        To wake a sleeping thread on another processor takes longer than most replies,
        above all in a virtual machine.
        """
        until_s = time.monotonic() + self._spin_s
        while True:
            size: int = self._library.fuse_session_receive_buf(
                self._session, buffer_pointer
            )
            if size != -EAGAIN:
                return size
            if time.monotonic() >= until_s:
                arrivals.poll()

    def _is_needed(self) -> bool:
        """Tell whether this thread goes on; if not, unregister it."""
        with self._lock:
            if len(self._threads) - self._blocked <= 1:
                return True
            # Under the same lock, or a second thread could decide to end as well.
            self._threads.discard(threading.get_ident())
            return False
