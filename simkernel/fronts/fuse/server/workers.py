"""Threads that serve a FUSE session: one, and one more for each that waits.

Several that wait for requests serve slower than one, since Python runs one thread at a
time; but an operation of the simulated kernel may take long, and must not keep others
waiting. libfuse's own threads are many or one, so it hands the session over.
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

from simkernel.fronts.fuse.server.parallel_open import Writers

__all__ = ["Workers"]

_AWAKE_S = 0.0001
"""How long a thread looks for the next request before it sleeps."""
_LIBC = ctypes.CDLL(None)


class _Context(ctypes.Structure):
    """The beginning of ``struct fuse_context`` (libfuse's include/fuse.h)."""

    _fields_ = (("fuse", ctypes.c_void_p),)


class _Buffer(ctypes.Structure):
    """``struct fuse_buf``, with room for what later versions add."""

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

    One of them takes requests; the others are at the end of an operation that waited,
    and leave after it.

    :param library: libfuse 3.
    :param device: ``/dev/fuse``, as it serves.
    :param writers: answers some requests in its place.
    """

    def __init__(self, library: ctypes.CDLL, device: int, writers: Writers) -> None:
        self._library: Any = library
        self._writers = writers
        library.fuse_get_context.restype = ctypes.POINTER(_Context)
        library.fuse_get_session.restype = ctypes.c_void_p
        library.fuse_get_session.argtypes = [ctypes.c_void_p]
        both: Any = [ctypes.c_void_p, ctypes.POINTER(_Buffer)]
        library.fuse_session_receive_buf.argtypes = both
        library.fuse_session_process_buf.argtypes = both
        self._device = device
        several = len(os.sched_getaffinity(0)) > 1
        self._awake_s = _AWAKE_S if several else 0.0
        self._session: int | None = None
        self._lock = threading.Lock()
        self._serving: set[int] = set()
        """Identities of the threads."""
        self._waiting = 0
        self._over = threading.Event()

    def take_over(self) -> None:
        """Serve in place of libfuse's loop until nothing is mounted any more.

        It is called in an operation for whose end nobody waits. The loop, which frees
        the session when it ends, is so the last to leave it.
        """
        context = self._library.fuse_get_context()
        self._session = self._library.fuse_get_session(context.contents.fuse)
        os.set_blocking(self._device, False)
        with self._lock:
            self._start()
        self._over.wait()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Have another thread serve while the block waits in an operation."""
        if threading.get_ident() not in self._serving:
            yield
            return
        with self._lock:
            self._waiting += 1
            if self._waiting == len(self._serving):
                self._start()
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name="fuse worker", daemon=True)
        thread.start()
        # It is counted before it runs, lest a second one be started meanwhile.
        self._serving.add(thread.ident or 0)

    # Signals are blocked for it as for the thread that starts it.
    def _work(self) -> None:
        buffer = _Buffer()
        place = ctypes.byref(buffer)
        arrivals = select.poll()
        arrivals.register(self._device, select.POLLIN)
        has_room = False
        while self._is_needed():
            size = self._receive(place, arrivals)
            if size > 0:
                if not has_room and buffer.memory:  # libfuse makes it once for all
                    self._writers.reads_at(buffer.memory)
                    has_room = True
                if not (has_room and self._writers.closes()):
                    self._library.fuse_session_process_buf(self._session, place)
            elif size != -EINTR:
                break  # unmounted
        _LIBC.free(ctypes.c_void_p(buffer.memory))
        with self._lock:
            self._serving.discard(threading.get_ident())
            if not self._serving:
                self._over.set()

    def _receive(self, place: Any, arrivals: select.poll) -> int:
        """Take the next request, which often comes soon after the last one.

        A thread that sleeps is woken by the other processor, and in a virtual machine
        that takes longer than most answers.
        """
        until_s = time.monotonic() + self._awake_s
        while True:
            size: int = self._library.fuse_session_receive_buf(self._session, place)
            if size != -EAGAIN:
                return size
            if time.monotonic() >= until_s:
                arrivals.poll()

    def _is_needed(self) -> bool:
        """Tell whether no other thread would be left to serve; else, leave."""
        with self._lock:
            if len(self._serving) - self._waiting <= 1:
                return True
            # In the same breath: the next one that asks must not leave, too.
            self._serving.discard(threading.get_ident())
            return False
