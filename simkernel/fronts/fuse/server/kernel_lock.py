"""Whose turn it is: one thread at a time deals with the kernel.

A thread that waits for the kernel's clock lets the others go on meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from errno import EIO

from simkernel.model.kernel import Kernel

__all__ = ["Turn"]


class Turn:
    """The right to deal with a kernel; a context manager for those who only look.

    :param kernel: its clock passes from now on.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._timer: threading.Timer | None = None
        self.on_change: Callable[[], None] = lambda: None
        """Called before another thread sees what an operation changed."""
        self.waiting: Callable[[], AbstractContextManager[None]] = nullcontext
        """Entered by a thread that waits for the clock."""
        kernel.clock.run(time.monotonic, self._sleep)

    def __enter__(self) -> None:
        """Wait for the turn, to look."""
        self._lock.acquire()

    def __exit__(self, *unused: object) -> None:
        """Give the turn to the next one."""
        self._lock.release()

    @contextmanager
    def changing(self) -> Iterator[Kernel]:
        """Have the turn, to change something."""
        with self._lock:
            try:
                yield self._kernel
            finally:
                self.on_change()
                self._set_timer()

    def end(self) -> None:
        """Let nobody wait for the clock any more: the host is going down."""
        self._over.set()
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()

    def _sleep(self, seconds: float) -> None:
        """Let time pass for the thread that has the turn.

        :raises OSError: the host is going down.
        """
        self.on_change()
        self._lock.release()
        try:
            with self.waiting():
                over = self._over.wait(seconds)
        finally:
            self._lock.acquire()
        if over:
            raise OSError(EIO, "the simulated host is going down")

    def _set_timer(self) -> None:
        """See to it that what the kernel does later is done then."""
        due = self._kernel.clock.next_due
        if due is None or self._over.is_set():
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(max(0.0, due - time.monotonic()), self._tick)
        self._timer.daemon = True
        self._timer.start()

    def _tick(self) -> None:
        with self.changing() as kernel:
            kernel.clock.tick()
